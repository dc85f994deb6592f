"""What wants attention in the course of a run, as plain sentences; the thresholds stand in findings.py."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from wavemore.inspection.findings import (
    LARGE_STEP,
    LARGE_STEPS,
    SATURATED,
    SMALL_STEPS,
    VANISHING,
    flatness,
    named_units,
    of_norm,
)
from wavemore.runs.looks import Look
from wavemore.runs.measures import DEAD

__all__ = ["course_findings"]

_HEAD = "head.linear.weight"
_SMALL_HEAD = 1.0  # log10 of how much smaller than other matrices the head starts, so that first guesses are even
_SETTLED = 30  # steps after which running statistics with a momentum of 0.1 have forgotten where they began


def course_findings(looks: Sequence[Look]) -> list[str]:
    """One sentence for each thing found; empty for a sound run. `looks` are in the order of their steps."""
    found = [sentence for i in range(len(looks[0].levels)) for sentence in _of_level(looks, i)]
    found += _of_gradients(looks)
    for i in range(len(looks[0].parameters)):
        found += _of_steps(looks, i)
    if looks[-1].step >= _SETTLED:
        found += [f"at step {looks[-1].step}, {sentence}" for norm in looks[-1].norms for sentence in of_norm(norm)]
    return found


def _of_level(looks: Sequence[Look], i: int) -> Iterator[str]:
    number, last = looks[0].levels[i].level, looks[-1].levels[i]
    since = Counter(_since(looks, i, unit) for unit in last.dead)
    if since:
        steps = ", ".join(f"{count} since step {step}" for step, count in sorted(since.items()))
        yield (
            f"level {number}: {len(last.dead)} of {last.units} units {'is' if len(last.dead) == 1 else 'are'} dead "
            f"(standard deviation below {DEAD:g}), {steps}: {named_units(last.dead)}"
        )
    for part in last.flat:
        shares = {look.step: look.levels[i].flat[part] for look in looks}
        beyond = [step for step, share in shares.items() if share > SATURATED]
        if beyond:
            first = beyond[0]
            yield (
                f"level {number}: {shares[first]:.0%} of its {part} values are saturated at step {first} "
                f"({flatness(part)}); more than {SATURATED:.0%} are {_when(looks, beyond)}"
            )


def _since(looks: Sequence[Look], i: int, unit: int) -> int:
    """The step from which on a unit was dead at every look."""
    step = looks[-1].step
    for look in reversed(looks):
        if unit not in look.levels[i].dead:
            break
        step = look.step
    return step


def _when(looks: Sequence[Look], steps: Sequence[int]) -> str:
    """In words, at which of the looks."""
    if len(steps) == 1:
        return f"at step {steps[0]} alone"
    return f"at {len(steps)} of {len(looks)} looks, from step {steps[0]} to {steps[-1]}"


def _of_gradients(looks: Sequence[Look]) -> Iterator[str]:
    count = len(looks[0].levels)
    if count < 2:
        return
    norms = {look.step: look.gradient_norms for look in looks}
    ends = [(step, norm.get("level 1", 0.0), norm.get(f"level {count}", 0.0)) for step, norm in norms.items()]
    vanishing = [step for step, lowest, highest in ends if lowest < VANISHING * highest]
    exploding = [step for step, lowest, highest in ends if highest < VANISHING * lowest]
    for steps, does, how in (
        (vanishing, "vanishes", f"below {VANISHING:g} of"),
        (exploding, "explodes", f"more than {1 / VANISHING:g} times"),
    ):
        if len(steps) > len(looks) / 2:
            yield f"the gradient {does} on its way down: level 1 has {how} level {count}'s {_when(looks, steps)}"


def _of_steps(looks: Sequence[Look], i: int) -> Iterator[str]:
    """Of a matrix: single steps as large as itself, or most steps far from the rule of thumb."""
    name, shape = looks[0].parameters[i].name, looks[0].parameters[i].shape
    if len(shape) < 2:
        return
    ratios = {look.step: ratio for look in looks if (ratio := look.parameters[i].update_ratio) is not None}
    still = len(looks) - len(ratios)  # steps that left it where it was
    slack = _SMALL_HEAD if name == _HEAD else 0.0
    large = [step for step, ratio in ratios.items() if ratio > LARGE_STEP + (slack if step == 1 else 0.0)]
    middle = median([-float("inf")] * still + list(ratios.values()))
    if large:
        worst = max(large, key=lambda step: ratios[step])
        yield f"{name}: the step is {10 ** ratios[worst]:.1f} times the tensor itself at step {worst}; lower the rate"
    elif middle > LARGE_STEPS:
        yield f"{name}: most steps are larger than {10**LARGE_STEPS:.2f} of the tensor itself; lower the rate"
    elif middle < SMALL_STEPS and any(look.parameters[i].weight for look in looks):
        yield f"{name}: most steps hardly move it (less than 10^{SMALL_STEPS:g} of its size); raise the rate"
