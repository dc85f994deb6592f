"""Strings with a label, and without one: under the mixture of all labels."""

import numpy as np
import pytest
from in_node import Page, as_numbers, model_of
from labelled_page import FILE, LABELS, check_strings, predictor
from packed_models import ABC, network_file

from wavemore.errors import UsageError
from wavemore.judging.likelihood import log_likelihoods
from wavemore.models.plausible import Plausible
from wavemore.predict.predictor import Distribution


def test_strings_are_those_of_the_label(page: Page) -> None:
    check_strings(page, LABELS["a label"], conditions=True)


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


def test_a_part_of_a_label_that_no_string_has(page: Page) -> None:
    file = network_file(4, kinds={"language": ("de", "fr"), "gender": ("f", "m"), "size": ("l", "s")})
    assert file.labels is not None
    file.labels.counts[:2] = 0
    label = {"language": "de", "gender": "f"}
    with pytest.raises(UsageError) as python:
        file.labels.chosen(label)
    for ask in (
        {"ask": "sample", "wish": {"count": 1, "label": label}},
        {"ask": "tree", "string": "a", "label": label},
    ):
        assert page.asked(model_of(file), {"id": 1, **ask}) == [{"id": 1, "error": str(python.value)}]
