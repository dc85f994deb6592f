"""Models of every kind with weights drawn at random, and what they say of strings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wavemore.lists.vocabulary import Vocabulary
from wavemore.mixtures.any_label import AnyLabel
from wavemore.mixtures.leaning import Leaning
from wavemore.mixtures.mixture import Mixture
from wavemore.nn.sequence import SequenceModel
from wavemore.nn.sequence_predictor import SequencePredictor
from wavemore.predict.engine import Engine
from wavemore.predict.ensemble import Ensemble
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution, Predictor
from wavemore.settings.config import ModelConfig, NgramConfig, SequenceConfig

ABC = Vocabulary("abc")

COUNTED = ["abca", "cab", "", "bb", "abcabc", "a", "cabbac", "ab"]


def network(seed: int, vocabulary: Vocabulary = ABC, spread: float = 1.0, **shape: Any) -> Engine:
    """One with weights drawn at random."""
    config = ModelConfig(**{"groups": (2, 2), "embedding": 3, "hidden": 5, "norm": "layer", **shape})
    draw = np.random.default_rng(seed)
    shapes = dict(config.weight_shapes(len(vocabulary)))
    return Engine(config, {name: spread * draw.standard_normal(s, dtype=np.float32) for name, s in shapes.items()})


def mixture(order: int = 3, weight: float = 0.4, seed: int = 0, **shape: Any) -> Mixture:
    ngram = Ngram.fit(COUNTED, ABC, NgramConfig(kind="ngram", order=order))
    one = network(seed, **shape)
    return Mixture(Ensemble([one, network(seed + 1, **shape)]) if seed % 2 else one, ngram, weight)


def any_label(seed: int = 0, members: int = 1, **shape: Any) -> AnyLabel:
    """Of a network with two kinds of label, three values and two; one combination of them does not occur."""
    shape = {"labels": (3, 2), "cycles": 2, **shape}
    engines = [network(seed + i, **shape) for i in range(members)]
    weights = np.array([0.1, 0.3, 0.2, 0.25, 0.15])
    return AnyLabel(engines[0] if members == 1 else Ensemble(engines), np.array([0, 1, 2, 4, 5]), weights)


def sequence(kind: Any) -> SequencePredictor:
    config = SequenceConfig(kind=kind, embedding=4, hidden=8, heads=2)
    weights = {name: t.detach().numpy() for name, t in SequenceModel(config, len(ABC)).state_dict().items()}
    draw = np.random.default_rng(0)
    weights = {name: w + 0.5 * draw.standard_normal(w.shape, np.float32) for name, w in weights.items()}
    return SequencePredictor(config, weights)


LIKED = ["abcab", "bcab", "ccab", "b"]


def leaning(base: Predictor[Any], strength: float = 1.0, liked: Sequence[str] = LIKED) -> Leaning:
    return Leaning.of(Distribution(base, ABC), liked, strength)


KINDS: dict[str, Callable[[], Predictor[Any]]] = {
    "network": lambda: network(0, groups=(2, 2, 2)),
    "network of one level": lambda: network(1, groups=(4,)),
    "network with skips": lambda: network(2, cycles=2, skip=True, hidden=3, residual=True, activation="gated"),
    "ensemble": lambda: Ensemble([network(3), network(4), network(5)]),
    "mixture": lambda: mixture(order=4),
    "mixture with an ensemble": lambda: mixture(order=2, seed=1),
    "any label": lambda: any_label(conditioned=2),
    "any label of an ensemble": lambda: any_label(6, members=2, conditioned=1, residual=True, hidden=3),
    "leaning": lambda: leaning(network(6)),
    "leaning mixture": lambda: leaning(mixture(order=4), strength=3),
    "n-gram": lambda: Ngram.fit(COUNTED, ABC, NgramConfig(kind="ngram", order=4)),
    **{kind: lambda kind=kind: sequence(kind) for kind in ("bow", "rnn", "gru", "lstm", "transformer")},
}


def overflowing() -> Engine:
    """Each of its numbers is sound, what they make of a string is not."""
    config = ModelConfig(groups=(2,) * 5, embedding=3, hidden=6, activation="gelu", norm="none")
    return Engine(config, {name: np.full(s, 8e8, np.float32) for name, s in config.weight_shapes(4)})


def rows(model: Predictor[Any], strings: list[str], vocabulary: Vocabulary) -> np.ndarray:
    """The log-probabilities before each character and each end, string after string."""
    out = np.full((sum(map(len, strings)) + len(strings), len(vocabulary)), np.nan, dtype=np.float32)
    for part in model.predictions(strings, vocabulary):
        assert part.logits.dtype == np.float32
        out[part.rows] = part.logits[part.context_of]
    return out


def stepped_rows(model: Predictor[Any], strings: list[str], vocabulary: Vocabulary) -> np.ndarray:
    """The same rows, the strings taken side by side, one character at a time."""
    ids = [vocabulary.encode(string) for string in strings]
    found: dict[tuple[int, int], np.ndarray] = {}
    state = model.start(len(strings))
    for depth in range(max(map(len, strings)) + 1):
        for string, context in zip(state.strings, state.context_of, strict=True):
            found[int(string), depth] = state.logits[context]
        going_on = np.flatnonzero([len(ids[string]) > depth for string in state.strings])
        if len(going_on):
            state = model.step(state, going_on, np.array([ids[s][depth] for s in state.strings[going_on]]))
    return np.stack([found[key] for key in sorted(found)])
