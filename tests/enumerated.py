"""The distribution of a tiny model's strings, string by string, and whether samples follow it."""

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import erfc, log, sqrt
from typing import Any

import numpy as np
import torch

from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Predictor
from wavemore.sampling.constraints import Condition, conjunction
from wavemore.sampling.shape import Shape
from wavemore.settings.config import ModelConfig

ABC = Vocabulary("abc")
LONGEST = 8
EVERY = ["".join(s) for n in range(1, LONGEST + 1) for s in product("abc", repeat=n)]


def sharp_engine() -> Engine:
    """A model that is sure of itself, so that a wrong sampler shows."""
    net = WaveNet(ModelConfig(groups=(2, 2), embedding=3, hidden=6), 4, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        net.head.linear.weight *= 12  # type: ignore[operator, union-attr]
        net.head.linear.bias[0] += 0.5  # type: ignore[index, union-attr]
    return Engine(net.config, {name: tensor.numpy() for name, tensor in net.eval().state_dict().items()})


def enumerated(model: Predictor[Any], conditions: Sequence[Condition], shape: Shape) -> dict[str, float]:
    """The probability of every string of up to 8 characters that meets the conditions, among them, derived here step by
    step from the logits."""
    automaton = conjunction(conditions, ABC)
    found: dict[str, float] = {}
    states, chances, strings = model.start(1), np.ones(1), [""]
    for depth in range(LONGEST + 1):
        weights = shape.weights(states.logits, may_end=depth > 0).astype(float)[states.context_of]
        weights /= weights.sum(axis=1, keepdims=True)
        found.update({s: p for s, p in zip(strings, chances * weights[:, 0], strict=True) if s})
        if depth == LONGEST:
            break
        parents, ids = np.repeat(np.arange(len(strings)), 3), np.tile([1, 2, 3], len(strings))
        chances = chances[parents] * weights[parents, ids]
        strings = [strings[i] + "abc"[c - 1] for i, c in zip(parents, ids, strict=True)]
        states = model.step(states.rearranged(parents), np.arange(len(parents)), ids)
    assert automaton is not None
    return {s: p for s, p in found.items() if automaton.accepts(ABC.encode(s))}


def chi_square_z(counts: Counter[str], probabilities: dict[str, float]) -> float:
    """How many standard deviations the chi-square statistic lies above its mean; rare strings share one cell."""
    n, total = counts.total(), sum(probabilities.values())
    cells = {s: p / total * n for s, p in probabilities.items() if p / total * n >= 8}
    rest = n - sum(cells.values())
    statistic = sum((counts[s] - e) ** 2 / e for s, e in cells.items())
    if rest >= 8:
        statistic += (n - sum(counts[s] for s in cells) - rest) ** 2 / rest
    return (statistic - len(cells)) / np.sqrt(2 * max(1, len(cells)))


def p_value(counts: Counter[str], probabilities: dict[str, float]) -> float:
    """Of a G-test; strings that are expected fewer than eight times share a cell. A string that has no probability
    makes it 0."""
    if not counts.keys() <= {string for string, p in probabilities.items() if p > 0}:
        return 0.0
    n, total = counts.total(), sum(probabilities.values())
    expected = {s: p / total * n for s, p in probabilities.items()}
    cells = [(counts[s], e) for s, e in expected.items() if e >= 8]
    rest = (n - sum(o for o, _ in cells), n - sum(e for _, e in cells))
    cells += [rest] if rest[1] > 1e-6 * n else []
    g = 2 * sum(o * log(o / e) for o, e in cells if o)
    freedom = len(cells) - 1
    assert freedom > 5, "too few cells to tell anything"
    z = ((g / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / sqrt(2 / (9 * freedom))  # Wilson and Hilferty 1931
    return 0.5 * erfc(z / sqrt(2))


def short(strings: list[str]) -> Counter[str]:
    """Those among them that are enumerated."""
    return Counter(string for string in strings if len(string) <= LONGEST)
