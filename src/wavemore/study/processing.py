"""Claim 2, processing between the steps: without norm and activation there, steps are one linear map in parts."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from wavemore.study.claims import Chart, Claim, Experiment, Finding, Line, Table, cell
from wavemore.study.hierarchy import FLAT, STEPS
from wavemore.study.statistics import Interval
from wavemore.study.trials import Plan, Results, Trial

__all__ = ["EXPERIMENT"]

_VARIANTS = {
    "norm and activation": (True, True),
    "activation alone": (False, True),
    "norm alone": (True, False),
    "neither": (False, False),
}


def _sizes(plan: Plan) -> tuple[int, ...]:
    """The main size and the one below it."""
    return tuple(size for size in plan.sizes if size <= plan.main)[-2:]


def _variant(plan: Plan, size: int, name: str) -> Trial:
    norm, activation = _VARIANTS[name]
    trial = plan.model(STEPS, size)
    if norm and activation:
        return trial
    return replace(trial, norm_between=norm, activation_between=activation, probes=False)


def _trials(plan: Plan) -> Iterator[Trial]:
    for size in _sizes(plan):
        yield from plan.tuned(plan.model(FLAT, size))
        for name in _VARIANTS:
            yield from plan.tuned(_variant(plan, size, name))


def _judged(results: Results) -> Claim:
    sizes = _sizes(results.plan)
    losses = {
        name: np.stack([results.tuned(_variant(results.plan, size, name)) for size in sizes]) for name in _VARIANTS
    }  # (sizes, seeds) each
    losses["flattened at once, (8,)"] = np.stack([results.tuned(results.plan.model(FLAT, size)) for size in sizes])
    whole = losses["norm and activation"]

    def gain(name: str) -> np.ndarray:
        return (losses[name] - whole).mean(axis=0)  # (seeds,)

    findings = [
        Finding.of(
            "loss with neither between the steps, minus with both, mean over sizes", gain("neither"), decides=True
        ),
        Finding.of("loss without activation between the steps, minus with both", gain("norm alone")),
        Finding.of("loss without norm between the steps, minus with both", gain("activation alone")),
        Finding.of(
            "loss flattened at once, (8,), minus with neither between the steps",
            gain("flattened at once, (8,)") - gain("neither"),
        ),
    ]
    rows = [[name, *(cell(Interval.of(values)) for values in found)] for name, found in losses.items()]
    return Claim(
        "processing",
        "Processing can stand between the steps.",
        "Does what stands between the steps, BatchNorm and tanh, lower the loss?",
        [
            f"Groups (2, 2, 2) at {' and '.join(f'{size:,}' for size in sizes)} parameters with norm and activation "
            "between the steps, with one of them, and with neither. The top level keeps both, so with neither all "
            "steps together are one linear map of the context. Where the norm is gone a bias stands in its place; the "
            "numbers of parameters differ by less than 2 %."
        ],
        findings,
        [Table("Validation losses", ["between the steps", *(f"{size:,} parameters" for size in sizes)], rows)],
        [_chart(losses, sizes)],
    )


def _chart(losses: dict[str, np.ndarray], sizes: tuple[int, ...]) -> Chart:
    lines = []
    for name, found in losses.items():
        lines.append(Line.of(name, list(sizes), [Interval.of(values) for values in found]))
    look = "How far the other lines lie above 'norm and activation' is what processing is worth."
    across, up = "parameters", "validation loss, nats per character"
    return Chart("Loss by what stands between the steps", across, up, lines, True, look=look)


EXPERIMENT = Experiment("processing", _trials, _judged)
