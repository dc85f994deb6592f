"""`wavemore study`: the notes' five claims about flattening in steps, measured."""

from typing import Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, say, write_lines
from wavemore.cli.reading import read_list

_SEEDS = 5


def command(
    context: typer.Context,
    list_: options.List = "names",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report and the finished runs go.")
    ] = "study",
    quick: Annotated[bool, typer.Option("--quick", help="Small models and short runs, in about two minutes.")] = False,
    claims: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="These alone, of hierarchy,processing,flexibility,information,flow; without it, all."
        ),
    ] = None,
    seeds: Annotated[int, options.whole(help=f"How many seeds, {_SEEDS} or more.")] = _SEEDS,
    on: options.RunsOn = "here",
    set_: options.Set = None,
    column: options.Column = None,
    encoding: options.Encoding = "utf-8",
    format: options.Format = None,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    strip: options.Strip = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure what the lecture's notes claim for flattening in steps: each claim is an experiment with an open end.

    Every model is trained with several seeds on equal data; an effect has a 95 % interval over seeds, and a claim is
    supported, not supported, or undecided by a rule that the report states. It is one HTML page, study.html, that opens
    without a network; study.md and study.json say the same. Its pictures need the extra "plot".

    Finished runs stay in FOLDER. The same command does only what is missing there; Ctrl-C ends after the runs under way
    and loses nothing. All cores are used, one thread a run; with --on ray all CPUs of a cluster, with the same figures.

    \b
    Examples
      wavemore study --quick
      wavemore study names.txt -o claims --set data.split=lecture
      wavemore study towns --claims hierarchy,information --seeds 8
      wavemore study names --on ray=10.0.0.5:6379
    """
    from wavemore.lists.layout import Layout
    from wavemore.settings.config import load_recipe
    from wavemore.study import CLAIMS, study

    settings = options.settings_of(set_)
    longest = load_recipe("fast").with_settings(settings).data.max_length
    layout = Layout(column=column, encoding=encoding, format=format, delimiter=delimiter, header=header, strip=strip)
    corpus = read_list(list_, layout, max_length=longest, quiet=quiet)
    try:
        found = study(
            corpus,
            output,
            claims=CLAIMS if claims is None else [name.strip() for name in claims.split(",")],
            seeds=seeds,
            quick=quick,
            settings=settings,
            on=on,
            remark=(lambda sentence: None) if quiet else say,
            command=options.command_line(context.obj),
        )
    except KeyboardInterrupt:
        kept = f"stopped; what was done is kept in {output}, and the same command goes on with it"
        raise KeyboardInterrupt(kept) from None
    if json:
        write_lines(json_line(claim.to_dict()) for claim in found.claims)
        return
    write_lines([*found.to_text().split("\n"), f"the report is {output}/study.html"])
