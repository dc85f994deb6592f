"""Model files of every kind that a page can run, with random weights, and what the page's engine says of them."""

import base64
import json
import subprocess
from collections.abc import Mapping
from typing import Any

import numpy as np
from in_node import APP, NODE
from models_at_random import COUNTED

from wavemore.lists.labelled import Labels
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.page.packing import Packed, packed
from wavemore.predict.ngram import Ngram
from wavemore.settings.config import NgramConfig, Recipe

CASES = APP.parents[3] / "tests" / "page" / "engine_cases.mjs"
KERNEL = APP / "engine" / "kernel.wasm"
ABC = Vocabulary("abc")
KINDS = {"language": ("it", "no", "tr"), "gender": ("f", "m")}
STRINGS = ["", "a", "abcabcabcabcabc", "cab", "cabb", "bbbbbbbbb", "cabbac", *COUNTED]


def network_file(seed: int = 0, vocabulary: Vocabulary = ABC, spread: float = 0.6, **model: Any) -> ModelFile:
    """A network, an ensemble (`members`), a mixture (`ngram`) or a network with labels (`kinds`)."""
    kinds = model.pop("kinds", None)
    shape = {"groups": [2, 2], "embedding": 3, "hidden": 5, **model}
    if kinds:
        shape["labels"] = [len(values) for values in kinds.values()]
    recipe = Recipe.from_dict({"model": shape})
    draw, weights = np.random.default_rng(seed), {}
    for name, size in recipe.wavenet.weight_shapes(len(vocabulary)):
        array = spread * draw.standard_normal(size, dtype=np.float32)
        if name.endswith(("running_var", "gamma")):
            array = np.float32(0.5) + np.abs(array)
        weights[name] = array
    if recipe.wavenet.ngram:
        ngram = Ngram.fit(COUNTED, vocabulary, NgramConfig(kind="ngram", order=recipe.wavenet.ngram)).arrays()
        weights |= {f"ngram.{name}": array for name, array in ngram.items()} | {"ngram.weight": np.float32(0.3)}
    labels = None
    if kinds:
        counts = np.arange(np.prod([len(values) for values in kinds.values()]))
        labels = Labels(
            {name: tuple(values) for name, values in kinds.items()}, counts
        )  # the first combination does not occur
    return ModelFile(recipe, vocabulary, weights, labels=labels)


def ngram_file(order: int, strings: list[str] = COUNTED, vocabulary: Vocabulary = ABC) -> ModelFile:
    recipe = Recipe.from_dict({"model": {"kind": "ngram", "order": order}})
    model = Ngram.fit(strings, vocabulary, NgramConfig(kind="ngram", order=order))
    return ModelFile(recipe, vocabulary, model.arrays())


class Asked:
    """Cases for one Node process; each is answered when all are there."""

    def __init__(self) -> None:
        self._models: list[Packed] = []
        self._cases: list[dict[str, Any]] = []

    def model(self, file: ModelFile) -> tuple[int, Packed]:
        """The number of a model in cases, and what the page gets of it."""
        self._models.append(packed(file))
        return len(self._models) - 1, self._models[-1]

    def case(self, does: str, model: int, **what: Any) -> int:
        """The number of a case's answer."""
        self._cases.append({"does": does, "model": model, **what})
        return len(self._cases) - 1

    def answers(self) -> list[Any]:
        """All answers."""
        models = [{"header": one.header, "data": base64.b64encode(one.data).decode()} for one in self._models]
        command = [str(NODE), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", str(CASES), str(APP), str(KERNEL)]
        asked = json.dumps({"models": models, "cases": self._cases})
        told = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=120, check=False)
        assert told.returncode == 0, told.stderr
        assert told.stderr == ""
        return [_answer(one) for one in json.loads(told.stdout)]


def _answer(told: Mapping[str, Any]) -> Any:
    assert "failed" not in told, told["stack"]
    return told["answer"]


def numbers(text: str, kind: Any = np.float32) -> np.ndarray:
    """An array that came as base64."""
    return np.frombuffer(base64.b64decode(text), kind)
