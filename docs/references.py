"""The references that are made from the code at every build, as Markdown: they cannot differ from it."""

import re
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from pathlib import Path

import griffe
import typer.core
import typer.main

from wavemore.cli import app
from wavemore.settings.config import load_recipe, recipe_names

__all__ = ["MADE"]

_WIDTH = 110  # characters of a line of help
_TABLES = {  # each class whose fields are settings, with its heading
    "settings.config.TrainConfig": "`[train]`: how a model is trained",
    "settings.config.DataConfig": "`[data]`: how a list is cleaned and split",
    "settings.architecture.ModelConfig": '`[model]` of a WaveNet, `kind = "wavenet"`',
    "settings.architecture.SequenceConfig": "`[model]` of a baseline that reads a string from its beginning",
    "settings.architecture.NgramConfig": '`[model]` of an n-gram model, `kind = "ngram"`',
}


def command_line() -> str:
    """What `--help` of every command says, a section a command."""
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    context_of = type(root).context_class
    top = context_of(root, info_name="wavemore", terminal_width=_WIDTH)
    sections = [f"## wavemore\n\n```text\n{top.get_help()}\n```\n"]
    for name, command in root.commands.items():
        context = context_of(command, info_name=name, parent=top, terminal_width=_WIDTH)
        sections.append(f"## wavemore {name}\n\n```text\n{context.get_help()}\n```\n")
    return "\n".join(sections)


def settings() -> str:
    """A table of each group of settings: key, values, default, meaning. The texts are the fields' docstrings."""
    package = griffe.load("wavemore", search_paths=[Path(__file__).resolve().parents[1] / "src"])
    return "\n".join(
        f"### {heading}\n\n| key | values | default | what it is |\n| --- | --- | --- | --- |\n"
        + "".join(_rows(package[path].members.items()))
        for path, heading in _TABLES.items()
    )


def _rows(members: Iterable[tuple[str, object]]) -> Iterator[str]:
    for name, field in members:
        if not isinstance(field, griffe.Attribute) or "property" in field.labels:
            continue
        meaning = " ".join(field.docstring.value.split()) if field.docstring else ""
        default = f"`{_toml(str(field.value))}`" if field.value is not None else ""
        yield f"| `{name}` | `{_values(str(field.annotation))}` | {default} | {meaning} |\n"


def _values(annotation: str) -> str:
    """The values that a type allows, in the words of TOML."""
    if annotation.startswith("Literal["):
        return _toml(annotation.removeprefix("Literal[").removesuffix("]"))
    if annotation.startswith("tuple["):
        item = annotation.removeprefix("tuple[").removesuffix(", ...]")
        return f"[{item.removeprefix('tuple')}, ...]"
    return {"bool": "true, false", "str": "text"}.get(annotation, annotation)


def _toml(python: str) -> str:
    """A value as a recipe writes it."""
    return {"True": "true", "False": "false"}.get(python, re.sub(r"^\((.*)\)$", r"[\1]", python).replace("'", '"'))


def recipes() -> str:
    """Every recipe of the package: what it is for, and its file."""
    folder = resources.files("wavemore.settings") / "recipes"
    return "\n".join(
        f"### {name}\n\n{load_recipe(name).description}.\n\n"
        f"```toml\n{(folder / f'{name}.toml').read_text(encoding='utf-8').strip()}\n```\n"
        for name in recipe_names()
    )


MADE: dict[str, Callable[[], str]] = {"command line": command_line, "settings": settings, "recipes": recipes}
"""What stands in place of the comment `<!-- made from the code: NAME -->` of a page."""
