"""Pages show what their commands print."""

from pathlib import Path

import pytest
from documented import BLOCK, commands, regenerated, same, without_luck

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if BLOCK.search(path.read_text("utf-8")))

LONG = {"how-to/compare.md", "how-to/labels.md", "how-to/study.md", "tutorial.md"}
"""They train for long, so `make slow` runs them."""


def test_the_pages_that_show_commands_are_found():
    assert {"index.md", "strings.md"} | LONG < set(PAGES)
    assert len(commands((DOCS / "strings.md").read_text(encoding="utf-8"))) > 5


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in PAGES]
)
def test_a_page_shows_what_its_commands_print(name: str, tmp_path: Path):
    page = (DOCS / name).read_text(encoding="utf-8")
    now = regenerated(page, tmp_path)
    assert same(without_luck(now), without_luck(page)), f"python tests/documented.py docs/{name} writes it again"


def test_the_tutorial_shows_what_its_commands_print_after_a_shorter_training(tmp_path: Path):
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    now = regenerated(page, tmp_path, steps=40)
    assert same(without_luck(now), without_luck(page)), "python tests/documented.py docs/tutorial.md writes it again"


def test_a_page_that_shows_something_else_is_noticed(tmp_path: Path):
    page = "```console\n$ wavemore --version\nwavemore 99\n```\n"
    assert "wavemore 99" not in without_luck(regenerated(page, tmp_path))
    page = "```shell-session\n$ echo of 9 samples all are new\nof 8 samples some are new\n```\n"
    assert without_luck(regenerated(page, tmp_path)) != without_luck(page)


def test_figures_and_strings_of_a_trained_model_may_differ(tmp_path: Path):
    page = "```shell-session\n$ echo loss 1.23e-4; echo emma\nloss  9.5\nella\n```\n"
    assert without_luck(regenerated(page, tmp_path)) == without_luck(page)
    page = "```console\n$ echo emma\nella\n```\n"
    assert without_luck(regenerated(page, tmp_path)) != without_luck(page)


def test_python_is_compared_with_the_text_behind_it(tmp_path: Path):
    page = "```python\nprint(['anna'], 1.5)\n```\n\n```text\n['ella'] 2.5\n```\n"
    assert without_luck(regenerated(page, tmp_path)) == without_luck(page)
    assert without_luck(regenerated(page.replace("2.5", "nothing"), tmp_path)) != without_luck(
        page.replace("2.5", "nothing")
    )


def test_figures_may_differ_by_rounding_and_by_no_more():
    assert same("-12.184590\t65.828  emma, 17", "-12.184592\t65.8279  emma, 17")
    for other in ("-12.184630\t65.828  emma, 17", "12.184590\t65.828  emma, 17", "-12.184590\t65.828  emma, 18"):
        assert not same("-12.184590\t65.828  emma, 17", other)
