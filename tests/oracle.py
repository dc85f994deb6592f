"""The taught forward pass again, in plain NumPy and float64, written from the notes and from nothing else.

It shares no code with the library and does not fold, batch or share anything: each step is the sentence it comes from.
"""

from collections.abc import Mapping

import numpy as np


def forward(groups: tuple[int, ...], weights: Mapping[str, np.ndarray], contexts: np.ndarray) -> np.ndarray:
    """(B, T) ids -> (B, V) logits in evaluation mode."""
    w = {name: np.asarray(array, dtype=np.float64) for name, array in weights.items()}
    rows = []
    for context in contexts:
        nodes = [w["embedding.weight"][i] for i in context]  # T vectors
        for level, n in enumerate(groups):
            nodes = [np.concatenate(nodes[i : i + n]) for i in range(0, len(nodes), n)]
            nodes = [np.tanh(_norm(w, f"levels.{level}", _linear(w, f"levels.{level}", node))) for node in nodes]
        assert len(nodes) == 1
        rows.append(_norm(w, "head", _linear(w, "head", nodes[0])))
    return np.stack(rows)


def _linear(w: Mapping[str, np.ndarray], prefix: str, x: np.ndarray) -> np.ndarray:
    y = x @ w[f"{prefix}.linear.weight"]
    return y + w[f"{prefix}.linear.bias"] if f"{prefix}.linear.bias" in w else y


def _norm(w: Mapping[str, np.ndarray], prefix: str, x: np.ndarray) -> np.ndarray:
    if f"{prefix}.norm.gamma" not in w:
        return x
    mean, var = w[f"{prefix}.norm.running_mean"], w[f"{prefix}.norm.running_var"]
    return w[f"{prefix}.norm.gamma"] * (x - mean) / np.sqrt(var + 1e-5) + w[f"{prefix}.norm.beta"]
