"""`wavemore evaluate`: the loss of a model on a list."""

from typing import Annotated, cast

import typer

from wavemore.cli.options import ColumnOption, EncodingOption, FormatOption, JsonOption, QuietOption
from wavemore.cli.output import json_line, say, write_lines

NAME = "evaluate"


def command(
    model_or_list: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="A model file; without it, the model in the package.")
    ],
    list_: Annotated[
        str | None, typer.Argument(metavar="LIST", help="A file, '-' for standard input, or a list's name.")
    ] = None,
    column: ColumnOption = None,
    encoding: EncodingOption = "utf-8",
    format: FormatOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """The loss of a model on a list: nats and bits per character, and perplexity.

    If LIST is the one the model was trained on, the parts it was split into are evaluated apart as well.

    \b
    Examples
      wavemore evaluate names.safetensors names.txt
      wavemore evaluate names.safetensors heldout.csv --column name
      wavemore evaluate names                        the model in the package, on its own list
    """
    from wavemore.corpus import read_corpus
    from wavemore.estimator import load
    from wavemore.evaluate import evaluate_parts
    from wavemore.sources import Format

    model, source = (None, model_or_list) if list_ is None else (model_or_list, list_)
    loaded = load(model)
    corpus = read_corpus(
        source,
        column=column,
        encoding=encoding,
        format=cast(Format | None, format),
        max_length=loaded.file_.recipe.data.max_length,
    )
    if corpus.skipped.counts and not quiet:
        say(f"{corpus.name}: {corpus.skipped}")
    results = evaluate_parts(loaded.engine_, loaded.file_, corpus)
    unknown = results["all"].unknown
    if unknown and not quiet:
        say(f"{unknown:,} strings hold a character that the model does not know and are left out (probability 0)")
    if json:
        write_lines(json_line({"part": part, **result.to_dict()}) for part, result in results.items())
        return
    header = f"{'part':<12}{'strings':>10}{'predictions':>13}{'nats/char':>11}{'bits/char':>11}{'perplexity':>12}"
    rows = [
        f"{part:<12}{result.strings:>10,}{result.predictions:>13,}{result.nats_per_character:>11.5f}"
        f"{result.bits_per_character:>11.5f}{result.perplexity:>12.3f}"
        for part, result in results.items()
    ]
    write_lines([header, *rows])
