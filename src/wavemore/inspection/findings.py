"""What in the numbers wants attention, as plain sentences, by thresholds that stand here and nowhere else."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from wavemore.runs.looks import Look
from wavemore.runs.measures import DEAD, FLAT, FLAT_GELU, GELUS, Norm

__all__ = ["LARGE_STEP", "LARGE_STEPS", "SATURATED", "SCALED", "SHIFTED", "SMALL_STEP", "VANISHING", "findings_of"]

SATURATED = 0.5
"""A level is called saturated from this share of flat values: of a standard normal a tanh has 0.04, a GELU 0.01."""
VANISHING = 0.01
"""The lowest level's gradient is called vanishing below this share of the highest level's; above its inverse, the
gradient explodes on the way down."""
SHIFTED = 0.5
"""Running means are stale where they lie this many running standard deviations off the batch's (root mean square)."""
SCALED = 1.5
"""Running deviations are stale where they differ from the batch's by this factor, up or down."""
LARGE_STEP = 0.0
"""log10 of update over weight at which a step is as large as the matrix itself. (Muon's own steps come near -1.)"""
LARGE_STEPS = -0.75
"""log10 of update over weight that is too large where most of a run's steps are beyond it: the recipes' matrices have a
median of -1.0 at most, with a rate 30 times too high -0.5."""
SMALL_STEP = -5.0
"""log10 of update over weight below which most steps hardly move a matrix: the recipes' matrices have -4 at least."""
_HEAD = "head.linear.weight"
_SMALL_HEAD = 1.0  # log10 of how much smaller than other matrices the head starts, so that first guesses are even
_MOST_UNITS = 20
_FLAT = {
    "tanh": f"|tanh| above {FLAT:g}",
    "sigmoid": f"within {(1 - FLAT) / 2:g} of 0 or 1",
    **dict.fromkeys(GELUS, f"given less than {FLAT_GELU:g}"),
}


def findings_of(looks: Sequence[Look], *, settled: bool) -> list[str]:
    """One sentence for each thing found; empty for a sound network. `looks` are in the order of their steps; of a
    single one no step is named. BatchNorm's statistics are judged at the last look, once they have `settled`."""
    found = [sentence for i in range(len(looks[0].levels)) for sentence in _of_level(looks, i)]
    found += _of_gradients(looks)
    for i in range(len(looks[0].parameters)):
        found += _of_steps(looks, i)
    if settled:
        when = f"at step {looks[-1].step}, " if len(looks) > 1 else ""
        found += [f"{when}{sentence}" for norm in looks[-1].norms for sentence in _of_norm(norm)]
    return found


def _of_level(looks: Sequence[Look], i: int) -> Iterator[str]:
    last = looks[-1].levels[i]
    if count := len(last.dead):
        dead = f"{count} of {last.units} units {'is' if count == 1 else 'are'} dead (standard deviation below {DEAD:g})"
        yield f"level {last.level}: {dead}{_since(looks, i)}: {_numbers(last.dead)}"
    for part in last.flat:
        shares = {look.step: look.levels[i].flat[part] for look in looks}
        beyond = [step for step, share in shares.items() if share > SATURATED]
        if beyond:
            saturated = f"{shares[beyond[0]]:.0%} of its {part} values are saturated ({_FLAT[part]})"
            yield f"level {last.level}: {saturated}{_when(looks, beyond, f'more than {SATURATED:.0%}')}"


def _since(looks: Sequence[Look], i: int) -> str:
    """For each of the units that are dead at the last look, from which step on: ", 2 since step 1"."""
    if len(looks) == 1:
        return ""
    since: Counter[int] = Counter()
    for unit in looks[-1].levels[i].dead:
        alive = [j for j, look in enumerate(looks) if unit not in look.levels[i].dead]
        since[looks[alive[-1] + 1 if alive else 0].step] += 1
    return ", " + ", ".join(f"{count} since step {step}" for step, count in sorted(since.items()))


def _numbers(units: Sequence[int]) -> str:
    """Those of units; where they are very many, the first."""
    return ", ".join(map(str, units[:_MOST_UNITS])) + (", ..." if len(units) > _MOST_UNITS else "")


def _when(looks: Sequence[Look], steps: Sequence[int], what: str) -> str:
    """At which of several looks it was as bad, what was said being that of the first of the steps."""
    if len(looks) == 1:
        return ""
    if len(steps) == 1:
        return f" at step {steps[0]} alone"
    return f" at step {steps[0]}; {what} at {len(steps)} of {len(looks)} looks, from step {steps[0]} to {steps[-1]}"


def _of_gradients(looks: Sequence[Look]) -> Iterator[str]:
    """What holds at more than half of the looks."""
    count = len(looks[0].levels)
    if count < 2:
        return
    norms = {look.step: look.gradient_norms for look in looks}
    ends = {step: (found.get("level 1", 0.0), found.get(f"level {count}", 0.0)) for step, found in norms.items()}
    absent = [step for step, (_, highest) in ends.items() if not highest]
    vanishing = [step for step, (lowest, highest) in ends.items() if lowest < VANISHING * highest]
    exploding = [step for step, (lowest, highest) in ends.items() if 0 < highest < VANISHING * lowest]
    most = len(looks) / 2
    if len(absent) > most:
        yield f"no gradient reaches the levels at all{_when(looks, absent, 'none')}"
    for steps, does, factor, bound in (
        (vanishing, "vanishes", "{:.2g} of", f"below {VANISHING:g}"),
        (exploding, "explodes", "{:.2g} times", f"above {1 / VANISHING:g}"),
    ):
        if len(steps) > most:
            lowest, highest = ends[steps[0]]
            ratio = f"level 1 has {factor.format(lowest / highest)} level {count}'s gradient norm"
            yield f"the gradient {does} on its way down: {ratio}{_when(looks, steps, bound)}"


def _of_steps(looks: Sequence[Look], i: int) -> Iterator[str]:
    """Of a matrix: single steps as large as itself, or most steps far from the rule of thumb."""
    name, shape = looks[0].parameters[i].name, looks[0].parameters[i].shape
    if len(shape) < 2:
        return  # the few numbers of a norm or a bias may rightly start at zero
    several = len(looks) > 1
    ratios = {look.step: ratio for look in looks if (ratio := look.parameters[i].update_ratio) is not None}
    still = len(looks) - len(ratios)  # steps that left it where it was
    slack = _SMALL_HEAD if several and name == _HEAD else 0.0
    large = [step for step, ratio in ratios.items() if ratio > LARGE_STEP + (slack if step == 1 else 0.0)]
    middle = median([-float("inf")] * still + list(ratios.values()))
    if large:
        worst = max(large, key=lambda step: ratios[step])
        where = f" at step {worst}" if several else ""
        yield f"{name}: the step is {10 ** ratios[worst]:.1f} times the tensor itself{where}; lower the rate"
    elif several and middle > LARGE_STEPS:
        yield f"{name}: most steps are larger than {10**LARGE_STEPS:.2f} of the tensor itself; lower the rate"
    elif middle < SMALL_STEP and any(look.parameters[i].weight for look in looks):
        moves = "most steps hardly move" if several else "the step hardly moves"
        yield f"{name}: {moves} it (less than 10^{SMALL_STEP:g} of its size); raise the rate"


def _of_norm(norm: Norm) -> Iterator[str]:
    """What is stale about a BatchNorm's running statistics."""
    if norm.shift_size > SHIFTED:
        yield (
            f"{norm.name}: the running mean is stale, {norm.shift_size:.2f} running standard deviations off the batch's"
        )
    if norm.scale_size > SCALED:
        yield (
            f"{norm.name}: the running variance is stale, its deviation off the batch's by a factor of "
            f"{norm.scale_size:.2f}"
        )
