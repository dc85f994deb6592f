"""`wavemore score`: how well each string of a list fits, as columns of the list."""

from typing import TYPE_CHECKING, Annotated, cast

import typer

from wavemore.cli import options
from wavemore.cli.output import run_job, say, say_without, write_rows
from wavemore.errors import UsageError

if TYPE_CHECKING:
    from wavemore.judging.row_scores import Unknown


def command(
    model: options.Model = None,
    list_: Annotated[
        str | None,
        typer.Argument(metavar="LIST", help="A list or table: a file, '-' for standard input, or a list's name."),
    ] = None,
    label: options.Given = None,
    string: Annotated[
        list[str] | None, typer.Option("--string", "-s", help="Score this string; may be repeated, without a LIST.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Write this file, compressed if its name ends in .gz, .bz2, .xz, .zst; with --on, a "
            "folder of this name.",
        ),
    ] = None,
    percentile: Annotated[
        bool, typer.Option("--percentile", help="Add the share of held-out strings that are less likely.")
    ] = False,
    guess_number: Annotated[
        bool, typer.Option("--guess-number", help="Add how many strings are likelier, and the 95 % interval of that.")
    ] = False,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Compare with this model too; may be repeated."),
    ] = None,
    posterior: Annotated[
        bool, typer.Option("--posterior", help="Add how probable each label is, or each model of --against.")
    ] = False,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="With --posterior: how probable a model is before the string is seen; name every model once. "
            "Without it, all are equally probable.",
        ),
    ] = None,
    unknown: Annotated[
        str | None,
        typer.Option(
            help="What becomes of strings with unknown characters: zero, floor, ignore, drop or error; without this "
            "option zero, or with --posterior floor."
        ),
    ] = None,
    fold_case: options.FoldCase = False,
    odd: Annotated[
        int | None,
        options.whole(help="Only this number of rows, the oddest first, with a column that says how odd they are."),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Sort by an added column, lowest first; holds all rows in memory."),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="With --sort: highest first.")] = False,
    column: options.Column = None,
    encoding: options.Encoding = "utf-8",
    format: Annotated[
        str | None,
        typer.Option(
            help="text, csv, tsv, jsonl, json, counted (uniq -c) or parquet; without it, told from the file's ending."
        ),
    ] = None,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    strip: options.Strip = False,
    on: options.On = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """How well each string fits: its log-likelihood, and what follows from it, as columns of the list.

    A table (CSV, TSV, JSON lines; Parquet with the extra "parquet") is written as it was, row by row and byte for byte,
    with columns added at the end of each row. A plain list becomes tab-separated, its lines last. With --json each row
    is its line, the string and the added columns alone. Rows without a string stay, and their values are empty.

    \b
    log_likelihood       in nats; all strings' probabilities sum to one
    bits_per_character   the same for each character and the end, in bits: lower fits better
    percentile           how many percent of the held-out strings are less likely
    guess_number         how many tries until the string comes, likeliest strings first, with
                         guess_number_low and guess_number_high
    surprise             bits of the most surprising characters and of all, whatever the length (--odd)
    log_likelihood_NAME  under each model of --against
    log_ratio            log_likelihood minus the highest of these: above 0, the first model fits better
    posterior_NAME       how probable it is that the string has this label of the model, or, with --against, that it is
                         one of this model's, from 0 to 1 (--posterior)
    best                 the model that fits best; with --posterior, the most probable one, or label
    unknown              the characters that the model does not know

    A string with an unknown character has probability 0 (-inf, in JSON null). --unknown floor gives the character the
    probability of one that its list did not have; ignore scores the string without such characters, drop leaves its row
    out, and error stops there.

    With --on the list is a Parquet file or a pattern in quotes, and --output a folder. Each file becomes one of the
    same name there, or several of about a million rows; their bytes are the same on any number of workers.

    \b
    Examples
      wavemore score -s emma -s xqzt
      wavemore score names.safetensors people.csv --column name -o scored.csv
      wavemore score names --odd 20                 the model in the package, on its own list
      wavemore score names.safetensors mixed.txt --against towns.safetensors --sort log_ratio
      wavemore score people.safetensors mixed.txt --posterior          how probable each label is
      wavemore score it.safetensors mixed.txt --against fr.safetensors --posterior --prior it=3 --prior fr=1
      wavemore score users.safetensors - --percentile --guess-number --json
      wavemore score users.safetensors 'data/*.parquet' --column name -o out --on ray
    """
    from wavemore.cli.reading import model_of
    from wavemore.files import check_no_input
    from wavemore.judging.scored_table import Order, scored_table
    from wavemore.lists.layout import Layout

    source: str | list[str] = string or ""
    if string:
        if list_ is not None:
            raise UsageError(f"score either the list {list_} or the strings of --string, not both")
    else:
        model, list_ = options.model_and_list(model, list_, to="score with it")
        if list_ is None:
            with_it = f"with {model}, as in: wavemore score {model}" if model else "as in: wavemore score"
            raise UsageError(f"name the list to score{' ' if model else ', '}{with_it} names")
        source = list_
    if on is not None:
        from wavemore.scale.jobs import score_job

        useless = {"string": bool(string), "against": bool(against), "prior": bool(prior), "odd": odd is not None}
        useless |= {"sort": sort is not None, "reverse": reverse, "strip": strip, "json": json}
        useless |= {"delimiter": delimiter is not None, "header": header is not None}
        useless |= {"format": format not in (None, "parquet"), "encoding": encoding != "utf-8"}
        if column is None and not any(useless.values()):
            raise UsageError("--on scores a column of Parquet files; name it, as in --column name")
        asked = {"unknown": unknown, "percentile": percentile, "guess_number": guess_number}
        asked |= {"posterior": posterior, "fold_case": fold_case}
        given = {name: value for name, value in asked.items() if value}
        if model is not None and model.endswith((".parquet", ".pq")):
            raise UsageError(
                f"{model} is no model, and {list_} the list: where a shell has written out a pattern, put it into "
                "quotes"
            )
        first = model_of(model, label)
        run_job(
            lambda folder: score_job(source, column or "", folder, first, **given), on, output, useless, quiet=quiet
        )
        return
    order = Order(odd, sort, reverse)
    layout = Layout(column=column, encoding=encoding, format=format, delimiter=delimiter, header=header, strip=strip)
    check_no_input(output, source, model, *(against or []))
    priors = options.numbers_of("--prior", prior)
    first, *others = (model_of(model, label), *(model_of(other, None) for other in against or []))
    scores = first.row_scores(
        against=others,
        unknown=cast("Unknown | None", unknown),
        percentile=percentile,
        guess_number=guess_number,
        posterior=posterior,
        priors=priors,
        fold_case=fold_case,
    )
    printed = output in (None, "-")
    with scored_table(source, scores, order, layout, progress=not quiet, printed=printed) as found:
        write_rows(found, output, json=json)
    if quiet:
        return
    say_without(found)
    if found.tally.trained_on:
        say(
            f"{found.table.source}: rows whose string the model was trained on, and may know by heart: "
            f"{found.tally.trained_on:,}; wavemore odd scores each row by models that have not seen it"
        )
    if found.tally.unknown:
        done = {
            "zero": "have probability 0",
            "floor": "are scored with the probability of a new character",
            "ignore": "are scored without them",
            "drop": "are left out",
        }[scores.unknown]
        none = f"; of these without a score, since they have no other character: {found.tally.unscored:,}"
        say(
            f"{found.table.source}: rows with a character that the model does not know, which {done}: "
            f"{found.tally.unknown:,}{none if found.tally.unscored else ''}"
        )
    if found.tally.other_case:
        say(
            f"{found.table.source}: rows all of whose characters the model knows in the other case: "
            f"{found.tally.other_case:,}; try --fold-case"
        )
