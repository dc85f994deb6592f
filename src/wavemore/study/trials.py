"""The trials of a study: one trial is one model, trained once. And how large a study is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from math import log, nan, prod
from typing import Any, Literal

import numpy as np

from wavemore._version import __version__
from wavemore.settings.config import ModelConfig, Recipe
from wavemore.study.statistics import chosen_by_others

__all__ = ["Data", "Plan", "Results", "Trial", "multiplications", "parameters", "plan_for", "widths_for"]

FORMAT = 2
"""Of the records; another one when what a trial measures changes."""

CONTEXT = 8


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one model is, how it is trained, and what is looked at."""

    groups: tuple[int, ...]
    widths: tuple[int, ...]
    """Channels of each level, from the bottom up."""
    embedding: int
    norm: Literal["batch", "none"] = "batch"
    residual: bool = False
    norm_between: bool = True
    activation_between: bool = True
    permuted: bool = False
    """Whether the positions of every context have changed places, the same way in training and in evaluation."""
    probes: bool = False
    """Whether linear probes and nearest chunks are looked at."""
    rate: float = 1.0
    """What both learning rates are multiplied by."""
    epochs: float
    seed: int = 0

    def recipe(self, base: Recipe) -> Recipe:
        """The recipe that it is trained with: the taught tanh, and the last weights, since the rate ends at 0."""
        model = ModelConfig(
            groups=self.groups,
            embedding=self.embedding,
            hidden=self.widths[-1],
            norm=self.norm,
            bias=self.norm == "none",
            residual=self.residual,
        )
        train = replace(
            base.train,
            seed=self.seed,
            epochs=self.epochs,
            rate=base.train.rate * self.rate,
            matrix_rate=base.train.matrix_rate * self.rate,
            evaluate_every=2**31,
            keep="last",
        )
        return replace(base, model=model, train=train)

    def key(self, base: Recipe, fingerprint: str) -> str:
        """The digest of all that a trial's figures depend on."""
        settings = {"trial": asdict(self), "base": base.to_dict()["train"], "data": base.to_dict()["data"]}
        about = {**settings, "list": fingerprint, "version": __version__, "format": FORMAT}
        return sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """Its groups and what is special about it, for people."""
        groups = "(" + ", ".join(map(str, self.groups)) + ("," if len(self.groups) == 1 else "") + ")"
        return groups if len(set(self.widths)) == 1 else f"{groups} channels {'-'.join(map(str, self.widths))}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large a study is."""

    base: Recipe
    vocabulary: int
    seeds: tuple[int, ...]
    sizes: tuple[int, ...]
    """Parameters of the models that are compared, smallest first."""
    rates: tuple[float, ...]
    """Multiples of the learning rates that each model is tried with; which one serves is chosen by the other seeds."""
    depths: tuple[int, ...]
    """Levels of two, of the claim about gradients."""
    flow_hidden: int
    """Channels of its levels."""
    epochs: float
    flow_epochs: float

    @property
    def main(self) -> int:
        """The size at which what needs one size is looked at."""
        return self.sizes[min(2, len(self.sizes) - 1)]

    def model(self, groups: tuple[int, ...], size: int, ratios: Sequence[float] = (), **settings: Any) -> Trial:
        """A model of about this many parameters. The plainest one of the main size is probed, whoever asks for it."""
        embedding = embedding_for(size)
        widths = widths_for(groups, embedding, size, self.vocabulary, ratios)
        trial = Trial(groups=groups, widths=widths, embedding=embedding, epochs=self.epochs, **settings)
        return replace(trial, probes=size == self.main and trial == replace(trial, **_PLAIN) and not ratios)

    def tuned(self, trial: Trial) -> Iterator[Trial]:
        """The trial with every rate; only the middle one is probed."""
        for rate in self.rates:
            yield replace(trial, rate=rate, probes=trial.probes and rate == 1.0)


_PLAIN: dict[str, Any] = {"norm_between": True, "activation_between": True, "permuted": False, "residual": False}


def plan_for(base: Recipe, vocabulary: int, seeds: int, *, quick: bool) -> Plan:
    """The plan of a whole study, or of a quick one, whose models and runs are small."""
    if quick:
        return Plan(
            base=base,
            vocabulary=vocabulary,
            seeds=tuple(range(seeds)),
            sizes=(5_000, 22_000),
            rates=(1.0,),
            depths=(3, 5),
            flow_hidden=32,
            epochs=2.0,
            flow_epochs=0.6,
        )
    return Plan(
        base=base,
        vocabulary=vocabulary,
        seeds=tuple(range(seeds)),
        sizes=(5_000, 22_000, 76_500, 300_000),
        rates=(0.5, 1.0, 2.0),
        depths=(3, 4, 5, 6, 7),
        flow_hidden=64,
        epochs=2.5,
        flow_epochs=1.25,
    )


@dataclass(frozen=True)
class Data:
    """The list that a study is about, as its workers need it."""

    name: str
    fingerprint: str
    training: Sequence[str]
    validation: Sequence[str]
    characters: str
    """Of the vocabulary."""


@dataclass(frozen=True)
class Results:
    """The records of a study's trials."""

    plan: Plan
    records: Mapping[Trial, Mapping[str, Any]]

    def over_seeds(self, trial: Trial, *path: str | int) -> np.ndarray:
        """One figure of a trial's records, seed after seed: (seeds,)."""
        return np.array([_at(self.records[replace(trial, seed=seed)], path) for seed in self.plan.seeds])

    def losses(self, trial: Trial) -> np.ndarray:
        """The validation losses of exactly this trial: (seeds,). A run that diverged counts as one that knows nothing,
        whose loss is the logarithm of the vocabulary's size."""
        ignorant = log(self.plan.vocabulary)
        records = (self.records[replace(trial, seed=seed)] for seed in self.plan.seeds)
        return np.array([record.get("validation", ignorant) for record in records])

    def tuned(self, trial: Trial) -> np.ndarray:
        """The same at the learning rate that is best for this model on the other seeds."""
        return chosen_by_others(np.stack([self.losses(option) for option in self.plan.tuned(trial)]))

    def seconds(self, trial: Trial) -> float:
        """The median over seeds of the training seconds."""
        records = (self.records[replace(trial, seed=seed)] for seed in self.plan.seeds)
        return float(np.median([record.get("seconds", np.nan) for record in records]))


def embedding_for(size: int) -> int:
    """The lecture's numbers of channels: 10 for its models of up to 22K parameters, 24 for larger ones."""
    return 10 if size < 40_000 else 24


def parameters(groups: Sequence[int], widths: Sequence[int], embedding: int, vocabulary: int) -> int:
    """The parameters of a model with BatchNorm: embedding, levels, head."""
    channels = [embedding, *widths]
    levels = sum(n * fan_in * width + 2 * width for n, fan_in, width in zip(groups, channels, widths, strict=False))
    return vocabulary * embedding + levels + (widths[-1] + 1) * vocabulary


def multiplications(groups: Sequence[int], widths: Sequence[int], embedding: int, vocabulary: int) -> int:
    """The multiplications of the matrix products of one window in the windowed form, where every node is computed."""
    channels, positions, total = [embedding, *widths], prod(groups), 0
    for n, fan_in, width in zip(groups, channels, widths, strict=False):
        positions //= n
        total += positions * n * fan_in * width
    return total + widths[-1] * vocabulary


def widths_for(
    groups: Sequence[int],
    embedding: int,
    wanted: int,
    vocabulary: int,
    ratios: Sequence[float] = (),
    cost: Any = parameters,
) -> tuple[int, ...]:
    """The channels of each level, in these ratios (all alike without them), whose cost comes nearest to what is
    wanted. The cost is `parameters` or `multiplications`."""
    ratios = ratios or [1.0] * len(groups)

    def widths(scale: int) -> tuple[int, ...]:
        return tuple(max(2, round(scale * ratio)) for ratio in ratios)

    low, high = 2, 4
    while cost(groups, widths(high), embedding, vocabulary) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(groups, widths(middle), embedding, vocabulary) < wanted else (low, middle)
    return min((widths(low), widths(high)), key=lambda found: abs(cost(groups, found, embedding, vocabulary) - wanted))


def _at(record: Any, path: Sequence[str | int]) -> float:
    """A figure of a record; NaN of a run that diverged, with which no verdict can be had."""
    if "problem" in record:
        return nan
    for key in path:
        record = record[key]
    return float(record)
