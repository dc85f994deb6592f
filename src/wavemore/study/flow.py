"""Claim 5, gradients flow better: how much of the gradient reaches the first level, by depth, norm and residual."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import log10
from typing import Any, Literal

import numpy as np

from wavemore.study.claims import Chart, Claim, Experiment, Finding, Line, Table, cell
from wavemore.study.statistics import Interval
from wavemore.study.trials import Plan, Results, Trial, parameters, widths_for

__all__ = ["EXPERIMENT"]

_EMBEDDING = 10
_FACTOR = 1.25
_MATTERS = round(log10(_FACTOR), 3)  # of the logarithm of a ratio
_LEAST = 1e-12

_KINDS: dict[str, tuple[Literal["batch", "none"], bool]] = {
    "BatchNorm": ("batch", False),
    "BatchNorm and residual": ("batch", True),
    "plain": ("none", False),
    "residual": ("none", True),
}


def _steps(plan: Plan, depth: int, kind: str) -> Trial:
    norm, residual = _KINDS[kind]
    widths = (plan.flow_hidden,) * depth
    return Trial(
        groups=(2,) * depth,
        widths=widths,
        embedding=_EMBEDDING,
        norm=norm,
        residual=residual,
        epochs=plan.flow_epochs,
    )


def _flat(plan: Plan, depth: int, kind: str) -> Trial:
    """Direct flattening of the same context, with as many parameters."""
    steps = _steps(plan, depth, kind)
    size = parameters(steps.groups, steps.widths, _EMBEDDING, plan.vocabulary)
    groups = (2**depth,)
    return replace(steps, groups=groups, widths=widths_for(groups, _EMBEDDING, size, plan.vocabulary), residual=False)


def _trials(plan: Plan) -> Iterator[Trial]:
    for depth in plan.depths:
        yield from (_steps(plan, depth, kind) for kind in _KINDS)
        yield from (_flat(plan, depth, kind) for kind in ("BatchNorm", "plain"))


def _judged(results: Results) -> Claim:
    plan = results.plan
    least, most = plan.depths[0], plan.depths[-1]
    reach = {
        **{kind: {depth: _reach(results, _steps(plan, depth, kind)) for depth in plan.depths} for kind in _KINDS},
        **{
            f"(T,), {kind}": {depth: _reach(results, _flat(plan, depth, kind)) for depth in plan.depths}
            for kind in ("BatchNorm", "plain")
        },
    }

    def finding(effect: str, values: np.ndarray, *, decides: bool = False) -> Finding:
        return Finding.of(effect, values, matters=_MATTERS, unit="log10 of a ratio", decides=decides, digits=3)

    def over_depths(one: str, other: str) -> np.ndarray:
        return np.mean([reach[one][depth] - reach[other][depth] for depth in plan.depths], axis=0)

    findings = [
        finding(
            "reach of steps minus reach of direct flattening, with BatchNorm as taught, mean over depths",
            over_depths("BatchNorm", "(T,), BatchNorm"),
            decides=True,
        ),
        finding("the same without BatchNorm", over_depths("plain", "(T,), plain")),
        Finding.of(
            "loss of direct flattening minus that of steps, with BatchNorm, mean over depths", _loss_gain(results)
        ),
        finding(f"what BatchNorm adds to the reach of {most} levels", reach["BatchNorm"][most] - reach["plain"][most]),
        finding(f"what residuals add to the reach of {most} levels", reach["residual"][most] - reach["plain"][most]),
        *(
            finding(f"reach of {most} levels minus that of {least}, {kind}", reach[kind][most] - reach[kind][least])
            for kind in _KINDS
        ),
    ]
    return Claim(
        "flow",
        "Gradients flow better.",
        "Does more of the gradient reach the bottom where flattening is done in steps?",
        _done(plan),
        findings,
        [_reaches(reach, plan.depths), _losses(results)],
        [_by_depth(reach, plan.depths), _by_layer(results, most), _through_training(results, most)],
    )


def _done(plan: Plan) -> list[str]:
    return [
        f"Levels of two, {plan.depths[0]} to {plan.depths[-1]} of them (context {2 ** plan.depths[0]} to "
        f"{2 ** plan.depths[-1]}), {plan.flow_hidden} channels, tanh, with and without BatchNorm and residuals; and "
        "direct flattening of the same contexts, (T,), with as many parameters as the steps with BatchNorm have.",
        "At 24 points of each run the norm of each weight's gradient is divided by the norm of the weight. The reach "
        "of a run is log10 of that figure of the first level over that of the head, mean over the points: 0 where the "
        "first level is moved as much as the head is, -1 where it is moved a tenth as much. Better means more reach, "
        f"and {_MATTERS:g}, a factor of {_FACTOR:g}, matters. All runs have the same learning rate. Reach alone "
        "says nothing of what is learned, so the losses are shown too.",
    ]


def _loss_gain(results: Results) -> np.ndarray:
    """(seeds,)."""
    plan, kind = results.plan, "BatchNorm"
    pairs = ((_flat(plan, depth, kind), _steps(plan, depth, kind)) for depth in plan.depths)
    return np.mean([results.losses(flat) - results.losses(steps) for flat, steps in pairs], axis=0)


def _reach(results: Results, trial: Trial) -> np.ndarray:
    """(seeds,); NaN of a run that diverged, with which no verdict can be had."""
    found = []
    for seed in results.plan.seeds:
        norms = _norms(results.records[replace(trial, seed=seed)])  # (points, layers)
        found.append(float(np.log10(np.maximum(norms[:, 1] / np.maximum(norms[:, -1], _LEAST), _LEAST)).mean()))
    return np.array(found)


def _norms(record: Mapping[str, Any]) -> np.ndarray:
    """(points, layers)."""
    return np.array(record["gradients"]["norms"]) if "gradients" in record else np.full((1, 3), np.nan)


def _gradients(results: Results, depth: int, kind: str) -> list[dict[str, Any]]:
    """Those of each seed's run that did not diverge."""
    records = (results.records[replace(_steps(results.plan, depth, kind), seed=s)] for s in results.plan.seeds)
    return [record["gradients"] for record in records if "gradients" in record]


def _reaches(reach: dict[str, dict[int, np.ndarray]], depths: Sequence[int]) -> Table:
    rows = [[name, *(cell(Interval.of(found[depth]), 2) for depth in depths)] for name, found in reach.items()]
    return Table("Reach, by levels", ["", *map(str, depths)], rows)


def _losses(results: Results) -> Table:
    plan = results.plan
    rows = [
        [kind, *(cell(Interval.of(results.losses(_steps(plan, depth, kind))), 3) for depth in plan.depths)]
        for kind in _KINDS
    ]
    rows += [
        [f"(T,), {kind}", *(cell(Interval.of(results.losses(_flat(plan, depth, kind))), 3) for depth in plan.depths)]
        for kind in ("BatchNorm", "plain")
    ]
    title = "Validation losses of these short runs, nats per character, by levels"
    return Table(title, ["", *map(str, plan.depths)], rows)


def _by_depth(reach: dict[str, dict[int, np.ndarray]], depths: Sequence[int]) -> Chart:
    lines = []
    for name, found in reach.items():
        lines.append(Line.of(name, list(depths), [Interval.of(found[depth]) for depth in depths]))
    look = "A line that falls shows gradients that vanish with depth; (T,) has one level whatever its context."
    return Chart("Reach by depth", "levels of two", "reach, log10", lines, look=look)


def _by_layer(results: Results, depth: int) -> Chart:
    """Medians over seeds and points, layer by layer."""
    lines = []
    for kind in _KINDS:
        found = [
            np.mean(gradients["norms"], axis=0) for gradients in _gradients(results, depth, kind)
        ]  # (layers,) each
        if found:
            lines.append(Line(kind, list(range(len(found[0]))), np.median(found, axis=0).tolist()))
    look = f"0 is the embedding, 1 the first level, {depth + 1} the head. A flat line moves all layers alike."
    up = "gradient over weight"
    return Chart(f"Gradients layer by layer, {depth} levels", "layer", up, lines, log_up=True, look=look)


def _through_training(results: Results, depth: int) -> Chart:
    """The first level's gradient over the head's at each point, median over seeds."""
    lines = []
    for kind in _KINDS:
        sound = _gradients(results, depth, kind)
        if sound:
            norms = np.stack([np.array(found["norms"]) for found in sound])  # (seeds, points, layers)
            ratios = np.median(norms[:, :, 1] / np.maximum(norms[:, :, -1], _LEAST), axis=0)
            lines.append(Line(kind, sound[0]["steps"], np.maximum(ratios, _LEAST).tolist()))
    look = "Whether what reaches the first level changes while the model learns."
    title = f"First level against head through training, {depth} levels"
    return Chart(title, "step", "gradient of the first level over the head's", lines, log_up=True, look=look)


EXPERIMENT = Experiment("flow", _trials, _judged)
