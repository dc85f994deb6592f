"""`wavemore evaluate`: the loss of a model on a list, how like the list its samples are, what it knows by heart."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, say, write_lines
from wavemore.cli.reading import own_list, read_list
from wavemore.errors import UsageError
from wavemore.tables.visible import visible

if TYPE_CHECKING:
    from wavemore.judging.evaluate import Evaluation
    from wavemore.judging.likeness import Likeness
    from wavemore.judging.memorisation import Memorisation
    from wavemore.judging.report import Report


def command(
    model: options.Model = None,
    list_: Annotated[
        str | None,
        typer.Argument(
            metavar="LIST",
            help="A file, '-' for standard input, or a list's name; without it, the list in the package that the model "
            "was trained on.",
        ),
    ] = None,
    label: options.Given = None,
    by_label: Annotated[
        bool, typer.Option("--by-label", help="Each label's strings apart, by the columns that name the labels.")
    ] = False,
    samples: Annotated[
        int,
        options.whole(help="How many samples to compare with the list."),
    ] = 0,
    memory: Annotated[
        bool, typer.Option("--memory", help="Tell whether the model knows its own list by heart.")
    ] = False,
    column: options.Column = None,
    counts: options.Counts = None,
    encoding: options.Encoding = "utf-8",
    format: options.Format = None,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    strip: options.Strip = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """The loss of a model on a list: nats and bits per character, and perplexity.

    If LIST is the one the model was trained on, the parts it was split into are evaluated apart as well. "Unseen" are
    the strings of a part that do not stand in the training part too.

    The interval says how far off the loss may be because a list is finite (95 %, bootstrap over strings). The second
    table says how often the most likely next character follows (accuracy), the mean probability it was given
    (confidence), how much the two differ over 15 bins of confidence (calibration error), and how much they would differ
    by chance alone.

    With --samples, samples are compared with the training part, and so are the held-out strings; if LIST is another
    one, samples are compared with it. The table says what share of the strings is not on that list (new), what share of
    these is one edit and two edits from a string of it (looking at a thousand at most; an edit takes a character out,
    puts one in or changes one), and what share is among the held-out ones; then, over equally many samples and held-out
    strings, the share of distinct ones and the distances of lengths in characters (Wasserstein) and of characters and
    pairs in bits (Jensen-Shannon).

    With --memory, it shows the probability of all distinct training strings together, that of the held-out ones, and
    how many times as likely as a held-out string a training string is: 1 if the model knows none by heart.

    With --by-label, LIST has a column for each kind of label that the model has, called as that is. The table shows the
    loss of each label's strings where the label is known, of all of them so ("labels known"), and of all without.

    \b
    Examples
      wavemore evaluate                              the model in the package, on its own list
      wavemore evaluate names.safetensors names.txt
      wavemore evaluate names.safetensors heldout.csv --column name
      wavemore evaluate people.safetensors people.csv --column name --by-label
      wavemore evaluate --samples 1000 --memory      and what its samples are like, and what it knows by heart
    """
    from wavemore.cli.reading import model_of
    from wavemore.lists.layout import Layout

    model, list_ = options.model_and_list(model, list_, to="evaluate it on")
    loaded = model_of(model, label)
    if by_label and (label or samples or memory or counts):
        raise UsageError("--by-label goes with neither --label, --samples, --memory nor --counts; leave them out")
    kinds = tuple(loaded.file_.labels.kinds) if by_label and loaded.file_.labels is not None else ()
    if by_label and not kinds:
        raise UsageError("the model has no labels; train one with --label COLUMN, or leave out --by-label")
    source = own_list(loaded.file_, "evaluate") if list_ is None else list_
    longest = loaded.file_.recipe.data.max_length
    layout = Layout(
        column=column,
        encoding=encoding,
        format=format,
        delimiter=delimiter,
        header=header,
        strip=strip,
        counts=counts,
        labels=kinds,
    )
    corpus = read_list(source, layout, max_length=longest, quiet=quiet)
    found = loaded.report(corpus, samples=samples, memorisation=memory, progress=not quiet)
    unknown = found.losses["all"].unknown
    if unknown and not quiet:
        say(f"strings left out for a character that the model does not know (their probability is 0): {unknown:,}")
    write_lines(_records(found) if json else _tables(found))


def _records(found: "Report") -> Iterator[str]:
    for part, loss in found.losses.items():
        yield json_line({"part": part, **loss.to_dict()})
    for who, like in found.likeness.items():
        yield json_line({"part": who, "against": found.reference, **like.to_dict()})
    if found.memorisation is not None:
        yield json_line({"part": "memory", **found.memorisation.to_dict()})


def _tables(found: "Report") -> list[str]:
    lines = [*_loss_table(found.losses), "", *_calibration_table(found.losses)]
    if found.likeness:
        lines += ["", *_likeness_table(found.likeness, found.reference)]
    if found.memorisation is not None:
        lines += ["", *_memorisation_table(found.memorisation), "", found.memorisation.sentence]
    return lines


def _loss_table(results: Mapping[str, "Evaluation"]) -> list[str]:
    rows = [
        f"{'part':<18}{'strings':>10}{'predictions':>13}{'nats/char':>11}{'95 % interval':>20}{'bits/char':>11}"
        f"{'perplexity':>12}"
    ]
    for part, result in results.items():
        interval = "-" if result.nats_interval is None else "{:.5f} - {:.5f}".format(*result.nats_interval)
        rows.append(
            f"{visible(part):<18}{result.strings:>10,}{result.predictions:>13,}{result.nats_per_character:>11.5f}"
            f"{interval:>20}{result.bits_per_character:>11.5f}{result.perplexity:>12.3f}"
        )
    return rows


def _calibration_table(results: Mapping[str, "Evaluation"]) -> list[str]:
    rows = [f"{'part':<18}{'accuracy':>10}{'confidence':>13}{'calibration error':>20}{'by chance':>11}"]
    for part, result in results.items():
        found = result.calibration
        rows.append(
            f"{visible(part):<18}{found.accuracy:>10.1%}{found.confidence:>13.1%}{found.error:>20.2%}"
            f"{found.error_by_chance:>11.2%}"
        )
    return rows


def _likeness_table(alike: Mapping[str, "Likeness"], reference: str) -> list[str]:
    rows = [
        f"{'against ' + reference:<18}{'strings':>10}{'new':>10}{'1 edit':>9}{'2 edits':>9}{'held out':>10}"
        f"{'compared':>10}{'distinct':>10}{'lengths':>9}{'characters':>12}{'pairs':>9}"
    ]
    for who, like in alike.items():
        shares = (like.one_edit, like.two_edits, like.held_out)
        one, two, held_out = ("-" if share is None else f"{share:.1%}" for share in shares)
        rows.append(
            f"{who:<18}{like.strings:>10,}{like.new:>10.1%}{one:>9}{two:>9}{held_out:>10}"
            f"{like.compared:>10,}{like.distinct:>10.1%}{like.length_distance:>9.3f}"
            f"{like.character_divergence:>12.5f}{like.pair_divergence:>9.5f}"
        )
    return rows


def _memorisation_table(known: "Memorisation") -> list[str]:
    rows = [f"{'distinct strings':<18}{'strings':>10}{'probability':>13}{'mean of each':>14}"]
    for part, mass in (("train", known.train), ("held out", known.held_out)):
        mean = f"{mass.total / mass.strings:.3g}" if mass.strings else "-"
        rows.append(f"{part:<18}{mass.strings:>10,}{mass.total:>13.3%}{mean:>14}")
    return rows
