"""The page's engine says the same as Python's with the same rounded weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from models_at_random import rows
from packed_models import ABC, KINDS, STRINGS, Asked, network_file, ngram_file, numbers
from rounded import rounded

from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import read_corpus
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.predict.predictor import Distribution, log_softmax

WIDE = Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + 150))))

FILES: dict[str, ModelFile] = {
    "as taught": network_file(0, groups=[2, 2, 2]),
    "one level": network_file(1, groups=[4]),
    "groups of one and three": network_file(2, groups=[3, 1, 2], hidden=9),
    "cycles": network_file(3, groups=[2, 2], cycles=3, hidden=12, activation="gated", residual=True),
    "residual of equal channels": network_file(4, embedding=5, residual=True, norm="layer"),
    "residual, wide": network_file(5, hidden=3, residual=True, cycles=2, norm="rms", activation="gelu"),
    "skips": network_file(6, groups=[2, 3], cycles=2, skip=True, residual=True, activation="gated", norm="layer"),
    "skips, wide": network_file(
        7, hidden=2, groups=[2, 2], cycles=2, skip=True, residual=True, activation="quick_gelu"
    ),
    "bias and no norm": network_file(8, norm="none", bias=True, activation="gelu"),
    "final norm": network_file(9, final_norm=True),
    "layer and tanh": network_file(10, norm="layer", bias=True),
    "rms and quick gelu": network_file(11, norm="rms", activation="quick_gelu", hidden=17),
    "context of one": network_file(12, groups=[1]),
    "large vocabulary": network_file(13, vocabulary=WIDE, groups=[2, 2, 2]),
    "ensemble": network_file(14, members=3, groups=[2, 2, 2], activation="gated", norm="layer", residual=True),
    "mixture": network_file(15, ngram=4),
    "mixture with an ensemble": network_file(16, ngram=2, members=2, cycles=2, residual=True),
    "n-gram": ngram_file(5),
    "unigram": ngram_file(1),
    "labels": network_file(17, kinds=KINDS, groups=[2, 2], cycles=2, activation="gated", residual=True, conditioned=2),
    "labels, all levels": network_file(18, kinds=KINDS, norm="layer", conditioned=9, members=2),
    "label of one kind": network_file(
        19, kinds={"place": ("a", "b", "c")}, conditioned=1, norm="rms", skip=True, hidden=9
    ),
}
LABELS: dict[str, list[dict[str, str] | None]] = {
    "labels": [None, {"language": "it", "gender": "f"}, {"language": "tr", "gender": "m"}, {"language": "no"}],
    "labels, all levels": [None, {"language": "no", "gender": "f"}, {"gender": "m"}],
    "label of one kind": [None, {"place": "a"}, {"place": "b"}],
}
ASKED = [(name, label) for name in FILES for label in LABELS.get(name, [None])]


def _strings(file: ModelFile) -> list[str]:
    if file.vocabulary == ABC:
        return STRINGS
    return [string.translate({97: 0x4E01, 98: 0x4E70, 99: 0x4E00 + 149}) for string in STRINGS]


def _id(case: tuple[str, Any]) -> str:
    name, label = case
    return name if label is None else f"{name}, {' '.join(label.values())}"


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Of each model and label: the rows with and without WebAssembly, one string after the other, and again; and what
    Python says."""
    asked, found = Asked(), {}
    for name, file in FILES.items():
        model, packed = asked.model(file)
        strings = _strings(file)
        ids = [file.vocabulary.encode(string).tolist() for string in strings]
        for label in LABELS.get(name, [None]):
            cases = [
                asked.case("rows", model, strings=ids, under=label),
                asked.case("rows", model, strings=ids, under=label, plain=True),
                asked.case("rows", model, strings=ids[::-1], under=label, alone=True, again=True),
            ]
            python = log_softmax(rows(rounded(file, packed, label), strings, file.vocabulary))
            found[_id((name, label))] = cases, python, [len(string) + 1 for string in strings]
    told = asked.answers()
    return {
        name: ([[numbers(row) for row in told[case]] for case in cases], python, counts)
        for name, (cases, python, counts) in found.items()
    }


@pytest.mark.parametrize("case", ASKED, ids=_id)
def test_the_page_says_what_python_says(answers: dict[str, Any], case: tuple[str, Any]) -> None:
    (fast, plain, alone), python, counts = answers[_id(case)]
    size = python.shape[1]
    for found in (fast, plain, alone[::-1]):
        assert [len(row) for row in found] == [count * size for count in counts]
        together = np.concatenate(found).reshape(-1, size)
        np.testing.assert_allclose(together, python, atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(np.exp(together.astype(np.float64)).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.concatenate(fast), np.concatenate(plain), atol=1e-5, rtol=1e-5)
    # Which strings stand beside a string changes nothing of it.
    np.testing.assert_array_equal(np.concatenate(fast), np.concatenate(alone[::-1]))


def test_the_kinds_differ(answers: dict[str, Any]) -> None:
    """Otherwise the test above could not fail."""
    first = {name: tuple(np.round(python[:, 1], 3)) for name, (_, python, _) in answers.items()}
    assert len(set(first.values())) == len(ASKED)


def test_the_fast_form_says_what_the_plain_one_says() -> None:
    """Node by node in double precision: an oracle in JavaScript itself, which also draws the tree."""
    asked, found = Asked(), {}
    for name in ("as taught", "cycles", "skips", "residual, wide", "rms and quick gelu", "labels, all levels"):
        file = FILES[name]
        model, packed = asked.model(file)
        label = {"label": 5, "under": {"language": "tr", "gender": "m"}} if file.labels else {"label": 0}
        ids = [file.vocabulary.encode(string).tolist() for string in STRINGS]
        fast = asked.case("rows", model, strings=ids, under=label.get("under"))
        numbered = range(len(packed.header["networks"]))
        found[name] = fast, [asked.case("plain", model, strings=ids, number=n, label=label["label"]) for n in numbered]
    told = asked.answers()
    for fast, networks in found.values():
        last = np.stack([numbers(row)[-4:] for row in told[fast]])
        logits = np.mean([[numbers(row, np.float64) for row in told[case]] for case in networks], axis=0)
        np.testing.assert_allclose(last, log_softmax(logits), atol=1e-5)


def test_later_characters_change_nothing_before_them() -> None:
    asked = Asked()
    model, _ = asked.model(FILES["mixture with an ensemble"])
    short, long = (asked.case("rows", model, strings=[ids]) for ids in ([1, 2], [1, 2, 3, 3, 1]))
    told = asked.answers()
    before, after = (numbers(told[case][0]) for case in (short, long))
    np.testing.assert_array_equal(before, after[: len(before)])


def test_draws_are_those_of_the_cumulative_probabilities() -> None:
    asked, uniforms = Asked(), np.random.default_rng(0).random(500).tolist()
    cases = {}
    for name in ("ensemble", "mixture", "n-gram", "labels", "large vocabulary"):
        model, _ = asked.model(FILES[name])
        rows_of = asked.case("rows", model, strings=[[1, 2]])
        cases[name] = rows_of, asked.case("drawn", model, ids=[1, 2], uniforms=[0, *uniforms])
    told = asked.answers()
    for name, (rows_of, drawn) in cases.items():
        size = len(FILES[name].vocabulary)
        chances = np.exp(numbers(told[rows_of][0])[-size:].astype(np.float64))
        sums = np.cumsum(chances)
        expected = np.searchsorted(sums, np.array([0, *uniforms]) * sums[-1], side="right")
        np.testing.assert_array_equal(numbers(told[drawn], np.int32), expected)


def test_the_tree_of_a_string() -> None:
    asked = Asked()
    taught, _ = asked.model(FILES["as taught"])
    cycles, _ = asked.model(FILES["cycles"])
    labels, _ = asked.model(FILES["labels"])
    counted, _ = asked.model(FILES["n-gram"])
    cases = [asked.case("trace", model, ids=[1, 2, 1, 2, 3]) for model in (taught, cycles, labels, counted)]
    ends = asked.case("rows", taught, strings=[[1, 2, 1, 2, 3]])
    told = asked.answers()
    tree, deep, mixed, nothing = (told[case] for case in cases)
    assert [level["shape"] for level in tree["levels"]] == [[8, 3], [4, 5], [2, 5], [1, 5]]
    assert [level["flattened"] for level in tree["levels"]] == [None, [4, 6], [2, 10], [1, 10]]
    assert [level["group"] for level in tree["levels"]] == [1, 2, 2, 2]
    pairs = tree["levels"][1]["nodes"]
    assert [node["ids"] for node in pairs] == [[0, 0], [0, 1], [2, 1], [2, 3]]
    assert [node["end"] for node in pairs] == [1, 3, 5, 7]
    assert [node["children"] for node in pairs] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [node["shared"] for node in pairs] == [6, 3, 2, 1]  # of the contexts of 0 to 5 characters
    assert all(len(node["values"]) == 5 for node in pairs)
    assert tree["network"] is None
    np.testing.assert_allclose(tree["logProbabilities"], numbers(told[ends][0])[-4:], atol=1e-6)
    assert [level["shape"] for level in deep["levels"]] == [[10, 3], *([n, 12] for n in (9, 7, 6, 4, 2, 1))]
    assert deep["levels"][1]["nodes"][3]["children"] == [3, 4]
    assert mixed["network"].startswith("with language = ")
    assert nothing["levels"] == []
    assert np.exp(nothing["logProbabilities"]).sum() == pytest.approx(1)


def test_a_label_that_the_model_does_not_have() -> None:
    asked = Asked()
    model, _ = asked.model(FILES["labels"])
    asked.case("rows", model, strings=[[1]], under={"language": "xx"})
    with pytest.raises(AssertionError, match="The model has no label language = xx"):
        asked.answers()


def test_numbers_too_large_to_compute_with() -> None:
    file = network_file(groups=[2] * 5, norm="none", activation="gelu")
    asked = Asked()
    large = {name: np.full_like(array, 9e8) for name, array in file.weights.items()}
    asked.case("rows", asked.model(replace(file, weights=large))[0], strings=[[1]])
    with pytest.raises(AssertionError, match="numbers are too large to compute with"):
        asked.answers()


def test_ten_thousand_log_likelihoods_of_the_package() -> None:
    """The same as Python's with the same rounded weights; and what rounding costs."""
    file = ModelFile.load(pretrained_path())
    asked = Asked()
    model, packed = asked.model(file)
    strings = [*read_corpus("names").strings][:10_000]
    case = asked.case("scores", model, strings=[file.vocabulary.encode(string).tolist() for string in strings])
    page = numbers(asked.answers()[case], np.float64)
    own, exact = (
        log_likelihoods(Distribution(predictor, file.vocabulary), strings)
        for predictor in (rounded(file, packed), distribution_of(file).predictor)
    )
    assert np.abs(page - own).max() < 1e-4
    assert abs(exact.sum() - page.sum()) / (sum(map(len, strings)) + len(strings)) < 1e-3
    assert np.abs(exact - page).max() > 1e-6  # they are rounded
