"""Model files of every kind with weights drawn at random, and what a runtime of ONNX must say of them.

python tests/exported.py FOLDER    compares, in any environment that has onnxruntime and NumPy alone
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LOGITS = 1e-5
"""How far a logit may be off, of logits up to 1; of larger ones that share of them. Their sums are in float32."""
NATS = 1e-6
"""How far a log-likelihood may be off, for each of a string's predictions and as a share of it."""


def ask(session: Any, ids: np.ndarray, *names: str) -> list[np.ndarray]:
    """The results of these names for rows of ids, (strings, length)."""
    return session.run(list(names), {"ids": ids})


def padded(rows: list[np.ndarray], *, at_end: bool, length: int = 0) -> np.ndarray:
    """Rows of ids, filled up with 0: (rows, length) int64."""
    length = max([length, *map(len, rows)])
    ids = np.zeros((len(rows), length), np.int64)
    for row, its in zip(ids, rows, strict=True):
        row[slice(len(its)) if at_end else slice(length - len(its), length)] = its
    return ids


def off(found: np.ndarray, expected: np.ndarray, share: float) -> float:
    """The largest difference, in multiples of what is allowed."""
    assert found.shape == expected.shape
    allowed = share * np.maximum(1, np.abs(expected))
    return float((np.abs(found - expected) / allowed).max(initial=0.0))


def compared(session: Any, expected: dict[str, np.ndarray]) -> dict[str, float]:
    """How far the results for these rows are off, in multiples of what is allowed; the rows in one batch, one by one
    and none at all, whose results have to be the same to the bit."""
    strings, contexts = expected["strings"], expected["contexts"]
    (logits,) = ask(session, contexts, "logits")
    (scores,) = ask(session, strings, "log_likelihood")
    predictions = 1 + (strings > 0).sum(axis=1)
    for rows, whole, name in ((contexts, logits, "logits"), (strings, scores, "log_likelihood")):
        few = np.linspace(0, len(rows) - 1, 40).astype(int)
        for batch in (1, 3):
            for start in range(0, len(few), batch):
                (alone,) = ask(session, rows[few[start : start + batch]], name)
                assert np.array_equal(alone, whole[few[start : start + batch]]), f"{name} depends on the batch"
        (none,) = ask(session, rows[:0], name)
        assert none.shape == (0, *whole.shape[1:])
    return {
        "logits": off(logits, expected["logits"], LOGITS),
        "log_likelihood": off(scores / predictions, expected["log_likelihood"] / predictions, NATS),
    }


def compare_all(folder: Path, session_of: Callable[[str], Any]) -> dict[str, dict[str, float]]:
    """All files of a folder by their names, each with what is expected beside it as .npz."""
    found = {}
    for path in sorted(folder.glob("*.onnx")):
        with np.load(path.with_suffix(".npz")) as arrays:
            found[path.stem] = compared(session_of(str(path)), dict(arrays))
    return found


if __name__ == "__main__":
    import onnxruntime  # pyright: ignore[reportMissingImports]

    found = compare_all(
        Path(sys.argv[1]), lambda path: onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    )
    print(json.dumps({"version": onnxruntime.__version__, "found": found}))  # noqa: T201
