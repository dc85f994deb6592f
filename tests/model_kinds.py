"""Model files of every kind with weights drawn at random, and what the engine says of strings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from models_at_random import rows
from tiny import tiny_strings

from wavemore.lists.labelled import Labels
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import log_probabilities
from wavemore.settings.config import ModelConfig, NgramConfig, Recipe

VOCABULARY = Vocabulary("abdekloé")  # "é" stands in no string that n-grams are counted of


def weights_of(config: ModelConfig, seed: int = 0) -> dict[str, np.ndarray]:
    """Drawn at random, of a size that keeps logits of the size that they have after training."""
    draw = np.random.default_rng(seed)

    def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name.endswith(("running_var", "gamma")):
            return draw.uniform(0.5, 1.5, shape)
        spread = shape[0] ** -0.5 if name.endswith("linear.weight") else 0.5
        return spread * draw.standard_normal(shape)

    shapes = config.weight_shapes(len(VOCABULARY))
    return {name: drawn(name, shape).astype(np.float32) for name, shape in shapes}


def a_network(seed: int = 0, *, strings: Sequence[str] = (), weight: float = 0.3, **shape: Any) -> ModelFile:
    """A WaveNet, or several, with an n-gram model that is counted of the strings, where the shape has one."""
    config = ModelConfig(**{"groups": (2, 2, 2), "embedding": 5, "hidden": 12, **shape})
    labels = None
    if config.labels:
        kinds = {f"kind{i}": tuple(map(chr, range(97, 97 + size))) for i, size in enumerate(config.labels)}
        counts = np.random.default_rng(seed).integers(0, 5, int(np.prod(config.labels)))
        counts[0] = 3
        labels = Labels(kinds, counts)
    weights = weights_of(config, seed)
    if config.ngram:
        counted = Ngram.fit(strings or tiny_strings(), VOCABULARY, NgramConfig(kind="ngram", order=config.ngram))
        weights |= {f"ngram.{name}": array for name, array in counted.arrays().items()}
        weights["ngram.weight"] = np.array(weight, np.float32)
    return ModelFile(Recipe(model=config), VOCABULARY, weights, {"data": {"name": "tiny"}}, labels)


def counts(order: int, strings: Sequence[str] = ()) -> ModelFile:
    config = NgramConfig(kind="ngram", order=order)
    arrays = Ngram.fit(strings or tiny_strings(), VOCABULARY, config).arrays()
    return ModelFile(Recipe(model=config), VOCABULARY, arrays, {"data": {"name": "tiny"}})


FILES: dict[str, Callable[[], ModelFile]] = {
    "taught": a_network,
    "flat": lambda: a_network(1, groups=(8,), bias=True),
    "notes": lambda: a_network(2, final_norm=True),
    "deep": lambda: a_network(
        3, groups=(2, 2), cycles=3, activation="gated", norm="layer", residual=True, skip=True, hidden=12
    ),
    "threes": lambda: a_network(4, groups=(3, 1, 2), cycles=2, norm="rms", activation="gelu", residual=True),
    "narrow": lambda: a_network(5, groups=(2, 3), norm="none", bias=True, activation="quick_gelu", skip=True, hidden=4),
    "wide": lambda: a_network(6, groups=(1,), embedding=6, hidden=6, residual=True, activation="gated"),
    "ensemble": lambda: a_network(7, members=3, cycles=2, activation="gelu", norm="layer", residual=True, bias=True),
    "mixture": lambda: a_network(8, ngram=6),
    "long mixture": lambda: a_network(9, ngram=12, groups=(2,), weight=0.7),
    "mixed ensemble": lambda: a_network(10, ngram=2, members=2, final_norm=True),
    "only the network": lambda: a_network(11, ngram=3, weight=0.0),
    "only counts": lambda: a_network(12, ngram=3, weight=1.0),
    "labels": lambda: a_network(13, labels=(3,), conditioned=1),
    "two labels": lambda: a_network(14, labels=(5, 4), conditioned=2, cycles=2, norm="layer", activation="gated"),
    "labels of an ensemble": lambda: a_network(15, labels=(3, 1), members=2, residual=True, norm="rms", bias=True),
    "one label": lambda: a_network(13, labels=(3,), conditioned=1).given("b"),
    "some labels": lambda: a_network(14, labels=(5, 4), conditioned=9, skip=True).given({"kind0": "a"}),
    "n-grams": lambda: counts(5),
    "unigrams": lambda: counts(1),
    "long n-grams": lambda: counts(20, [*tiny_strings(), "", "é"]),
}


def strings_for(count: int, seed: int = 0, longest: int = 12) -> list[str]:
    """Strings of any characters, the empty one among them, and some of the list."""
    draw = np.random.default_rng(seed)
    characters = np.array([*VOCABULARY.characters])
    listed = tiny_strings()
    made = ["".join(characters[draw.integers(0, len(characters), draw.integers(0, longest))]) for _ in range(count)]
    return ["", *(listed[i % len(listed)] if i % 2 else string for i, string in enumerate(made[1:]))]


def expected_of(file: ModelFile, strings: Sequence[str]) -> dict[str, np.ndarray]:
    """Rows of ids and what the engine says: of the strings, and of all contexts that stand in them."""
    from exported import padded

    distribution = distribution_of(file)
    ids = [file.vocabulary.encode(string) for string in strings]
    starts = np.cumsum([0, *(len(string) + 1 for string in strings[:-1])])
    contexts = [row[:place] for row in ids for place in range(len(row) + 1)]
    return {
        "strings": padded(ids, at_end=True),
        "contexts": padded(contexts, at_end=False),
        "logits": rows(distribution.predictor, [*strings], file.vocabulary),
        "log_likelihood": np.add.reduceat(log_probabilities(distribution, strings), starts),
    }
