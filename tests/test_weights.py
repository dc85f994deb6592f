"""Counts and weights of strings, from `fit` on."""

from collections import Counter

import numpy as np
import pytest

import wavemore
from wavemore.errors import UsageError

USERS = [f"user{i:02}" for i in range(60)]
QUICK = {"train.steps": 30, "model.hidden": 16, "model.embedding": 8, "model.members": 1}


@pytest.fixture(scope="module")
def counted() -> wavemore.StringModel:
    return wavemore.fit(Counter({"password": 100, **dict.fromkeys(USERS, 1)}), settings=QUICK, seed=0)


def test_the_commonest_password_is_guessed_first_and_sampled_most(counted):
    assert counted.guess_numbers(["password"]).number[0] == 1
    assert counted.sample(1000, seed=0).count("password") > 100
    split = counted.file_.provenance["split"]
    assert [split[part] for part in ("train", "validation", "test")] == [130, 15, 15]
    assert split["trained_on_as_too_frequent"] == 1


def test_weights_repeats_and_counters_are_the_same(counted):
    repeats = wavemore.fit(["password"] * 100 + USERS, settings=QUICK, seed=0)
    weighted = wavemore.fit(["password", *USERS], sample_weight=np.array([100] + [1] * 60), settings=QUICK, seed=0)
    for model in (repeats, weighted):
        assert all(np.array_equal(model.file_.weights[name], array) for name, array in counted.file_.weights.items())


def test_without_weights_the_password_is_one_string_of_many():
    model = wavemore.fit(["password", *USERS], settings=QUICK, seed=0)
    assert model.sample(1000, seed=0).count("password") < 50


def test_weights_go_with_strings_in_memory():
    with pytest.raises(UsageError) as caught:
        wavemore.fit("names", sample_weight=[1.0])
    assert str(caught.value) == "sample_weight has a weight for each string of a list in memory, and names is a file"


def test_missing_strings_are_counted_once_each_and_their_weights_not_at_all():
    model = wavemore.StringModel("ngram").fit([*USERS, None, "  "], sample_weight=[5] * 60 + [3, 7])
    data = model.file_.provenance["data"]
    assert (data["strings"], data["skipped"]) == (300, "skipped 2: 1 blank (line 62), 1 missing (line 61)")


def test_weights_that_vanish_are_refused():
    with pytest.raises(UsageError, match=r"add up to 5\.99993e-318; that must be above 0 and below 1e300"):
        wavemore.fit(USERS, sample_weight=[1e-319] * 60)
