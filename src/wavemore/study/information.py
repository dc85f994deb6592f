"""Claim 4, information is integrated gradually: neighbours first. Then it must matter who the neighbours are."""

from collections.abc import Iterator
from dataclasses import replace

from wavemore.study.claims import Claim, Experiment, Finding, Table, cell
from wavemore.study.hierarchy import FLAT, SHAPES, STEPS
from wavemore.study.statistics import Interval
from wavemore.study.trial import flattening_loses
from wavemore.study.trials import CONTEXT, Plan, Results, Trial

__all__ = ["EXPERIMENT", "ORDER"]

ORDER = tuple(i // 2 + CONTEXT // 2 * (i % 2) for i in range(CONTEXT))
"""Which position stands at each place of a permuted context, (0, 4, 1, 5, 2, 6, 3, 7): pairs that flattening by 2 puts
together are four positions apart."""


def _pair(plan: Plan, groups: tuple[int, ...]) -> tuple[Trial, Trial]:
    """As it is and permuted."""
    trial = plan.model(groups, plan.main)
    return trial, replace(trial, permuted=True, probes=False)


def _trials(plan: Plan) -> Iterator[Trial]:
    for groups in SHAPES:
        for trial in _pair(plan, groups):
            yield from plan.tuned(trial)


def _judged(results: Results) -> Claim:
    plan = results.plan
    losses = {groups: [results.tuned(trial) for trial in _pair(plan, groups)] for groups in SHAPES}
    harm = {groups: permuted - whole for groups, (whole, permuted) in losses.items()}  # (seeds,) each
    findings = [
        Finding.of("what permuting costs (2, 2, 2), minus what it costs (8,)", harm[STEPS] - harm[FLAT], decides=True),
        *(
            Finding.of(f"loss of {plan.model(groups, plan.main).name} permuted, minus as it is", harm[groups])
            for groups in SHAPES
        ),
    ]
    rows = [
        [
            plan.model(groups, plan.main).name,
            *(cell(Interval.of(loss)) for loss in found),
            cell(Interval.of(harm[groups]), sign="+"),
        ]
        for groups, found in losses.items()
    ]
    return Claim(
        "information",
        "Information is integrated gradually.",
        "Does it help that neighbours meet before characters that lie far apart do?",
        [
            f"At {plan.main:,} parameters the {CONTEXT} positions of every context change places, to "
            f"({', '.join(map(str, ORDER))}) from the oldest on, alike in training and in evaluation. So every model "
            "still sees the same characters, and each at a place of its own.",
            "For direct flattening that is no more than another order of its first weight's rows, drawn alike: its "
            "difference is the check that the procedure finds nothing where there is nothing. With steps, other "
            "characters meet first.",
        ],
        findings,
        [Table("Validation losses", ["groups", "as it is", "permuted", "difference"], rows)],
        facts=_facts(),
    )


def _facts() -> list[str]:
    lost = {groups: flattening_loses(groups) for groups in SHAPES}
    names = ", ".join(str(groups) for groups in SHAPES)
    if any(lost.values()):
        return [f"Flattening lost numbers: {lost}. This is a bug."]
    return [
        f"Flattening itself loses nothing, directly or in steps: with groups {names} a batch of random numbers came "
        "back bit for bit when its last shape was split into positions and channels again. Flattening alone, by 2 "
        "three times, even gives the very numbers of flattening by 8. So all that differs is what stands between."
    ]


EXPERIMENT = Experiment("information", _trials, _judged)
