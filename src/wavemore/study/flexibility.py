"""Claim 3, flexibility: sizes can be chosen per step, which is worth something only where choosing lowers the loss."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from wavemore.study.claims import Chart, Claim, Experiment, Finding, Line, Table, cell
from wavemore.study.hierarchy import FLAT, SHAPES, STEPS
from wavemore.study.statistics import Interval, chosen_by_others
from wavemore.study.trials import Plan, Results, Trial, parameters

__all__ = ["EXPERIMENT"]

_GROWING, _SHRINKING = (0.5, 1.0, 2.0), (2.0, 1.0, 0.5)


class _Point(NamedTuple):
    """What a model costs and reaches."""

    name: str
    parameters: int
    seconds: float
    loss: Interval


def _uniform(plan: Plan, size: int) -> list[Trial]:
    """Every step as large as every other, in group and in channels."""
    return [plan.model(FLAT, size), plan.model(STEPS, size)]


def _free(plan: Plan, size: int) -> list[Trial]:
    """Steps that differ in group or in channels."""
    mixed = [plan.model(groups, size) for groups in SHAPES if groups not in (FLAT, STEPS)]
    return [*mixed, plan.model(STEPS, size, _GROWING), plan.model(STEPS, size, _SHRINKING)]


def _trials(plan: Plan) -> Iterator[Trial]:
    for size in plan.sizes:
        for trial in [*_uniform(plan, size), *_free(plan, size)]:
            yield from plan.tuned(trial)


def _judged(results: Results) -> Claim:
    plan = results.plan
    uniform = [_best(results, _uniform(plan, size)) for size in plan.sizes]
    free = [_best(results, [*_uniform(plan, size), *_free(plan, size)]) for size in plan.sizes]
    flat = [results.tuned(plan.model(FLAT, size)) for size in plan.sizes]
    gains = [one - other for one, other in zip(uniform, free, strict=True)]
    findings = [
        Finding.of(
            "loss of the best model whose steps are alike, minus that of the best of all, mean over sizes",
            np.mean(gains, axis=0),
            decides=True,
        ),
        Finding.of(
            "loss flattened at once, (8,), minus that of the best of all", np.mean(np.subtract(flat, free), axis=0)
        ),
    ]
    findings += [
        Finding.of(f"best with steps alike minus best of all, {size:,} parameters", values)
        for size, values in zip(plan.sizes, gains, strict=True)
    ]
    points = [_point(results, trial) for size in plan.sizes for trial in _all(plan, size)]
    return Claim(
        "flexibility",
        "Sizes can be chosen per step.",
        "Does choosing groups and channels step by step lower the loss, where all steps alike could be had too?",
        [
            "At each size, steps that are alike: (8,) and (2, 2, 2) with equal channels. Steps that differ: (4, 2), "
            "(2, 4), and (2, 2, 2) with channels that double, or halve, from level to level; all with equal "
            "parameters.",
            "The best model and its learning rate are chosen for each seed by the mean loss on all other seeds, so "
            "that having more to choose from is no advantage by itself. The frontier is what no other model beats in "
            "both, by means over seeds; seconds are medians of the processor time of training on one thread.",
        ],
        findings,
        [_table(points)],
        [
            _chart(results, "parameters", lambda point: point.parameters),
            _chart(results, "seconds of training", lambda point: point.seconds),
        ],
    )


def _all(plan: Plan, size: int) -> list[Trial]:
    return [*_uniform(plan, size), *_free(plan, size)]


def _best(results: Results, models: list[Trial]) -> np.ndarray:
    """The loss of the best model at its best rate, chosen by the other seeds: (seeds,)."""
    options = chain.from_iterable(results.plan.tuned(model) for model in models)
    return chosen_by_others(np.stack([results.losses(option) for option in options]))


def _point(results: Results, trial: Trial) -> _Point:
    count = parameters(trial.groups, trial.widths, trial.embedding, results.plan.vocabulary)
    return _Point(trial.name, count, results.seconds(trial), Interval.of(results.tuned(trial)))


def _table(points: list[_Point]) -> Table:
    rows = []
    for point in sorted(points, key=lambda point: point.parameters):
        lower = [other for other in points if other.loss.mean < point.loss.mean]
        unbeaten = [
            *(["parameters"] if all(other.parameters > 1.03 * point.parameters for other in lower) else []),
            *(["seconds"] if all(other.seconds > point.seconds for other in lower) else []),
        ]
        rows.append(
            [point.name, f"{point.parameters:,}", f"{point.seconds:.2f}", cell(point.loss), " and ".join(unbeaten)]
        )
    header = ["model", "parameters", "seconds", "validation loss", "on the frontier of"]
    return Table("Every model, and the frontiers (models within 3 % count as equally large)", header, rows)


def _chart(results: Results, across: str, cost: Callable[[_Point], float]) -> Chart:
    plan = results.plan
    names = ["(8,)", "(2, 2, 2)", "(4, 2)", "(2, 4)", "(2, 2, 2), channels double", "(2, 2, 2), channels halve"]
    lines = []
    for i, name in enumerate(names):
        points = [_point(results, _all(plan, size)[i]) for size in plan.sizes]
        lines.append(Line.of(name, [cost(point) for point in points], [point.loss for point in points]))
    look = "The frontier is the lower left edge: see which lines make it up, and where they cross."
    return Chart(f"Loss against {across}", across, "validation loss, nats per character", lines, True, look=look)


EXPERIMENT = Experiment("flexibility", _trials, _judged)
