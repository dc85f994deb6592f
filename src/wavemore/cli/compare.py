"""`wavemore compare`: several recipes and model files on one list."""

from typing import TYPE_CHECKING, Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, say, write_lines
from wavemore.cli.reading import read_list
from wavemore.errors import UsageError

if TYPE_CHECKING:
    from wavemore.comparison.contenders import Contender
    from wavemore.comparison.results import Comparison
    from wavemore.lists.corpus import Corpus

_SEEDS = 3


def command(
    context: typer.Context,
    list_: options.List,
    rows: Annotated[
        list[str],
        typer.Argument(
            metavar="ROW...", help="A recipe's name, a TOML file or a model file; NAME=ROW gives it a name."
        ),
    ],
    seeds: Annotated[
        int | None,
        options.whole(help=f"How many seeds, from 0 up; without it {_SEEDS}."),
    ] = None,
    seed_list: Annotated[str | None, typer.Option(help="These seeds instead, such as 0,1,2.")] = None,
    set_: options.Set = None,
    keep: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Keep finished runs there, and go on with what it holds.")
    ] = None,
    on: options.RunsOn = "here",
    test: Annotated[bool, typer.Option("--test", help="Look at the test part too: once, at the end.")] = False,
    picture: Annotated[str | None, typer.Option(metavar="FILE", help="Draw the losses as .svg or .png.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    column: options.Column = None,
    encoding: options.Encoding = "utf-8",
    format: options.Format = None,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    strip: options.Strip = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train several recipes on one list, each with several seeds, and show what they cost and reach.

    All rows split the list in the same way; where recipes differ in that, --set sets it for all of them, as with
    data.split=lecture. A model file is only evaluated, and must have been trained on the same split of the same list.
    Losses are those of held-out strings; "unseen" are those of them that are not in the training part too.

    Choose by the validation part. The test part is for one last look at what was chosen, so its columns are there with
    --test alone.

    With --keep every finished model and its figures stay in FOLDER, one record a line in compare.jsonl. The same
    command does only what is missing there; Ctrl-C loses nothing, since the run it stops is kept too. A row that fails
    says why and does not stop the others; the exit code is 1 then. --picture needs the extra "plot".

    With --on ray runs are made on all CPUs of a cluster; losses and what is kept are the same. Ctrl-C keeps the runs
    that are finished, and those under way are begun anew.

    \b
    Examples
      wavemore compare names auto fast ngram
      wavemore compare names.txt fast lecture --set data.split=lecture --keep runs
      wavemore compare towns fast mine.toml --seed-list 0,1,2,3,4 --picture towns.svg
      wavemore compare names.txt ours=names.safetensors fast --test --markdown
      wavemore compare towns fast small notes --seeds 10 --keep runs --on ray
    """
    from wavemore.comparison.contenders import contenders_of, data_of
    from wavemore.comparison.picture import draw_comparison
    from wavemore.lists.layout import Layout
    from wavemore.runs.canvas import check_picture

    if json and markdown:
        raise UsageError("--json and --markdown exclude each other; choose one")
    chosen = _seeds(seeds, seed_list)
    contenders = contenders_of(rows, options.settings_of(set_))
    longest = data_of(contenders).max_length
    if picture is not None:
        check_picture(picture)
    layout = Layout(column=column, encoding=encoding, format=format, delimiter=delimiter, header=header, strip=strip)
    corpus = read_list(list_, layout, max_length=longest, quiet=quiet)
    line = options.command_line(context.obj)
    comparison = _compared(corpus, contenders, chosen, keep=keep, on=on, test=test, quiet=quiet, command=line)
    if json:
        write_lines(json_line(record) for record in comparison.to_records())
    else:
        write_lines((comparison.to_markdown() if markdown else comparison.to_text()).split("\n"))
    if picture is not None and any(result.runs for result in comparison.results):
        draw_comparison(comparison, picture)
    if comparison.failed:
        raise typer.Exit(1)


def _compared(
    corpus: "Corpus",
    rows: "list[Contender]",
    seeds: list[int],
    *,
    keep: str | None,
    on: str,
    test: bool,
    quiet: bool,
    command: str,
) -> "Comparison":
    from wavemore.comparison.running import compare

    remark = (lambda sentence: None) if quiet else say
    try:
        return compare(
            corpus, rows, seeds=seeds, keep=keep, on=on, test=test, progress=not quiet, remark=remark, command=command
        )
    except KeyboardInterrupt:
        if keep is None:
            raise
        kept = f"stopped; what was done is kept in {keep}, and the same command goes on with it"
        raise KeyboardInterrupt(kept) from None


def _seeds(count: int | None, listed: str | None) -> list[int]:
    """The seeds that the options name."""
    if count is not None and listed is not None:
        raise UsageError("--seeds and --seed-list exclude each other; choose one")
    if listed is None:
        count = _SEEDS if count is None else count
        if count < 1:
            raise UsageError(f"the number of seeds is {count}; it must be 1 or more")
        return list(range(count))
    try:
        return [int(seed) for seed in listed.split(",")]
    except ValueError:
        raise UsageError(f'--seed-list is "{listed}"; it must be whole numbers such as 0,1,2') from None
