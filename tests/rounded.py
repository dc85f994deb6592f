"""Models as a page has them, for Python's engine: read from what the page gets, weights rounded to float16."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from wavemore.lists.labelled import Label
from wavemore.mixtures.any_label import AnyLabel
from wavemore.mixtures.mixture import Mixture
from wavemore.models.modelfile import ModelFile
from wavemore.page.arrays import unpacked
from wavemore.page.packing import Packed
from wavemore.predict.engine import Engine
from wavemore.predict.ensemble import Ensemble
from wavemore.predict.folding import Level
from wavemore.predict.ngram import Ngram
from wavemore.predict.nodes import Nodes
from wavemore.predict.predictor import Predictor
from wavemore.settings.config import ModelConfig, NgramConfig


def rounded(file: ModelFile, packed: Packed, label: "Label | None" = None) -> Predictor[Any]:
    """The predictor that the page has for a label, or without one."""
    arrays, config = unpacked(packed.header["arrays"], packed.data), file.recipe.model
    if isinstance(config, NgramConfig):
        return Ngram.of(config, len(file.vocabulary), file.ngram_arrays)
    assert isinstance(config, ModelConfig)
    labels = file.labels if label is None or file.labels is None else file.labels.chosen(label)
    one = None if label is None or labels is None or len(labels.occurring) > 1 else int(labels.occurring[0])
    engines = [
        _engine(config, member, told, arrays, one)
        for member, told in zip(_members(file, config), packed.header["networks"], strict=True)
    ]
    network = engines[0] if len(engines) == 1 else Ensemble(engines)
    if labels is not None and one is None:
        counts = labels.counts[labels.occurring]
        return AnyLabel(network, labels.occurring, counts / counts.sum())
    if file.ngram_weight is None:
        return network
    counted = NgramConfig(kind="ngram", order=config.ngram)
    return Mixture(network, Ngram.of(counted, len(file.vocabulary), file.ngram_arrays), file.ngram_weight)


def _members(file: ModelFile, config: ModelConfig) -> list[dict[str, np.ndarray]]:
    return file.members() if config.members > 1 else [file.network]


def _engine(
    config: ModelConfig,
    weights: Mapping[str, np.ndarray],
    told: Mapping[str, Any],
    arrays: list[np.ndarray],
    label: int | None,
) -> Engine:
    """One network, and where a label is told, under that one."""
    embedding = arrays[told["embedding"]]
    engine = Engine(config, {**weights, "embedding.weight": embedding})
    levels = [_level(one, arrays, config) for one in told["levels"]]
    if label is not None:
        levels = [_under(level, label) for level in levels]
        engine.config = engine.network.config = replace(config, labels=())
    network = engine.network
    network.levels = levels
    first = levels[0]
    products = [first.contribution(j, embedding) for j in range(len(first.weights))]
    network.characters = Nodes(products, embedding, None)
    engine._steps = type(engine._steps)([network])
    return engine


def _level(told: Mapping[str, Any], arrays: list[np.ndarray], config: ModelConfig) -> Level:
    def array(name: str) -> np.ndarray | None:
        return None if told[name] is None else arrays[told[name]]

    def combined(name: str) -> np.ndarray | None:
        rows, total = array(name), np.zeros(1)
        if rows is None:
            return None
        for part in np.split(rows, np.cumsum(config.labels)[:-1]):
            total = (total[..., None, :] if total.ndim > 1 else total) + part  # (..., values, W)
        return total.reshape(-1, rows.shape[1]).astype(np.float32)

    return Level(
        [arrays[number] for number in told["weights"]],
        array("bias"),
        array("gamma"),
        array("beta"),
        told["residual"],
        array("head"),
        array("headBias"),
        combined("shifts"),
        combined("headShifts"),
    )


def _under(level: Level, label: int) -> Level:
    """A level whose bias holds what a label shifts."""
    bias = level.bias
    if level.shifts is not None:
        bias = level.shifts[label] + (0 if bias is None else bias)
    head_bias = level.head_bias
    if level.head_shifts is not None:
        head_bias = level.head_shifts[label] + (0 if head_bias is None else head_bias)
    return level._replace(bias=bias, head_bias=head_bias, shifts=None, head_shifts=None)
