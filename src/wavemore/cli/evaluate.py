"""`wavemore evaluate`: the loss of a model on a list, how like the list its samples are, what it knows by heart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from wavemore.cli.options import (
    ColumnOption,
    EncodingOption,
    FormatOption,
    JsonOption,
    ModelArgument,
    QuietOption,
    model_and_list,
    whole_number,
)
from wavemore.cli.output import json_line, say, write_lines
from wavemore.cli.reading import read_list
from wavemore.errors import UsageError

if TYPE_CHECKING:
    from wavemore.estimator import StringModel
    from wavemore.judging.evaluate import Evaluation
    from wavemore.judging.likeness import Likeness
    from wavemore.judging.memorisation import Memory

NAME = "evaluate"

_SEED = 0  # of the samples: the same command says the same again


def command(
    model: ModelArgument = None,
    list_: Annotated[
        str | None, typer.Argument(metavar="LIST", help="A file, '-' for standard input, or a list's name.")
    ] = None,
    samples: Annotated[
        int,
        typer.Option(parser=whole_number, metavar="<int>", help="Make so many samples and compare them with the list."),
    ] = 0,
    memory: Annotated[
        bool, typer.Option("--memory", help="Tell whether the model knows its own list by heart.")
    ] = False,
    column: ColumnOption = None,
    encoding: EncodingOption = "utf-8",
    format: FormatOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """The loss of a model on a list: nats and bits per character, and perplexity.

    If LIST is the one the model was trained on, the parts it was split into are evaluated apart as well. "Unseen" are
    the strings of a part that do not stand in the training part too.

    The interval says how far the loss may lie off because a list is finite (95 %, bootstrap over strings). Below stand
    how often the most likely next character follows (accuracy), the mean probability it was given (confidence), by how
    much these differ over 15 bins of confidence (calibration error), and by how much they would by chance alone.

    With --samples, new strings are compared with the training part, and so are the held-out strings; if LIST is another
    one, new strings are compared with it. Shown are the shares of strings that are not on that list (new) and that are
    among the held-out ones; then, over equally many samples and held-out strings, the share of distinct ones and the
    distances of lengths in characters (Wasserstein) and of characters and pairs in bits (Jensen-Shannon).

    With --memory, the probability of all distinct training strings together is shown and that of the held-out ones, and
    how many times as likely as a held-out string a training string is: once, if none is known by heart.

    \b
    Examples
      wavemore evaluate names.safetensors names.txt
      wavemore evaluate names.safetensors heldout.csv --column name
      wavemore evaluate names --samples 1000         the model in the package, on its own list
    """
    from wavemore.estimator import load
    from wavemore.judging.evaluate import parts_of
    from wavemore.sampling.sample import sample_strings

    model, list_ = model_and_list(model, list_, to="evaluate on", with_it="evaluate it on")
    loaded = load(model)
    longest = loaded.file_.recipe.data.max_length
    drawn = sample_strings(loaded.distribution_, samples, max_length=longest, seed=_SEED)
    corpus = read_list(list_, column=column, encoding=encoding, format=format, max_length=longest, quiet=quiet)
    parts = parts_of(loaded.file_, corpus)
    known = _known(loaded, parts, corpus.name) if memory else None
    results = _evaluated(loaded, parts, quiet)
    unknown = results["all"].unknown
    if unknown and not quiet:
        say(f"strings left out for a character that the model does not know (their probability is 0): {unknown:,}")
    reference = "train" if "train" in parts else "all"
    alike = _compared(drawn, samples, parts, reference, quiet) if samples else {}
    if json:
        write_lines(json_line({"part": part, **result.to_dict()}) for part, result in results.items())
        write_lines(json_line({"part": who, "against": reference, **like.to_dict()}) for who, like in alike.items())
        write_lines(json_line({"part": "memory", **found.to_dict()}) for found in (known,) if found is not None)
        return
    write_lines([*_loss_table(results), "", *_calibration_table(results)])
    if alike:
        write_lines(["", *_likeness_table(alike, reference)])
    if known is not None:
        write_lines(["", *_memory_table(known), "", known.sentence])


def _evaluated(model: "StringModel", parts: Mapping[str, Sequence[str]], quiet: bool) -> "dict[str, Evaluation]":
    from wavemore.judging.evaluate import evaluate
    from wavemore.progress import counted

    results = {}
    for part, strings in parts.items():
        watched = counted(strings, len(strings), f"evaluating {part}", quiet=quiet)
        results[part] = evaluate(model.distribution_, watched)
    return results


def _compared(
    drawn: Iterable[str], n: int, parts: Mapping[str, Sequence[str]], reference: str, quiet: bool
) -> "dict[str, Likeness]":
    from wavemore.judging.likeness import compare
    from wavemore.progress import counted

    samples = list(counted(drawn, n, "sampling", quiet=quiet))
    held_out = [string for part in ("validation", "test") for string in parts.get(part, ())]
    return compare(samples, parts[reference], held_out)


def _known(model: "StringModel", parts: Mapping[str, Sequence[str]], name: str) -> "Memory":
    """What the model makes of its training part. Raises `UsageError` for another list."""
    from wavemore.judging.memorisation import exact

    if "train" not in parts:
        raise UsageError(
            f"--memory needs the list that the model was trained on and has split, and {name} is another one; "
            "wavemore info MODEL --memory does without a list"
        )
    held_out = [*parts["validation"], *parts["test"]]
    return exact(model.distribution_, parts["train"], held_out)


def _loss_table(results: Mapping[str, "Evaluation"]) -> list[str]:
    rows = [
        f"{'part':<18}{'strings':>10}{'predictions':>13}{'nats/char':>11}{'95 % interval':>20}{'bits/char':>11}"
        f"{'perplexity':>12}"
    ]
    for part, result in results.items():
        interval = "-" if result.nats_interval is None else "{:.5f} - {:.5f}".format(*result.nats_interval)
        rows.append(
            f"{part:<18}{result.strings:>10,}{result.predictions:>13,}{result.nats_per_character:>11.5f}"
            f"{interval:>20}{result.bits_per_character:>11.5f}{result.perplexity:>12.3f}"
        )
    return rows


def _calibration_table(results: Mapping[str, "Evaluation"]) -> list[str]:
    rows = [f"{'part':<18}{'accuracy':>10}{'confidence':>13}{'calibration error':>20}{'by chance':>11}"]
    for part, result in results.items():
        found = result.calibration
        rows.append(
            f"{part:<18}{found.accuracy:>10.1%}{found.confidence:>13.1%}{found.error:>20.2%}"
            f"{found.error_by_chance:>11.2%}"
        )
    return rows


def _likeness_table(alike: Mapping[str, "Likeness"], reference: str) -> list[str]:
    rows = [
        f"{'against ' + reference:<18}{'strings':>10}{'new':>10}{'held out':>10}{'compared':>10}{'distinct':>10}"
        f"{'lengths':>9}{'characters':>12}{'pairs':>9}"
    ]
    for who, like in alike.items():
        held_out = "-" if like.held_out is None else f"{like.held_out:.1%}"
        rows.append(
            f"{who:<18}{like.strings:>10,}{like.new:>10.1%}{held_out:>10}{like.compared:>10,}{like.distinct:>10.1%}"
            f"{like.length_distance:>9.3f}{like.character_divergence:>12.5f}{like.pair_divergence:>9.5f}"
        )
    return rows


def _memory_table(known: "Memory") -> list[str]:
    rows = [f"{'distinct strings':<18}{'strings':>10}{'probability':>13}{'mean of each':>14}"]
    for part, mass in (("train", known.train), ("held out", known.held_out)):
        mean = f"{mass.total / mass.strings:.3g}" if mass.strings else "-"
        rows.append(f"{part:<18}{mass.strings:>10,}{mass.total:>13.3%}{mean:>14}")
    return rows
