"""What tests of records share: fits that are stopped and resumed, and a folder with a list and a recipe."""

from pathlib import Path

import pytest
from recorded import Fit

from wavemore.settings.config import Recipe


@pytest.fixture
def fit(tiny_recipe: Recipe, strings: list[str], tmp_path: Path) -> Fit:
    return Fit(tiny_recipe, strings, tmp_path)


@pytest.fixture
def folder(tmp_path: Path, strings: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))
    Path("tiny.toml").write_text(
        "[model]\ngroups = [2, 2]\nembedding = 4\nhidden = 8\n[train]\nsteps = 30\nbatch = 32\n"
    )
    return tmp_path
