"""Pages show what their commands print."""

import contextlib
import io
from pathlib import Path

import pytest
from documented import blocks, commands, regenerated

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ["strings.md"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_its_commands_print(name: str, tmp_path: Path):
    page = (DOCS / name).read_text(encoding="utf-8")
    assert len(commands(page)) > 5
    assert regenerated(page, tmp_path) == page, f"python tests/documented.py docs/{name} writes it again"


@pytest.mark.parametrize("name", PAGES)
def test_the_python_of_a_page_runs(name: str):
    for block in blocks((DOCS / name).read_text(encoding="utf-8"), "python"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block, name, "exec"), {})
        assert out.getvalue()


def test_a_page_that_shows_something_else_is_noticed(tmp_path: Path):
    page = "```console\n$ wavemore --version\nwavemore 99\n```\n"
    assert "wavemore 99" not in regenerated(page, tmp_path)
