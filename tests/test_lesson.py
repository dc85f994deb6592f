"""The lesson in docs: it runs from top to bottom, its exercises can be solved, and the notebook is its source."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from lesson_cells import cells, run, shorter
from matplotlib import pyplot

from wavemore.settings.config import recipe_names

ROOT = Path(__file__).resolve().parents[1]
TABLE = (ROOT / "docs" / "from-the-lecture.md").read_text(encoding="utf-8")


def python(*arguments: str) -> str:
    """The output of a fresh process, in which a warning is an error."""
    environment = {**os.environ, "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_losses(out: str) -> list[float]:
    """Of all models, as the lesson's last table has them; all its exercises are solved before that."""
    solved = [int(number) for number in re.findall(r"exercise (\d+) is right", out)]
    assert solved == list(range(1, 11))
    losses = [float(line.split()[-1]) for line in out.split("\n")[-9:] if re.search(r"\d\.\d{4} +\d\.\d{4}$", line)]
    assert len(losses) == 7, "the last table has all models"
    return losses


def test_the_lesson_runs_and_its_exercises_can_be_solved(capsys, monkeypatch):
    """With shorter trainings, which put the hierarchical model of as many parameters beside the flat one."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    run(shorter([*cells()]))
    pyplot.close("all")
    *losses, hierarchical, shared, packaged = last_losses(capsys.readouterr().out)
    assert losses == sorted(losses, reverse=True)
    assert losses[-2] > hierarchical > shared > packaged


@pytest.mark.slow
def test_the_whole_lesson_runs_and_each_model_is_better_than_the_one_before():
    losses = last_losses(python("-W", "error", "tests/lesson_cells.py"))
    assert losses == sorted(losses, reverse=True)


def test_exercise_check_and_solution_follow_one_another():
    kinds = [cell.kind for cell in cells() if cell.kind not in ("markdown", "code")]
    assert kinds == ["exercise", "check", "solution"] * 10


def sections() -> dict[int, str]:
    """The lesson's sections by their numbers."""
    found = [re.search(r"^## (\d+)\. (.+)$", cell.source, flags=re.MULTILINE) for cell in cells()]
    return {int(heading[1]): heading[2] for heading in found if heading}


def test_sections_are_numbered_one_after_another():
    assert list(sections()) == list(range(1, 20))


def test_the_table_for_readers_of_the_lecture_names_what_exists():
    rows = [line.split("|")[1:-1] for line in TABLE.split("\n") if line.startswith("| ")][2:]
    assert len(rows) > 20
    for topic, numbers, objects in rows:
        for number in re.findall(r"\d+", numbers):
            assert int(number) in sections(), topic
        for path in re.findall(r"`(wavemore\.[\w.]+)`", objects):
            assert exists(path), path
        for recipe in re.findall(r"--recipe ([\w-]+)", objects):
            assert recipe in recipe_names(), recipe


def exists(path: str) -> bool:
    """Whether a dotted path is a module or an attribute of one."""
    try:
        import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return hasattr(import_module(module), name)
    return True


def test_a_missing_object_is_noticed():
    assert exists("wavemore.nn.Linear")
    assert not exists("wavemore.nn.Linaer")


def test_links_to_files_lead_somewhere():
    lesson = "\n".join(cell.source for cell in cells() if cell.kind == "markdown")
    for page in (lesson, TABLE):
        targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page)
        targets = [target for target in targets if not target.startswith("https://")]
        assert len(targets) >= 4
        for target in targets:
            assert (ROOT / "docs" / target).exists(), f"a link leads to {target}"
