"""`wavemore explain`: why strings are likely or odd, character by character."""

import os
import shlex
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, write_lines
from wavemore.errors import UsageError

if TYPE_CHECKING:
    from wavemore.judging.explanation import Explanation, Prediction


_END = "end"  # no character's name: those are one character long, or escaped
_LEAST = 0.001  # smaller probabilities are only said to be smaller
_Colour = Callable[[str, float], str]
"""Colours a text by a surprise, as a share of what blind guessing would cost."""


def command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL] STRING...", help="Strings; without a model file before them, the model in the package."
        ),
    ] = None,
    label: options.Given = None,
    alternatives: Annotated[
        int,
        options.whole("-k", "--alternatives", help="How many alternatives to name."),
    ] = 5,
    json: options.Json = False,
) -> None:
    """Why a string is likely or odd: what the model expected at each of its characters and at its end.

    A line for each character has its probability given what stands before it, the surprise in bits (one more with every
    halving of the probability), its rank among all that could follow, and what the model held for likeliest, with
    probabilities. A character that the model does not know has probability 0, and nothing after it is predicted. "end"
    is the end of the string.

    On a terminal colours show the surprise: green up to half of what blind guessing among all characters would cost,
    yellow up to all of it, and red beyond. NO_COLOR=1 turns them off.

    \b
    Examples
      wavemore explain emma xqzt
      wavemore explain towns.safetensors Walsall -k 3
      wavemore explain emma --json
      wavemore explain -- -emma          a string that begins with a dash
    """
    from wavemore.cli.reading import model_of
    from wavemore.progress import waiting

    if not words:
        raise UsageError("name a string to explain, as in: wavemore explain emma")
    model, strings = _named(words)
    with waiting("explaining"):
        explained = model_of(model, label).explain(strings, alternatives=alternatives)
    if json:
        write_lines(json_line(explanation.to_dict()) for explanation in explained)
        return
    write_lines(_lines(explained, _colour()), coloured=True)


def _named(words: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """The model, None for the one in the package, and the strings. Raises `UsageError` where no string is named, and
    where a model stands among the strings or a list stands in place of the model."""
    from wavemore.models.modelfile import is_model_file

    model, *strings = words
    for place, word in enumerate(strings, start=1):
        if is_model_file(word):
            others = shlex.join([*words[:place], *words[place + 1 :]])
            raise UsageError(
                f"{word} is a model; name one alone, before the strings, as in: wavemore explain {word} {others}"
            )
    if Path(model).suffix.lower() in (".txt", ".csv", ".tsv", ".jsonl", ".json", ".parquet") and Path(model).is_file():
        raise UsageError(
            f"{model} is a list, and strings are explained; name some, as in: wavemore explain emma, or score the "
            f"list: wavemore score {model}"
        )
    if strings and model.endswith(".safetensors"):  # where there is no such file, loading it says so
        return model, strings
    if not is_model_file(model):
        return None, words
    if not strings:
        raise UsageError(f"{model} is a model; name a string to explain with it, as in: wavemore explain {model} emma")
    return model, strings


def _lines(explained: "Sequence[Explanation]", colour: _Colour) -> Iterator[str]:
    for i, explanation in enumerate(explained):
        if i:
            yield ""
        yield _headline(explanation)
        blind = log2(explanation.vocabulary_size)
        width = max(_width(_name(prediction.character)) for prediction in explanation.predictions)
        for prediction in explanation.predictions:
            yield _line(prediction, width, blind, colour)
        if explanation.not_predicted:
            yield f"  what follows it is not predicted: {_shown(explanation.not_predicted)}"


def _headline(explanation: "Explanation") -> str:
    shown = _shown(explanation.string) or "the empty string"
    if explanation.unknown:
        return f"{shown}  probability 0: the model does not know {_name(explanation.unknown)}"
    return (
        f"{shown}  log-likelihood {explanation.log_likelihood:.3f} nats, "
        f"{explanation.bits_per_character:.3f} bits per character"
    )


def _line(prediction: "Prediction", width: int, blind: float, colour: _Colour) -> str:
    name, rank = _name(prediction.character), "-" if prediction.rank is None else str(prediction.rank)
    padded = name + " " * (width - _width(name))
    figures = f"{padded}  {_percent(prediction.probability):>6}  {prediction.bits:>6.2f} bits  rank {rank:>3}"
    expected = ", ".join(f"{_name(other.character)} {_percent(other.probability)}" for other in prediction.alternatives)
    return f"  {colour(figures, prediction.bits / blind)}  {expected}".rstrip()


def _percent(probability: float) -> str:
    if 0 < probability < _LEAST:
        return f"<{_LEAST:.1%}"
    return f"{probability:.1%}"


def _name(character: str) -> str:
    """A character alone, or the end."""
    if not character:
        return _END
    return '" "' if character == " " else _shown(character)


def _shown(string: str) -> str:
    """The string with what cannot be seen escaped; a mark that would land on what stands before it has a circle."""
    circle = "\N{DOTTED CIRCLE}" if string and unicodedata.category(string[0]).startswith("M") else ""
    return circle + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in string)


def _width(text: str) -> int:
    """How many columns the text takes on a terminal."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _colour() -> _Colour:
    """Colours for a terminal that shows them; none for pipes, files, and people who want none (no-color.org)."""
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return lambda text, surprise: text
    from rich.console import Console
    from rich.style import Style

    if Console().color_system is None:  # as of TERM=dumb
        return lambda text, surprise: text
    styles = [Style.parse(name) for name in ("green", "yellow", "bold red")]
    return lambda text, surprise: styles[int(surprise > 0.5) + int(surprise > 1)].render(text)
