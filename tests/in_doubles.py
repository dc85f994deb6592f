"""A few strings, and a network's weights in float64, for tests of gradients."""

import numpy as np

from wavemore.lists.corpus import read_corpus
from wavemore.lists.vocabulary import Vocabulary
from wavemore.settings.config import ModelConfig
from wavemore.train.network import first_weights

STRINGS = read_corpus("names").strings[:25]
VOCABULARY = Vocabulary.of(STRINGS)


def weights_of(config: ModelConfig, seed: int = 0) -> dict[str, np.ndarray]:
    """In float64, and none that is adjusted at its first value of 0 or 1."""
    generator = np.random.default_rng(seed)
    weights = {name: w.astype(np.float64) for name, w in first_weights(config, len(VOCABULARY), generator).items()}
    for name, array in [*weights.items()]:
        if "running" not in name:
            weights[name] = array + 0.1 * generator.standard_normal(array.shape)
    return weights
