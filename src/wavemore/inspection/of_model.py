"""An inspection of a model at hand: it is run over strings of a list."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wavemore.errors import CorpusError, UsageError
from wavemore.inspection.inspection import Inspection
from wavemore.inspection.nodes import Neighbourhood, StringTree, ids_of, neighbours, tree_nodes
from wavemore.inspection.onestep import batch_statistics, network_of, one_step
from wavemore.lists.vocabulary import Vocabulary, normalise
from wavemore.models.modelfile import ModelFile
from wavemore.predict.chunks import Chunks
from wavemore.predict.predictor import log_sum_exp
from wavemore.runs.looks import Look
from wavemore.runs.measures import WIDEST, Layer, Norm, Parameter, map_of
from wavemore.settings.config import ModelConfig, TrainConfig
from wavemore.train.batches import batch_of, tree_of
from wavemore.train.network import Network

__all__ = ["inspect"]

_PREDICTIONS = 20_000  # of the sample: enough for two digits of every share, in a second
_NEIGHBOURS = 8


class _Sample(NamedTuple):
    """The strings that are run, as distinct chunks."""

    strings: list[str]
    chunks: Chunks


def inspect(
    file: ModelFile,
    strings: Sequence[str],
    *,
    list_name: str = "strings",
    chunk: str | None = None,
    string: str | None = None,
    at: int | None = None,
) -> Inspection:
    """Look into a WaveNet: of an ensemble into the first member, of a mixture into its network.

    strings    at random, with a seed of its own, as many distinct ones as make 20,000 predictions are run; strings with
               characters that the model does not know are left out
    chunk      characters whose nearest neighbours at each level are wanted
    string     a string whose tree is wanted, at the prediction after its first `at` characters; without `at` its end

    Raises `UsageError` for a baseline, a chunk or string that cannot be, and a tree too large to look at;
    `UnknownCharacterError`; `CorpusError` where no two predictions are left.
    """
    if file.labels is not None:
        raise UsageError("a model with labels is inspected under one of them; choose it with --label LABEL")
    config = file.recipe.model
    if not isinstance(config, ModelConfig):
        raise UsageError(
            f'the model is of kind "{config.kind}", and only a "wavenet" has levels to look into; name another model'
        )
    for text in (chunk, string):
        if text is not None:
            file.vocabulary.encode(normalise(text))  # raises, before the work
    if chunk == "":
        raise UsageError('the chunk is ""; it must have at least one character')
    weights = file.members()[0] if config.members > 1 else file.network
    network = network_of(config, weights)
    sample = _sample(strings, file.vocabulary, config)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # weights of any size may be looked into
        layers, nodes = _activations(network, sample.chunks)
        batch, loss, parameters = _step(network, file.recipe.train, sample)
        norms = _norms(network, sample.chunks)
        neighbourhoods = _neighbourhoods(network, file.vocabulary, sample.chunks, nodes, chunk)
        tree = _tree(network, file.vocabulary, string, at)
    look = Look(file.provenance.get("step", 0), tuple(layers), tuple(parameters), tuple(norms))
    train = file.recipe.train
    about = {
        "note": _note(config),
        "list": list_name,
        "strings": len(sample.strings),
        "predictions": len(sample.chunks.answers),
        "batch": batch,
        "loss": loss,
        "optimizer": train.optimizer,
        "rate": train.rate,
    }
    return Inspection(
        name=list_name,
        title=f"Inside a model of {list_name}",
        heading=_heading(about),
        about=about,
        looks=(look,),
        embedding=map_of(network.weights["embedding.weight"]),
        characters=file.vocabulary.characters,
        neighbourhoods=neighbourhoods,
        tree=tree,
    )


def _heading(about: Mapping[str, Any]) -> tuple[str, str]:
    note = f" ({about['note']})" if about["note"] else ""
    return (
        f"{about['strings']:,} strings of {about['list']}, {about['predictions']:,} predictions{note}",
        f"one step on {about['batch']:,} strings: loss {about['loss']:.4f} nats per character, {about['optimizer']} at "
        f"the full rate of {about['rate']:g}",
    )


def _note(config: ModelConfig) -> str:
    notes = [f"the first of {config.members} networks that vote"] if config.members > 1 else []
    return ", ".join(notes + (["without the n-gram model that is mixed in"] if config.ngram else []))


def _sample(strings: Sequence[str], vocabulary: Vocabulary, config: ModelConfig) -> _Sample:
    known = [s for s in dict.fromkeys(strings) if vocabulary.knows(s)]
    random.Random(0).shuffle(known)
    ends = np.cumsum([len(s) + 1 for s in known])
    drawn = known[: max(1, int(np.searchsorted(ends, _PREDICTIONS, side="right")))]
    if sum(len(s) + 1 for s in drawn) < 2:
        raise CorpusError(
            "the model knows all characters of none of the list's strings; name a list like the one that it was "
            "trained on"
        )
    return _Sample(drawn, Chunks.of(drawn, vocabulary, config.groups, config.cycles))


def _activations(network: Network, chunks: Chunks) -> tuple[list[Layer], list[np.ndarray]]:
    """What each level does, and its nodes, (n, H) each."""
    _, passed = network.passed(tree_of(chunks), training=False)
    seen = [level.seen(one, np.arange(len(one.nodes))) for level, one in zip(network.levels, passed, strict=True)]
    limit = max(float(np.quantile(np.abs(normed), 0.999)) for normed, _ in seen)
    limit = float(np.ceil(np.clip(limit, 1.0, WIDEST)))
    layers = [
        Layer.of(i, network.activation, normed, activated, uses, limit)
        for i, ((normed, activated), uses) in enumerate(zip(seen, chunks.uses(), strict=True), start=1)
    ]
    return layers, [one.nodes for one in passed]


def _step(network: Network, train: TrainConfig, sample: _Sample) -> tuple[int, float, list[Parameter]]:
    """One training step on the sample's first strings: how many, their loss, and each parameter."""
    strings = np.arange(min(train.batch, len(sample.strings)))
    batch = batch_of(sample.chunks.part(strings), len(network.weights["embedding.weight"]))
    loss, moved = one_step(network.config, network.weights, train, batch)
    return len(strings), loss, [Parameter.of(*each) for each in moved]


def _norms(network: Network, chunks: Chunks) -> list[Norm]:
    """What the BatchNorms have learned of batches, against what they see of all the sample."""
    weights = network.weights
    batch = batch_of(chunks, len(weights["embedding.weight"]))
    return [
        Norm.of(name, (weights[f"{name}.running_mean"], weights[f"{name}.running_var"]), seen)
        for name, seen in batch_statistics(network.config, weights, batch).items()
    ]


def _own(network: Network, vocabulary: Vocabulary, string: str) -> tuple[Chunks, list[np.ndarray], np.ndarray]:
    """A single string's chunks, the values of their nodes, (n, H) from the embedding up, and the probabilities after
    each context, (n, V)."""
    chunks = Chunks.of([string], vocabulary, network.config.groups, network.config.cycles)
    nodes, logits = network.evaluated(tree_of(chunks))
    return chunks, nodes, np.exp(logits - log_sum_exp(logits)[:, None])


def _neighbourhoods(
    network: Network, vocabulary: Vocabulary, chunks: Chunks, nodes: Sequence[np.ndarray], chunk: str | None
) -> tuple[Neighbourhood, ...]:
    """The chunks of the sample that each level holds to be most like this one."""
    if chunk is None:
        return ()
    own, own_values, _ = _own(network, vocabulary, normalise(chunk))
    texts, own_texts = ids_of(chunks, network.config), ids_of(own, network.config)
    row = int(own.contexts[-1])  # the node for the last characters: at each level the newest child
    found = []
    for level in range(len(nodes), 0, -1):
        values = (nodes[level - 1], own_texts[level][row], own_values[level][row])
        found.append(neighbours(level, texts[level], *values, vocabulary, most=_NEIGHBOURS))
        row = int(own.branches[level - 1].children[-1, row])
    return tuple(reversed(found))


def _tree(network: Network, vocabulary: Vocabulary, string: str | None, at: int | None) -> StringTree | None:
    if string is None:
        return None
    string = normalise(string)
    at = len(string) if at is None else at
    if not 0 <= at <= len(string):
        raise UsageError(f"the place in {string!r} is {at}; it must be from 0, its start, to {len(string)}, its end")
    chunks, values, probabilities = _own(network, vocabulary, string)
    context = int(chunks.contexts[at])
    nodes = tree_nodes(chunks, network.config, values, vocabulary, context)
    characters = ["", *vocabulary.characters]  # the boundary, id 0, is the end
    following = list(zip(characters, probabilities[context].tolist(), strict=True))
    following.sort(key=lambda pair: -pair[1])
    return StringTree(string[:at], string[at : at + 1], nodes, tuple(following))
