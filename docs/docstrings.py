"""Docstrings as Markdown reads them. The sources are written to be read as they are, with two habits that Markdown does
not know: lists of arguments in two columns, and indented blocks without a blank line before them."""

import re
from typing import Any

import griffe

__all__ = ["SourceHabits", "as_markdown"]

_ITEM = re.compile(r"(\w+) {2,}(\S.*)")


class SourceHabits(griffe.Extension):
    """Writes each docstring in Markdown as the reference collects it."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called once for every object of the package."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(docstring: str) -> str:
    """The docstring with its two-column lists as lists, and a blank line before each indented block."""
    return "\n\n".join(_paragraph(paragraph) for paragraph in docstring.split("\n\n"))


def _paragraph(paragraph: str) -> str:
    lines = paragraph.split("\n")
    if _ITEM.fullmatch(lines[0]) and all(_ITEM.fullmatch(line) or line.startswith("    ") for line in lines):
        joined = re.sub(r"\n +", " ", paragraph)  # an item that goes on in the next line
        return "\n".join(_ITEM.sub(r"- `\1`: \2", line) for line in joined.split("\n"))
    return re.sub(r"(?m)^(\S.*\n)(?= {4})", r"\1\n", paragraph)
