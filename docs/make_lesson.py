"""Writes docs/lesson.ipynb, the notebook, from docs/lesson.py, its source: `make lesson`.

Cells are numbered, where jupytext names them by chance, so the same source always gives the same bytes.
"""

from pathlib import Path

import jupytext

SOURCE = Path(__file__).with_name("lesson.py")


def notebook() -> str:
    """The notebook of the source, without outputs."""
    lesson = jupytext.read(SOURCE)
    for number, cell in enumerate(lesson.cells):
        cell["id"] = f"cell-{number}"
    return jupytext.writes(lesson, fmt="ipynb")


if __name__ == "__main__":
    SOURCE.with_suffix(".ipynb").write_text(notebook(), encoding="utf-8")
