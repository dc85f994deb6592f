"""`new` over a million samples, from a model file alone."""

import shutil
from pathlib import Path

import pytest

import wavemore
from wavemore.lists.corpus import read_corpus
from wavemore.models.modelfile import pretrained_path
from wavemore.sampling.wish import Wish

pytestmark = pytest.mark.slow


def test_a_million_new_strings_have_none_of_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copy(pretrained_path(), tmp_path / "alone.safetensors")
    monkeypatch.chdir(tmp_path)
    model = wavemore.load("alone.safetensors")
    names = set(read_corpus("names").strings)
    drawn = Wish(new=True).samples(model.file_, model.distribution_, 1_000_000, seed=0)
    assert sum(string in names for string in drawn) == 0
    as_they_come = Wish().samples(model.file_, model.distribution_, 10_000, seed=0)
    assert sum(string in names for string in as_they_come) > 100  # so that the check can fail
