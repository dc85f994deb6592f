"""A list with recipes beside it, and what is fitted."""

from pathlib import Path
from typing import Any

import pytest
from compared import TINY, WILD
from tiny import tiny_strings

from wavemore.comparison import making
from wavemore.lists.corpus import Corpus, read_corpus


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A list; beside it tiny.toml, other.toml and wild.toml, which diverges."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    Path("other.toml").write_text(TINY.replace("hidden = 8", "hidden = 6"))
    Path("wild.toml").write_text(WILD)
    return read_corpus(tiny_strings(300))


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(hidden, seed) of every model that is fitted from now on."""
    found: list[tuple[int, int]] = []
    original = making.fit_model

    def counting(lists: Any, recipe: Any, **options: Any) -> Any:
        found.append((recipe.wavenet.hidden, recipe.train.seed))
        return original(lists, recipe, **options)

    monkeypatch.setattr(making, "fit_model", counting)
    return found
