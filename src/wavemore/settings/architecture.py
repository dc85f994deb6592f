"""What models look like: the settings under `[model]`, a class for each kind. Each and a vocabulary size fix every
weight's shape (`models/weights.py`). The rules for all settings are in `config.py`."""

from dataclasses import dataclass
from math import prod
from typing import Literal

from wavemore.settings.strict import check_types, require

__all__ = ["ModelConfig", "NgramConfig", "SequenceConfig"]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a `WaveNet`. It and a vocabulary size fix every weight's shape.

    The defaults are the model as taught; with `activation="gated"`, `residual`, `skip` and `cycles` it is the one of
    the WaveNet paper (van den Oord et al. 2016).
    """

    kind: Literal["wavenet"] = "wavenet"
    """What sort of model it is."""
    groups: tuple[int, ...] = (2, 2, 2)
    """How many neighbours each level flattens into one; (8,) is direct flattening."""
    cycles: int = 1
    """How often the levels of `groups` follow one another. A second cycle begins again with direct neighbours, dilation
    1, and reaches as far back once more: the context grows by the product of the groups less one."""
    embedding: int = 24
    """Channels of the embedding."""
    hidden: int = 128
    """Channels of every level."""
    norm: Literal["batch", "layer", "rms", "none"] = "batch"
    """What follows each level's Linear."""
    activation: Literal["tanh", "gelu", "gated"] = "tanh"
    """"gated" is tanh of one half of the channels times the sigmoid of the other, so its Linears are twice as wide."""
    residual: bool = False
    """Whether a level adds its newest child to what it makes of all its children, where both have as many channels."""
    skip: bool = False
    """Whether the last Linear reads the newest node of every level, not of the top level alone."""
    dropout: float = 0.0
    """The probability that a channel of a node is 0 in a training step, before the residual is added."""
    bias: bool = False
    """Whether the levels' Linears have a bias (a BatchNorm or LayerNorm behind them makes it redundant)."""
    final_norm: bool = False
    """Whether a BatchNorm follows the last Linear (the notes' variant)."""
    members: int = 1
    """How many networks of this shape vote: an ensemble, whose logits are averaged."""
    ngram: int = 0
    """The order of an n-gram model that is mixed in, counted on the training part; 0 for none."""

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """(group, dilation) of each level, from the bottom up: with groups (2, 2, 2) and two cycles
        (2, 1), (2, 2), (2, 4), (2, 1), (2, 2), (2, 4)."""
        return tuple((n, prod(self.groups[:i])) for i, n in enumerate(self.groups)) * self.cycles

    @property
    def context(self) -> int:
        """How many ids one prediction sees, its receptive field: with one cycle the product of the groups."""
        return 1 + sum((n - 1) * dilation for n, dilation in self.levels)

    @property
    def leaves(self) -> int:
        """How many leaves the tree of one prediction has: as many as the context with one cycle, and more with several,
        whose paths meet at the same ids."""
        return prod(self.groups) ** self.cycles

    def __post_init__(self) -> None:
        check_types(self, "model")
        require(len(self.groups) > 0, "model.groups", self.groups, "name at least one group, such as [2, 2, 2]")
        require(all(n >= 1 for n in self.groups), "model.groups", self.groups, "each group is 1 or more")
        require(prod(self.groups) <= 4096, "model.groups", self.groups, "their product, the context, is at most 4096")
        require(1 <= self.cycles <= 64, "model.cycles", self.cycles, "from 1 to 64")
        require(len(self.levels) <= 256, "model.groups", self.groups, "with all cycles, at most 256 levels")
        require(1 <= self.embedding <= 65536, "model.embedding", self.embedding, "from 1 to 65536")
        require(1 <= self.hidden <= 65536, "model.hidden", self.hidden, "from 1 to 65536")
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "at least 0 and below 1")
        require(1 <= self.members <= 1000, "model.members", self.members, "from 1 to 1000")
        require(0 <= self.ngram <= 64, "model.ngram", self.ngram, "from 0 to 64")
        require(
            not self.residual or len(self.levels) > 1 or self.embedding == self.hidden,
            "model.residual",
            self.residual,
            "there is nothing to add: the only level has other channels than the embedding; choose more groups, or "
            "embedding and hidden alike",
        )
        require(
            not self.skip or len(self.levels) > 1,
            "model.skip",
            self.skip,
            "there is nothing to skip: the top level is the only one; choose more groups",
        )


@dataclass(frozen=True, kw_only=True)
class SequenceConfig:
    """The shape of a baseline that reads a string from its beginning: a recurrent network, a Transformer, or a bag of
    words (the mean of the characters so far)."""

    kind: Literal["bow", "rnn", "gru", "lstm", "transformer"]
    """Which of them it is."""
    embedding: int = 24
    """Channels of the embedding; a Transformer's are `hidden`."""
    hidden: int = 128
    """Channels of every layer."""
    layers: int = 1
    """How many layers stand on each other."""
    heads: int = 4
    """Attention heads of a Transformer; other kinds have no use for them."""
    dropout: float = 0.0
    """The probability that a channel of a layer's output is 0 in a training step."""

    def __post_init__(self) -> None:
        check_types(self, "model")
        require(1 <= self.embedding <= 65536, "model.embedding", self.embedding, "from 1 to 65536")
        require(1 <= self.hidden <= 65536, "model.hidden", self.hidden, "from 1 to 65536")
        require(1 <= self.layers <= 64, "model.layers", self.layers, "from 1 to 64")
        require(1 <= self.heads <= 1024, "model.heads", self.heads, "from 1 to 1024")
        require(
            self.kind != "transformer" or self.hidden % self.heads == 0,
            "model.heads",
            self.heads,
            f"it divides hidden, {self.hidden}",
        )
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "at least 0 and below 1")


@dataclass(frozen=True, kw_only=True)
class NgramConfig:
    """The shape of an n-gram model with interpolated Kneser-Ney smoothing, a baseline that is counted, not trained."""

    kind: Literal["ngram"]
    """What sort of model it is."""
    order: int = 6
    """How many characters an n-gram has: order - 1 are the context."""

    def __post_init__(self) -> None:
        check_types(self, "model")
        require(1 <= self.order <= 64, "model.order", self.order, "from 1 to 64")
