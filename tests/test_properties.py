"""Any list of Unicode strings trains, samples, saves, loads and scores."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wavemore
from wavemore.errors import CorpusError
from wavemore.lists.corpus import read_corpus
from wavemore.settings.config import Recipe

RECIPE = Recipe.from_dict(
    {"model": {"groups": [2], "embedding": 2, "hidden": 3}, "train": {"steps": 3, "batch": 8, "optimizer": "adamw"}}
)
usable = st.text(min_size=1, max_size=12).filter(lambda s: not s.isspace() and "\n" not in s and "\r" not in s)


@pytest.mark.parametrize("examples", [25, pytest.param(200, marks=pytest.mark.slow)])
def test_any_list_of_unicode_strings(examples):
    some = settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    some(given(st.lists(usable, min_size=20, max_size=40))(check_list))()


def check_list(strings):
    try:
        model = wavemore.fit(strings, recipe=RECIPE)
    except CorpusError as error:
        assert len(set(read_corpus(strings).strings)) < 3
        assert "distinct strings" in str(error)  # noqa: PT017
        return
    scores = model.score_samples(strings)
    assert np.isfinite(scores).all()
    samples = model.sample(5, seed=1)
    assert len(samples) == 5
    assert all(samples)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        again = wavemore.load(path)
    assert np.array_equal(again.score_samples(strings), scores)
    assert again.sample(5, seed=1) == samples
    assert math.isfinite(again.score(strings))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=30))
def test_any_list_at_all_is_read_or_refused_in_one_sentence(strings):
    try:
        corpus = read_corpus(strings)
    except CorpusError as error:
        assert "holds no strings" in str(error)  # noqa: PT017 - the only reason there may be
        return
    assert len(corpus.strings) + corpus.skipped.counts.total() == len(strings)
