"""The page's engine says the same as Python's with the same rounded weights."""

from typing import Any

import numpy as np
import pytest
from models_at_random import rows
from packed_models import ABC, STRINGS, Asked, network_file, ngram_file, numbers
from rounded import rounded

from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import log_softmax

KINDS = {"language": ("it", "no", "tr"), "gender": ("f", "m")}
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


def test_the_kinds_differ(answers: dict[str, Any]) -> None:
    """Otherwise the test above could not fail."""
    first = {name: tuple(np.round(python[:, 1], 3)) for name, (_, python, _) in answers.items()}
    assert len(set(first.values())) == len(ASKED)
