"""A model as one ONNX file: a graph of its own, written node by node from the folded weights.

    ids (strings, length) int64  ->  log_likelihood (strings,) float64, nats
                                     logits (strings, V) float32, of what follows each row's last character
                                     log_joint (strings, K) float64, of a model of K labels: of each and the string

A row is a string's ids with boundaries (id 0) before or after them. So strings of different lengths are padded at their
end, contexts at their beginning, and both are asked of one input. A row with an id that there is not has a string that
the model does not know: log-likelihood minus infinity, logits NaN. A row with a boundary between characters is no
string: all of its results are NaN. Other rows are not touched by that.

Shapes in this file, positions first
    L  ids of a row     n  positions, L + 1     B  rows     K  labels     V  vocabulary, boundary id 0 included
"""

import json
from typing import Any

import numpy as np

from wavemore._version import __version__
from wavemore.errors import UsageError
from wavemore.export.graph import FLOAT, Graph, model_bytes
from wavemore.export.network import Network
from wavemore.export.parameters import Parameters
from wavemore.export.strings import Rows
from wavemore.export.trie import Counted, log_sum, log_sum_of_last
from wavemore.models.kinds import ngram_of
from wavemore.models.modelfile import ModelFile
from wavemore.settings.config import SequenceConfig

__all__ = ["onnx_bytes"]

_HOW = (
    "Input ids: a row for each string, int64. Write the string in Unicode's NFC form; the character at index i of "
    "'characters' has id i + 1. Fill rows up with 0, the boundary, before or after the characters. A character that is "
    "not there is written as -1. Output log_likelihood: nats, of the characters and the end. Output logits: of what "
    "follows the last character of the row, id 0 being the end; their softmax is the distribution."
)

_HOW_LABELS = (
    " Output log_joint: nats, of the label at the same index of 'labels' and the string together. What follows depends "
    "on the whole string, so 'context' is 0 and rows hold it from its beginning."
)


def onnx_bytes(file: ModelFile) -> bytes:
    """The file. Raises `UsageError` for the baselines that run in PyTorch, `ModelFileError` for unsound counts,
    `MissingExtraError` without onnx."""
    config = file.recipe.model
    if isinstance(config, SequenceConfig):
        raise UsageError(
            f'the model is a "{config.kind}", a baseline that PyTorch runs and ONNX files are not written of; export a '
            "WaveNet, an n-gram model or a mixture of both"
        )
    graph, how = Graph(), _HOW
    outputs: dict[str, tuple[str, list[str | int]]] = {}
    if config.kind == "ngram":
        context = _of_counts(graph, file)
    elif file.labels is not None:
        context = _of_labels(graph, file)
        how += _HOW_LABELS
        outputs["log_joint"] = ("float64", ["strings", len(file.labels.occurring)])
    else:
        context = _of_network(graph, file)
    outputs |= {"log_likelihood": ("float64", ["strings"]), "logits": ("float32", ["strings", len(file.vocabulary)])}
    return model_bytes(
        graph,
        {"ids": ("int64", ["strings", "length"])},
        {name: outputs[name] for name in sorted(outputs)},
        name="strings",
        about=_about(file, context, how),
        described=f"{file.summary}. {how}",
        version=__version__,
    )


def _of_network(graph: Graph, file: ModelFile) -> int:
    """A WaveNet or several, with or without an n-gram model. Returns how many ids one prediction sees."""
    network, weight = Network(graph, _parameters(file)), file.ngram_weight
    counted = None if weight is None else Counted(graph, ngram_of(file))
    seen = network.config.context
    context = seen if counted is None else max(seen, counted.context)
    rows = Rows(graph, len(file.vocabulary), context)
    logits = network.last(rows.before(rows.context, seen))  # (1, B, V)
    every = graph("LogSoftmax", network.positions(rows.before(rows.padded, seen)), axis=-1)  # (n, B, V)
    answered = _answered(graph, every, rows)  # (n, B)
    if counted is not None and weight is not None:
        with np.errstate(divide="ignore"):
            shares = np.log1p(-np.float64(weight)).astype(np.float32), np.log(np.float64(weight)).astype(np.float32)
        after = counted.last(rows.before(rows.context, counted.context), rows.nothing)
        logits = _mixed(graph, graph("LogSoftmax", logits, axis=-1), after, shares)
        told = counted.positions(rows.before(rows.padded, 1), rows.answers, rows.nothing)
        answered = _mixed(graph, answered, told, shares)
    _finish(graph, rows, graph("Squeeze", logits, axes=[0]), rows.summed(answered, end=True))
    return context


def _of_counts(graph: Graph, file: ModelFile) -> int:
    """An n-gram model alone."""
    counted = Counted(graph, ngram_of(file))
    rows = Rows(graph, len(file.vocabulary), counted.context)
    logits = counted.last(rows.context, rows.nothing)
    answered = counted.positions(rows.before(rows.padded, 1), rows.answers, rows.nothing)
    _finish(graph, rows, graph("Squeeze", logits, axes=[0]), rows.summed(answered, end=True))
    return counted.context


def _of_labels(graph: Graph, file: ModelFile) -> int:
    """The mixture of a network's labels; see `mixtures/any_label.py`. What follows depends on the whole beginning,
    which says how probable each label still is: there is no number of ids that one prediction sees, so 0."""
    assert file.labels is not None
    network = Network(graph, _parameters(file))
    rows = Rows(graph, len(file.vocabulary), network.config.context)
    every = graph("LogSoftmax", network.positions(rows.padded), axis=-1)  # (K, n, B, V)
    answered = _answered(graph, every, rows)  # (K, n, B)
    shares = np.log(_shares(file))  # (K,)

    def together(*, end: bool) -> str:  # (B, K)
        return graph("Add", graph("Transpose", rows.summed(answered, end=end), perm=[1, 0]), shares)

    joint = together(end=True)
    share = graph("Cast", graph("LogSoftmax", together(end=False), axis=-1), to=FLOAT)  # (B, K)
    after = graph("LogSoftmax", network.last(rows.context), axis=-1)  # (K, 1, B, V)
    after = graph("Transpose", graph("Squeeze", after, axes=[1]), perm=[1, 2, 0])  # (B, V, K)
    logits = log_sum_of_last(graph, graph("Add", after, graph("Unsqueeze", share, axes=[1])))
    _finish(graph, rows, logits, log_sum_of_last(graph, joint))
    rows.given(_told(graph, rows, joint, wide=True), "log_joint")
    return 0


def _parameters(file: ModelFile) -> Parameters:
    config = file.recipe.wavenet
    networks = [file.network] if config.members == 1 else file.members()
    return Parameters(config, networks, None if file.labels is None else file.labels.occurring)


def _answered(graph: Graph, every: str, rows: Rows) -> str:
    """([K], n, B, V) -> ([K], n, B): what each position says of its answer."""
    ids = np.arange(rows.vocabulary_size, dtype=np.int32)
    is_it = graph("Equal", graph("Unsqueeze", rows.answers, axes=[2]), ids)  # (n, B, V)
    return graph("ReduceSum", graph("Where", is_it, every, np.float32(0)), axes=[-1], keepdims=0)


def _mixed(graph: Graph, network: str, ngram: str, shares: tuple[np.ndarray, np.ndarray]) -> str:
    """The log-probabilities of a mixture from those of its parts and the logs of their shares."""
    return log_sum(graph, graph("Add", network, shares[0]), graph("Add", ngram, shares[1]))


def _finish(graph: Graph, rows: Rows, logits: str, log_likelihood: str) -> None:
    """The results of rows that are strings: (B, V) and (B,)."""
    rows.given(_told(graph, rows, log_likelihood, wide=False), "log_likelihood")
    none = graph("Unsqueeze", graph("Or", rows.broken, rows.unknown), axes=[1])
    rows.given(graph("Where", none, np.float32(np.nan), logits), "logits")


def _told(graph: Graph, rows: Rows, found: str, *, wide: bool) -> str:
    """(B,), or (B, K) with `wide`: minus infinity for unknown characters, NaN for what is no string."""
    unknown, broken = (graph("Unsqueeze", row, axes=[1]) if wide else row for row in (rows.unknown, rows.broken))
    return graph("Where", broken, np.float64(np.nan), graph("Where", unknown, np.float64(-np.inf), found))


def _shares(file: ModelFile) -> np.ndarray:
    """How probable each label is, float64, (K,)."""
    assert file.labels is not None
    counts = file.labels.counts[file.labels.occurring]
    return counts / counts.sum()


def _about(file: ModelFile, context: int, how: str) -> dict[str, str]:
    """The metadata: texts, what has parts as JSON."""
    about: dict[str, Any] = {
        "characters": file.vocabulary.characters,
        "context": context,
        "how": how,
        "provenance": dict(file.provenance),
        "recipe": file.recipe.to_dict(),
        "wavemore": __version__,
    }
    if file.labels is not None:
        about["labels"] = [file.labels.name(number) for number in file.labels.occurring.tolist()]
        about["label_shares"] = _shares(file).tolist()
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in about.items()
    }
