"""Options that several commands share: each has one name, one meaning and one help text."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from wavemore.errors import UsageError

__all__ = [
    "Column",
    "Counts",
    "Delimiter",
    "Encoding",
    "FoldCase",
    "Format",
    "Given",
    "Header",
    "Json",
    "LearnsOn",
    "List",
    "Model",
    "On",
    "Quiet",
    "RunsOn",
    "Set",
    "Strip",
    "command_line",
    "model_and_list",
    "number",
    "numbers_of",
    "settings_of",
    "whole",
]

Model = Annotated[
    str | None, typer.Argument(metavar="MODEL", help="A model file; without it, the model in the package.")
]
List = Annotated[
    str, typer.Argument(metavar="LIST", help="A file, '-' for standard input, or a list's name, such as names.")
]
Column = Annotated[
    str | None,
    typer.Option(help="The column of a CSV, TSV or JSON list: its name, or its number."),
]
Counts = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column that says how often each string counts.")
]
Given = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="LABEL",
        help="Strings with this label of the model: it, or language=it; may be repeated for labels of other kinds.",
    ),
]
Encoding = Annotated[str, typer.Option(help="The list's encoding.")]
Format = Annotated[
    str | None,
    typer.Option(help="text, csv, tsv, jsonl, json or counted (uniq -c); without it, told from the file's ending."),
]
Delimiter = Annotated[
    str | None, typer.Option(help="The character between cells, such as ; or tab; without it, found out.")
]
Header = Annotated[
    bool | None, typer.Option("--header/--no-header", help="Whether the first row names columns; else found out.")
]
Strip = Annotated[bool, typer.Option("--strip", help="Take blanks off both ends of each string.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as train.steps=1000; may be repeated."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one record a line.")]
FoldCase = Annotated[
    bool,
    typer.Option(
        "--fold-case", help="A character that the model does not know stands for its other case, if it knows that."
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        metavar="here|ray[=ADDRESS]",
        help="A job of many Parquet files: here, in a process for each core; or ray, on the cluster of Ray that "
        "RAY_ADDRESS or ADDRESS names, else on one started here (extra ray). The same command goes on with "
        "a stopped job.",
    ),
]
RunsOn = Annotated[
    str,
    typer.Option(
        metavar="here|ray[=ADDRESS]",
        help="Where runs are made: here; or ray, on the cluster of Ray that RAY_ADDRESS or ADDRESS names, else on one "
        "started here, a CPU each (extra ray).",
    ),
]
LearnsOn = Annotated[
    str,
    typer.Option(
        metavar="here|ray[=ADDRESS]",
        help="Where networks learn: here; or ray, on the cluster of Ray that RAY_ADDRESS or ADDRESS names, else on one "
        "started here, a CPU each (extra ray).",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks.")]


def model_and_list(model: str | None, list_: str | None, *, to: str) -> tuple[str | None, str | None]:
    """The model, None for the one in the package, and the list, None where none is named. A single argument is the
    list, unless it is a model.

    Raises `UsageError` where a model stands in place of the list; `to` says what for, as "evaluate it on".
    """
    from wavemore.models.modelfile import is_model_file

    if list_ is None:
        names_a_model = model is None or model.endswith(".safetensors") or is_model_file(model)
        return (model, None) if names_a_model else (None, model)
    if model is None or not is_model_file(list_):
        return model, list_
    example = f"as in: wavemore {to.split()[0]}"
    if is_model_file(model):
        raise UsageError(f"{model} and {list_} are models; name one, and the list to {to}, {example} {model} names")
    raise UsageError(f"{list_} is a model and {model} is none; name the model first, {example} {list_} {model}")


def command_line(words: Sequence[str] | None) -> str:
    """How a command was started, to be kept in a record. Bytes of a file's name that have no character are escaped."""
    import shlex  # here: most commands keep no record

    return shlex.join(["wavemore", *(words or ())]).encode("utf-8", "backslashreplace").decode()


def settings_of(assignments: list[str] | None) -> dict[str, Any]:
    """`["train.steps=100"]` as `{"train.steps": 100}`; values are TOML, and text may stand without quotes."""
    settings: dict[str, Any] = {}
    for assignment in assignments or []:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f'--set {assignment} has no "="; write it as key=value, such as train.steps=1000')
        settings[key.strip()] = _toml_value(value.strip())
    return settings


def numbers_of(option: str, assignments: list[str] | None) -> dict[str, float] | None:
    """`["it=3", "fr=1"]` as `{"it": 3.0, "fr": 1.0}`; None where there are none."""
    numbers: dict[str, float] = {}
    for assignment in assignments or []:
        name, equals, text = assignment.rpartition("=")
        try:
            value = float(text)
        except ValueError:
            value = None
        if not equals or value is None:
            raise UsageError(f"{option} {assignment} must be written as NAME=NUMBER, such as {name or 'it'}=0.3")
        if name in numbers:
            raise UsageError(f"{option} {name} is given twice; give it once")
        numbers[name] = value
    return numbers or None


def whole(*names: str, help: str) -> Any:
    """An option that is a whole number."""
    return typer.Option(*names, parser=_whole_number, metavar="<int>", help=help)


def number(*names: str, help: str) -> Any:
    """An option that is any number."""
    return typer.Option(*names, parser=_number, metavar="<float>", help=help)


def _whole_number(text: str) -> int:
    """Typer's own message for a bad number does not show it."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f'"{text}" is not a whole number') from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f'"{text}" is not a number') from None


def _toml_value(text: str) -> Any:
    import tomllib

    if "\n" in text:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # TOML's own error is a ValueError, as is that of an endless number
        return text
