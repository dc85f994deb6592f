"""`wavemore odd`: the odd rows of a list or a column, without a model."""

from typing import Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import say_without, write_rows
from wavemore.errors import UsageError


def command(
    list_: Annotated[
        str, typer.Argument(metavar="LIST", help="A list or table: a file, '-' for standard input, or a list's name.")
    ],
    n: Annotated[int | None, options.whole("-n", help="How many rows, the oddest first; 20 without it.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All rows in their order instead.")] = False,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Rows with the same value there do not vouch for each other.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Write this file, compressed if its name ends in .gz, .bz2, .xz, .zst."),
    ] = None,
    column: options.Column = None,
    encoding: options.Encoding = "utf-8",
    format: Annotated[
        str | None,
        typer.Option(help="text, csv, tsv, jsonl, json or parquet; without it, told from the file's ending."),
    ] = None,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    strip: options.Strip = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """The odd rows of a list or of a table's column: typos, random strings, other languages, values of another column,
    broken encodings. No model is needed.

    Each row is scored by models that have counted the other rows alone, so no row vouches for itself. With --group, nor
    do rows of the same group, such as the orders of one customer. A table is written as it was, row by row, with three
    columns added at the end of each row. With --json each row is its line, the string and these columns alone.

    \b
    oddness    in bits: the higher, the odder
    one_in     the N of "1 in N rows is as odd"
    reasons    why, in words; of the rows that are shown, and with --all of the oddest 1 %, or of 50

    A file is read twice: its rows, or 200,000 of them drawn at random, are learned, and then all are scored.

    \b
    Examples
      wavemore odd names.txt
      wavemore odd people.csv --column name -n 50
      wavemore odd orders.csv --column city --group customer --all -o scored.csv
      cut -f2 users.tsv | wavemore odd - --json
    """
    from wavemore.files import check_no_input
    from wavemore.judging.odd import odd_table
    from wavemore.lists.layout import Layout

    if all_ and n is not None:
        raise UsageError("-n and --all exclude each other; choose one")
    layout = Layout(column=column, encoding=encoding, format=format, delimiter=delimiter, header=header, strip=strip)
    check_no_input(output, list_)
    with odd_table(
        list_,
        most=None if all_ else 20 if n is None else n,
        layout=layout,
        group=group,
        progress=not quiet,
        printed=output in (None, "-"),
    ) as found:
        write_rows(found, output, json=json)
    if not quiet:
        say_without(found)
