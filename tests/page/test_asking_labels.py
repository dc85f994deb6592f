"""Strings with a label, and without one: under the mixture of all labels."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from enumerated import enumerated, p_value
from in_node import Page, as_numbers, model_of
from packed_models import ABC, network_file
from rounded import rounded

from wavemore.judging.likelihood import log_likelihoods
from wavemore.models.plausible import Plausible
from wavemore.page.packing import packed
from wavemore.predict.predictor import Distribution, Predictor
from wavemore.sampling.constraints import Condition, EndsWith, Length
from wavemore.sampling.shape import Shape

N = 100_000
SHORT = Length(1, 8)
KINDS = {"language": ("de", "fr", "it"), "gender": ("f", "m")}
FILE = network_file(4, spread=0.9, kinds=KINDS)
LABELS: dict[str, Any] = {
    "no label": None,
    "a label": {"language": "it", "gender": "f"},
    "one kind of label": {"language": "fr"},
}


def predictor(label: Any) -> Predictor[Any]:
    return rounded(FILE, packed(FILE), label)


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("condition", ["", "a rare ending"])
def test_strings_are_those_of_the_label(page: Page, name: str, condition: str) -> None:
    label = LABELS[name]
    wish = {"endsWith": "ca", "minLength": 4, "maxLength": 8} if condition else {}
    conditions: list[Condition] = [EndsWith("ca"), Length(4, 8)] if condition else [SHORT]
    expected = enumerated(predictor(label), conditions, Shape())
    strings = page.strings(model_of(FILE), count=N, seed=2, label=label, **wish)
    counts = Counter(string for string in strings if len(string) <= 8)
    assert p_value(counts, expected) > 0.001
    if name != "no label":  # labels differ, and the test tells them apart
        assert p_value(counts, enumerated(predictor(None), conditions, Shape())) < 1e-9


def test_strings_are_scored_under_a_label_and_under_all(page: Page) -> None:
    strings = ["abc", "cab", "", "aaaaaaaaaa", "cbx", "bb"]
    for label in LABELS.values():
        (answer,) = page.asked(model_of(FILE), {"id": 1, "ask": "score", "strings": strings, "label": label})
        found = as_numbers([row["logLikelihood"] for row in answer["rows"]])
        expected = log_likelihoods(Distribution(predictor(label), ABC), strings)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert {row["percentile"] for row in answer["rows"]} == {None}


def test_plausible_strings_are_so_under_the_label_that_they_most_probably_have(page: Page) -> None:
    distribution = Distribution(predictor(None), ABC)
    strings = page.strings(model_of(FILE), count=400, seed=1)
    limits = Plausible.of(distribution, strings)
    assert limits is not None
    model = model_of(FILE)
    model["header"]["about"]["plausible"] = limits._asdict()
    answers = page.sampled(model, count=1000, seed=2, plausible=True)
    drawn = [one["string"] for answer in answers for one in answer["strings"]]
    excess = limits.excess(distribution, drawn)
    assert (excess > 1 + 1e-5).sum() == answers[-1]["implausible"]
    assert (limits.excess(distribution, page.strings(model, count=1000, seed=2)) > 1 + 1e-5).sum() > 60


def test_a_label_that_the_model_does_not_have(page: Page) -> None:
    wrong = {
        'the model has no language "es"; it has de, fr, it': {"language": "es"},
        'the model has no labels of the kind "city"': {"city": "Rome"},
    }
    for sentence, label in wrong.items():
        assert page.sampled(model_of(FILE), count=1, label=label) == [{"id": 1, "error": sentence}]
