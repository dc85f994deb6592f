"""Claim 1, hierarchy of features: levels that see 2, 4 and 8 characters learn more than one that sees 8 at once."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from wavemore.study.claims import NATS, Chart, Claim, Experiment, Finding, Line, Table, cell
from wavemore.study.probes import QUESTIONS
from wavemore.study.statistics import Interval
from wavemore.study.trials import Plan, Results, Trial, multiplications, parameters, widths_for

__all__ = ["EXPERIMENT", "SHAPES", "as_costly"]

SHAPES: tuple[tuple[int, ...], ...] = ((8,), (4, 2), (2, 4), (2, 2, 2))
FLAT, STEPS = SHAPES[0], SHAPES[-1]

_MATTERS = 0.01  # of R²


def as_costly(plan: Plan, groups: tuple[int, ...], size: int) -> Trial:
    """The model of these groups with as many multiplications a window as (2, 2, 2) of this size has."""
    steps = plan.model(STEPS, size)
    if groups == STEPS:
        return steps
    wanted = multiplications(STEPS, steps.widths, steps.embedding, plan.vocabulary)
    widths = widths_for(groups, steps.embedding, wanted, plan.vocabulary, cost=multiplications)
    return replace(steps, groups=groups, widths=widths, probes=False)


def _trials(plan: Plan) -> Iterator[Trial]:
    for size in plan.sizes:
        for groups in SHAPES:
            yield from plan.tuned(plan.model(groups, size))
            yield from plan.tuned(as_costly(plan, groups, size))


def _judged(results: Results) -> Claim:
    plan = results.plan
    equal = [results.tuned(plan.model(FLAT, size)) - results.tuned(plan.model(STEPS, size)) for size in plan.sizes]
    costly = [
        results.tuned(as_costly(plan, FLAT, size)) - results.tuned(plan.model(STEPS, size)) for size in plan.sizes
    ]
    findings = [
        Finding.of(
            "loss of (8,) minus that of (2, 2, 2) with as many parameters, mean over sizes",
            np.mean(equal, axis=0),
            decides=True,
        ),
        _probe_finding(
            results,
            "trained",
            "R² for the class of the next character, from a level's nodes minus from their children side by side, at "
            "the level of (2, 2, 2) where that is least",
            decides=True,
        ),
        _probe_finding(results, "untrained", "the same of the network before training", decides=False),
        Finding.of(
            "loss of (8,) minus that of (2, 2, 2) with as many multiplications a window, mean over sizes",
            np.mean(costly, axis=0),
        ),
    ]
    findings += [
        Finding.of(f"loss of (8,) minus that of (2, 2, 2), {size:,} parameters", values)
        for size, values in zip(plan.sizes, equal, strict=True)
    ]
    return Claim(
        "hierarchy",
        "Features are learned in a hierarchy.",
        "Does a model that flattens in steps predict better than one that flattens at once, at equal size? And does "
        "each of its levels bring into linear reach what the level below has not?",
        _done(plan),
        findings,
        [_losses(results), _probes(results), *_nearest(results)],
        [_by_parameters(results), _by_multiplications(results), _by_level(results)],
    )


def _done(plan: Plan) -> list[str]:
    return [
        "Models with groups (8,), (4, 2), (2, 4) and (2, 2, 2), the taught tanh and BatchNorm, equal channels at every "
        f"level, at {', '.join(f'{size:,}' for size in plan.sizes)} parameters: once with equal parameters, and once "
        "as wide as makes their multiplications equal to those of (2, 2, 2). Counted are the multiplications of all "
        "matrix products of one window in the windowed form, where nothing is shared; what a distinct context costs in "
        "the shared form differs from list to list.",
        f"Linear probes at {plan.main:,} parameters: ridge regressions on what each level hands on (its output) and on "
        "the children it was made of, side by side (its input), fitted on training strings and scored on validation "
        f"strings. Asked: {'; '.join(QUESTIONS.values())}. R² is the explained share of the variance; {_MATTERS} "
        "matters.",
    ]


def _probe_finding(results: Results, when: str, effect: str, *, decides: bool) -> Finding:
    trial = results.plan.model(STEPS, results.plan.main)
    gains = [
        results.over_seeds(trial, "probes", when, level, "output", "next")
        - results.over_seeds(trial, "probes", when, level, "input", "next")
        for level in range(len(STEPS))
    ]
    return Finding.of(effect, np.min(gains, axis=0), matters=_MATTERS, unit="R²", decides=decides)


def _losses(results: Results) -> Table:
    rows, plan = [], results.plan
    for size in plan.sizes:
        for groups in SHAPES:
            for how, trial in (
                ("parameters", plan.model(groups, size)),
                ("multiplications", as_costly(plan, groups, size)),
            ):
                if how == "parameters" or groups != STEPS:
                    rows.append(_row(results, f"{size:,}, equal {how}", trial))
    header = ["", "groups", "channels", "parameters", "multiplications a window", "validation loss", "seconds"]
    return Table("Losses, each model at the learning rate that is best on the other seeds", header, rows)


def _row(results: Results, title: str, trial: Trial) -> list[str]:
    about = (trial.groups, trial.widths, trial.embedding, results.plan.vocabulary)
    loss = cell(Interval.of(results.tuned(trial)))
    channels, counts = str(trial.widths[0]), [f"{parameters(*about):,}", f"{multiplications(*about):,}"]
    return [title, trial.name, channels, *counts, loss, f"{results.seconds(trial):.2f}"]


def _probes(results: Results) -> Table:
    rows, plan = [], results.plan
    for groups in SHAPES:
        trial = plan.model(groups, plan.main)
        for when in ("trained", "untrained"):
            for level in range(len(groups)):
                for side in ("input", "output"):
                    scores = [
                        cell(Interval.of(results.over_seeds(trial, "probes", when, level, side, asked)), 3)
                        for asked in QUESTIONS
                    ]
                    rows.append([trial.name, when, f"{level + 1}, {side}", *scores])
    header = ["groups", "", "level", *QUESTIONS]
    return Table("R² of linear probes", header, rows)


def _nearest(results: Results) -> Iterator[Table]:
    """The nearest chunks of the first seed's (2, 2, 2)."""
    plan = results.plan
    found = results.records[replace(plan.model(STEPS, plan.main), seed=plan.seeds[0])].get("nearest", [])
    rows = [
        [str(level), chunk, "  ".join(others)]
        for level, chunks in enumerate(found, start=1)
        for chunk, others in chunks.items()
    ]
    yield Table("Nearest chunks of (2, 2, 2), first seed, by cosine", ["level", "chunk", "nearest"], rows)


def _by_parameters(results: Results) -> Chart:
    plan = results.plan
    lines = []
    for groups in SHAPES:
        models = [plan.model(groups, size) for size in plan.sizes]
        counts = [parameters(m.groups, m.widths, m.embedding, plan.vocabulary) for m in models]
        lines.append(_line(results, models, counts))
    look = f"At a given size the lowest line predicts best; {NATS:g} is a difference that matters."
    return Chart(
        "Loss at equal parameters", "parameters", "validation loss, nats per character", lines, True, look=look
    )


def _by_multiplications(results: Results) -> Chart:
    plan = results.plan
    lines = []
    for groups in SHAPES:
        models = [as_costly(plan, groups, size) for size in plan.sizes]
        counts = [multiplications(m.groups, m.widths, m.embedding, plan.vocabulary) for m in models]
        lines.append(_line(results, models, counts))
    look = "Models one above the other cost the same number of multiplications a window."
    across, up = "multiplications a window", "validation loss, nats per character"
    return Chart("Loss at equal arithmetic", across, up, lines, True, look=look)


def _line(results: Results, models: list[Trial], counts: list[int]) -> Line:
    return Line.of(models[0].name, counts, [Interval.of(results.tuned(model)) for model in models])


def _by_level(results: Results) -> Chart:
    plan = results.plan
    trial = plan.model(STEPS, plan.main)
    lines = []
    for when in ("trained", "untrained"):
        for side in ("input", "output"):
            spreads = [
                Interval.of(results.over_seeds(trial, "probes", when, level, side, "next"))
                for level in range(len(STEPS))
            ]
            name = f"{when}, {'children' if side == 'input' else 'nodes'}"
            lines.append(Line.of(name, [float(level + 1) for level in range(len(STEPS))], spreads))
    look = "Where nodes lie above their children, the level has made the next character easier to read."
    return Chart("What a linear probe reads of the next character, (2, 2, 2)", "level", "R²", lines, look=look)


EXPERIMENT = Experiment("hierarchy", _trials, _judged)
