"""`wavemore evaluate`: the loss of a model on a list."""

from typing import Annotated, cast

import typer

from wavemore.cli.options import ColumnOption, EncodingOption, FormatOption, JsonOption, ModelArgument, QuietOption
from wavemore.cli.output import json_line, say, write_lines
from wavemore.errors import UsageError

NAME = "evaluate"


def command(
    model: ModelArgument = None,
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
    from wavemore.modelfile import is_model_file
    from wavemore.sources import Format

    if list_ is None:  # the one argument is the list
        model, list_ = None, model
    if list_ is None:
        raise UsageError("name the list to evaluate on, as in: wavemore evaluate names")
    if model is None and is_model_file(list_):
        raise UsageError(f"{list_} is a model; name the list to evaluate it on, as in: wavemore evaluate {list_} names")
    loaded = load(model)
    corpus = read_corpus(
        list_,
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
        say(f"strings left out for a character that the model does not know (their probability is 0): {unknown:,}")
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
