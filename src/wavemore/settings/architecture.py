"""What models look like: the settings under `[model]`, a class for each kind, and what each kind has.

`weight_shapes` gives the name and shape of every tensor of its networks over `vocabulary_size` ids, one after another;
`counts` names the int64 arrays of an n-gram model. `trained` says whether it is trained in steps, not counted at once,
and `shape` describes it, a name and a text for each part.
The rules for all settings are in `config.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, TypeAlias

from wavemore.conventions import brief
from wavemore.settings.strict import check_settings, refuse, require

__all__ = ["MIXED_IN", "MOST_LABELS", "ModelConfig", "NgramConfig", "SequenceConfig"]

Shapes: TypeAlias = Iterator[tuple[str, tuple[int, ...]]]

MIXED_IN = "ngram."
"""Before the names of an n-gram model's arrays that is mixed in with a network."""

MOST_LABELS = 1_000
"""Combinations of labels that a network may have."""

_COUNTS = ("ngrams", "counts")
_NORMS = {
    "batch": ("gamma", "beta", "running_mean", "running_var"),
    "layer": ("gamma", "beta"),
    "rms": ("gamma",),
    "none": (),
}


@dataclass(frozen=True, repr=False, kw_only=True)
class ModelConfig:
    """The shape of a `WaveNet`, or of several that vote.

    The defaults are the model as taught; with `activation="gated"`, `residual`, `skip` and `cycles` it is the one of
    the WaveNet paper (van den Oord et al. 2016).
    """

    __repr__ = brief

    kind: Literal["wavenet"] = "wavenet"
    """What sort of model it is."""
    groups: tuple[int, ...] = (2, 2, 2)
    """How many neighbours each level flattens into one; (8,) is direct flattening."""
    cycles: int = 1
    """How often the levels of `groups` follow one another. A second cycle begins again with direct neighbours, dilation
    1, and reaches as far back once more: the context grows by the product of the groups minus one."""
    embedding: int = 24
    """Channels of the embedding."""
    hidden: int = 128
    """Channels of every level."""
    norm: Literal["batch", "layer", "rms", "none"] = "batch"
    """What follows each level's Linear."""
    activation: Literal["tanh", "gelu", "quick_gelu", "gated"] = "tanh"
    """"quick_gelu" is x times the sigmoid of 1.702 x, near to GELU and computed in half the time. "gated" is tanh of
    one half of the channels times the sigmoid of the other, so its Linears are twice as wide."""
    residual: bool = False
    """Whether a level adds its newest child to what it makes of all its children, where both have as many channels."""
    skip: bool = False
    """Whether the last Linear reads the newest node of every level, not of the top level alone."""
    dropout: float = 0.0
    """The probability that a channel of a node is 0 in a training step, before the residual is added."""
    bias: bool = False
    """Whether the levels' Linears have a bias (a BatchNorm or LayerNorm after them makes it redundant)."""
    final_norm: bool = False
    """Whether a BatchNorm follows the last Linear (the notes' variant)."""
    members: int = 1
    """How many networks of this shape vote: an ensemble, whose logits are averaged."""
    ngram: int = 0
    """The order of an n-gram model that is mixed in, counted on the training part; 0 for none."""
    labels: tuple[int, ...] = ()
    """Of a network with global conditioning how many values each kind of label has; what is learned says so itself."""
    conditioned: int = 4
    """How many levels a label shifts, from the top; without labels it has no use."""

    trained = True

    @property
    def shape(self) -> dict[str, str]:
        cycles = f", {self.cycles} cycles" if self.cycles > 1 else ""
        added = [name for name in ("residual", "skip") if getattr(self, name)]
        return {
            "context": f"{self.context} characters, groups {self.groups}{cycles}",
            **{name: str(getattr(self, name)) for name in ("embedding", "hidden", "norm", "activation")},
            **({"connections": ", ".join(added)} if added else {}),
            **({"members": str(self.members)} if self.members > 1 else {}),
            **({"labels": " x ".join(map(str, self.labels))} if self.labels else {}),
        }

    @property
    def counts(self) -> tuple[str, ...]:
        return tuple(MIXED_IN + name for name in _COUNTS) if self.ngram else ()

    def weight_shapes(self, vocabulary_size: int) -> Shapes:
        """Those of the state_dict() of `nn.WaveNet` or `nn.Ensemble`."""
        single = replace(self, members=1, ngram=0)
        for i in range(self.members):
            member = f"members.{i}." if self.members > 1 else ""
            yield from ((member + name, shape) for name, shape in single._network_shapes(vocabulary_size))

    def _network_shapes(self, vocabulary_size: int) -> Shapes:
        yield "embedding.weight", (vocabulary_size, self.embedding)
        channels = self.embedding
        width = self.hidden * (2 if self.activation == "gated" else 1)
        for i, (n, _) in enumerate(self.levels):
            yield f"levels.{i}.linear.weight", (channels * n, width)
            if self.bias:
                yield f"levels.{i}.linear.bias", (width,)
            yield from ((f"levels.{i}.norm.{name}", (width,)) for name in _NORMS[self.norm])
            if self.labels and i >= self.unshifted:
                yield f"levels.{i}.labels.weight", (sum(self.labels), width)
            channels = self.hidden
        if self.labels:
            yield "head.labels.weight", (sum(self.labels), vocabulary_size)
        yield "head.linear.weight", (self.hidden * (len(self.levels) if self.skip else 1), vocabulary_size)
        if self.final_norm:
            yield from ((f"head.norm.{name}", (vocabulary_size,)) for name in _NORMS["batch"])
        else:
            yield "head.linear.bias", (vocabulary_size,)

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """(group, dilation) of each level, from the bottom up: with groups (2, 2, 2) and two cycles
        (2, 1), (2, 2), (2, 4), (2, 1), (2, 2), (2, 4)."""
        return tuple((n, prod(self.groups[:i])) for i, n in enumerate(self.groups)) * self.cycles

    @property
    def unshifted(self) -> int:
        """How many levels a label leaves as they are, from the bottom up: all without labels."""
        return len(self.levels) - (min(self.conditioned, len(self.levels)) if self.labels else 0)

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
        check_settings(
            self,
            "model",
            cycles=(1, 64),
            embedding=(1, 65536),
            hidden=(1, 65536),
            members=(1, 1000),
            ngram=(0, 64),
            conditioned=(1, 256),
        )
        labels = "model.labels", self.labels
        require(all(count >= 1 for count in self.labels), *labels, "have 1 or more values of each kind")
        require(prod(self.labels) <= MOST_LABELS, *labels, f"have at most {MOST_LABELS:,} combinations")
        refuse(
            bool(self.labels) and self.final_norm,
            "model.final_norm",
            self.final_norm,
            "labels shift the head's bias, which it has not then; set it to false",
        )
        groups = "model.groups", self.groups
        require(len(self.groups) > 0, *groups, "name at least one group, such as [2, 2, 2]")
        require(len(self.groups) * self.cycles <= 256, *groups, "make at most 256 levels with all cycles")
        require(all(n >= 1 for n in self.groups), *groups, "have groups of 1 or more")
        require(prod(self.groups) <= 4096, *groups, "have a product, the context, of at most 4096")
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "be at least 0 and below 1")
        refuse(
            self.residual and len(self.levels) == 1 and self.embedding != self.hidden,
            "model.residual",
            self.residual,
            "the only level has other channels than the embedding, so there is nothing to add; choose more groups, or "
            "the same number for embedding and hidden",
        )
        refuse(
            self.skip and len(self.levels) == 1,
            "model.skip",
            self.skip,
            "the top level is the only one, so there is nothing to skip; choose more groups",
        )


@dataclass(frozen=True, repr=False, kw_only=True)
class SequenceConfig:
    """The shape of a baseline that reads a string from its beginning: a recurrent network, a Transformer, or a bag of
    words (the mean of the characters so far)."""

    __repr__ = brief

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

    trained = True
    members = 1
    ngram = 0
    counts = ()

    @property
    def shape(self) -> dict[str, str]:
        own = ("hidden", "layers", "heads") if self.kind == "transformer" else ("embedding", "hidden", "layers")
        return {"context": "the whole string", **{name: str(getattr(self, name)) for name in own}}

    def weight_shapes(self, vocabulary_size: int) -> Shapes:
        """Those of `nn.SequenceModel.state_dict()`."""
        channels = self.hidden if self.kind == "transformer" else self.embedding
        yield "embedding.weight", (vocabulary_size, channels)
        first = 0
        if self.kind == "bow":  # layer 0 is the mean, without weights; the newest character is put beside it
            first, channels = 1, 2 * channels
        for i in range(first, first + self.layers):
            yield from ((f"layers.{i}.{name}", shape) for name, shape in self._layer_shapes(channels))
            channels = self.hidden
        if self.kind == "transformer":
            yield from ((f"norm.{name}", (self.hidden,)) for name in _NORMS["layer"])
        yield "head.linear.weight", (self.hidden, vocabulary_size)
        yield "head.linear.bias", (vocabulary_size,)

    def _layer_shapes(self, channels: int) -> Shapes:
        """The same for one layer with `channels` inputs."""
        hidden = self.hidden
        if self.kind == "bow":
            yield "linear.weight", (channels, hidden)
            yield from ((f"norm.{name}", (hidden,)) for name in _NORMS["layer"])
        elif self.kind == "transformer":
            for name, ins, outs in (("attention", 1, 3), ("projection", 1, 1), ("expand", 1, 4), ("contract", 4, 1)):
                yield f"{name}.weight", (ins * hidden, outs * hidden)
                yield f"{name}.bias", (outs * hidden,)
            for norm in ("attention_norm", "mlp_norm"):
                yield from ((f"{norm}.{name}", (hidden,)) for name in _NORMS["layer"])
        else:
            width = {"rnn": 1, "gru": 3, "lstm": 4}[self.kind] * hidden  # of all gates side by side
            yield "input.weight", (channels, width)
            yield "input.bias", (width,)
            yield "state.weight", (hidden, width)

    def __post_init__(self) -> None:
        check_settings(self, "model", embedding=(1, 65536), hidden=(1, 65536), layers=(1, 64), heads=(1, 1024))
        fits = self.kind != "transformer" or self.hidden % self.heads == 0
        require(fits, "model.heads", self.heads, f"divide hidden, {self.hidden}")
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "be at least 0 and below 1")


@dataclass(frozen=True, repr=False, kw_only=True)
class NgramConfig:
    """The shape of an n-gram model with interpolated Kneser-Ney smoothing, a baseline that is counted, not trained."""

    __repr__ = brief

    kind: Literal["ngram"]
    """What sort of model it is."""
    order: int = 6
    """How many characters an n-gram has: order - 1 are the context."""

    trained = False
    members = 1
    ngram = 0
    counts = _COUNTS

    @property
    def shape(self) -> dict[str, str]:
        characters = f"{self.order - 1} character{'' if self.order == 2 else 's'}"
        return {"context": characters, "order": str(self.order)}

    def weight_shapes(self, vocabulary_size: int) -> Shapes:
        """None: it has counts alone."""
        yield from ()

    def __post_init__(self) -> None:
        check_settings(self, "model", order=(1, 64))
