"""Runs the cells of docs/lesson.ipynb from top to bottom, exercises solved: `python tests/lesson_cells.py`.

Each exercise is checked four times: as the reader finds it, where the check says that it is open; with a wrong answer,
which the check must refuse; with its solution; and once more at the end, since most readers run the whole lesson first.

A shorter run takes fewer steps in training; everything else is as the reader has it.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "lesson.ipynb"

SHORTER = {
    "steps: int = 1500": "steps: int = 300",
    "steps, start = 300": "steps, start = 100",
    # The hierarchical model, which stands last, passes the flat one only after some thousand steps.
    "assert validation_losses == sorted(validation_losses, reverse=True)": (
        "assert validation_losses[:-1] == sorted(validation_losses[:-1], reverse=True)"
    ),
}
"""What a shorter run changes: each is in one cell."""


class Cell(NamedTuple):
    """One cell of the notebook."""

    kind: str
    """"markdown" or "code", or of a tagged one its tag: "exercise", "check" or "solution"."""
    source: str


def cells() -> Iterator[Cell]:
    """The cells of the notebook in their order."""
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        tags = cell["metadata"].get("tags", [])
        yield Cell(tags[0] if tags else cell["cell_type"], "".join(cell["source"]))


def shorter(found: list[Cell]) -> list[Cell]:
    """The cells of a shorter run."""
    for text, other in SHORTER.items():
        (where,) = (number for number, cell in enumerate(found) if text in cell.source)
        found[where] = found[where]._replace(source=found[where].source.replace(text, other))
    return found


def run(lesson: list[Cell]) -> None:
    """Execute every code cell in one namespace, as a kernel does."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exercise = check = ""
    solved: list[tuple[str, str]] = []
    for number, cell in enumerate(lesson):
        where = f"cell {number} of {NOTEBOOK.name}"
        if cell.kind in ("code", "exercise"):
            _execute(cell.source, where, namespace)
            exercise = cell.source
        elif cell.kind == "check":
            check = cell.source
            said = _output(check, where, namespace)
            assert "is open" in said, f"{where} takes an exercise that nobody solved: {said}"
        elif cell.kind == "solution":
            _refuses_a_wrong_answer(exercise, check, where, namespace)
            _execute(solution(cell.source), where, namespace)
            said = _output(check, where, namespace)
            assert "is right" in said, f"{where} does not solve its exercise: {said}"
            sys.stdout.write(said)
            solved.append((cell.source, check))
    for markdown, check in solved:
        _execute(solution(markdown), NOTEBOOK.name, namespace)
        assert "is right" in _output(check, NOTEBOOK.name, namespace), f"not solved once the lesson has run: {markdown}"


def solution(markdown: str) -> str:
    """The code of a folded solution."""
    (code,) = re.findall(r"```python\n(.*?)```", markdown, flags=re.DOTALL)
    return code


def _refuses_a_wrong_answer(exercise: str, check: str, where: str, namespace: dict[str, Any]) -> None:
    (name,) = re.findall(r"^def (\w+)", exercise, flags=re.MULTILINE)
    namespace[name] = lambda *_: 0.125
    try:
        _output(check, where, namespace)
    except AssertionError:
        return
    raise AssertionError(f"the check before {where} takes a wrong answer of {name}")


def _execute(source: str, where: str, namespace: dict[str, Any]) -> None:
    exec(compile(source, where, "exec"), namespace)


def _output(source: str, where: str, namespace: dict[str, Any]) -> str:
    out = StringIO()
    with redirect_stdout(out):
        _execute(source, where, namespace)
    return out.getvalue()


if __name__ == "__main__":
    run([*cells()])
