"""Samples under conditions from a model of names.txt: how fast, how often the model is asked, how near to the truth.

    python benchmarks/conditions.py [--model FILE|package] [-n 2000] [--rounds 3] [--only TEXT]

Each condition is asked for in modes exact (which prepares a guide where that pays) and strict (which never does), as a
user would: what is prepared is made anew each time and counted. Beside them stands plain rejection, which draws the
model's strings as they come until enough meet the condition; where that takes longer than --limit seconds, its figures
are those of what it found by then. An evaluation is one context at which the model was asked for what follows.

Where the strings that meet a condition can be listed, the total variation is half the sum of all differences between
how often each came, in all rounds together, and its probability. As many draws from the listed distribution itself are
about as far from it: that is given in brackets. Without --model, recipe `small` is trained on the lecture's split.
With --only the conditions whose text has TEXT are measured alone; that is printed, and no result is written.
"""

import argparse
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import provenance

import wavemore
from wavemore.estimator import StringModel
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Condition, Contains, EndsWith, Length, StartsWith, conjunction, every_string
from wavemore.sampling.patterns import Matches
from wavemore.sampling.sample import sample_strings

COMMON, FEW, RARE = ".*[aeiou]", "(mar|an)[aeiou][ln]?[aei]", "(an|el|mar).*[aeiou][lnrs]a"
MODES = ("exact", "strict", "rejection")
LISTED, PORTION = 20_000, 10_000  # strings


class Case(NamedTuple):
    """What is asked for."""

    condition: Condition
    meets: Callable[[str], bool]
    unique: int = 0
    """Where not 0, this many different strings."""


CASES = [
    Case(StartsWith("mar"), lambda s: s.startswith("mar")),
    Case(EndsWith("ella"), lambda s: s.endswith("ella")),
    Case(EndsWith("ston"), lambda s: s.endswith("ston")),
    Case(Contains("q"), lambda s: "q" in s),
    Case(Length(5, 5), lambda s: len(s) == 5),
    Case(Length(3, 3), lambda s: len(s) == 3),
    Case(Matches(COMMON), lambda s: re.fullmatch(COMMON, s) is not None),
    Case(Matches(FEW), lambda s: re.fullmatch(FEW, s) is not None),
    Case(Matches(RARE), lambda s: re.fullmatch(RARE, s) is not None),
    Case(Length(2, 2), lambda s: len(s) == 2, unique=400),
]


class Counting:
    """A predictor that counts the contexts at which it is asked."""

    def __init__(self, predictor: Any) -> None:
        self.predictor = predictor
        self.evaluations = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.predictor, name)

    def start(self, strings: int) -> Any:
        return self._counted(self.predictor.start(strings))

    def step(self, state: Any, going_on: np.ndarray, characters: np.ndarray) -> Any:
        return self._counted(self.predictor.step(state, going_on, characters))

    def _counted(self, state: Any) -> Any:
        self.evaluations += len(state.logits)
        return state


class Run(NamedTuple):
    """What one draw took."""

    strings: list[str]
    seconds: float
    evaluations: int
    chance: float


def drawn(model: StringModel, case: Case, mode: str, n: int, seed: int, limit: float) -> Run:
    """Draw strings for a case."""
    predictor = Counting(model.distribution_.predictor)
    distribution = Distribution(predictor, model.file_.vocabulary)  # type: ignore[arg-type] - it delegates
    start, unique = time.perf_counter(), bool(case.unique)
    if mode != "rejection":
        how: dict[str, Any] = {"mode": mode, "unique": unique, "seed": seed}
        samples = sample_strings(distribution, n, conditions=[case.condition], **how)
        strings = list(samples)
        return Run(strings, time.perf_counter() - start, predictor.evaluations, samples.chance)
    found: list[str] = []
    block = 0
    while len(found) < n and time.perf_counter() - start < limit:
        some = list(sample_strings(distribution, PORTION, seed=seed + 1000 * block))
        found += filter(case.meets, some)
        found, block = list(dict.fromkeys(found)) if unique else found, block + 1
    return Run(found[:n], time.perf_counter() - start, predictor.evaluations, float("nan"))


def truth(model: StringModel, case: Case) -> dict[str, float] | None:
    """The probability of each string that meets a condition, if these can be listed."""
    automaton = conjunction([case.condition], model.file_.vocabulary)
    assert automaton is not None
    every = None if case.unique else every_string(automaton, model.file_.vocabulary, LISTED)
    if every is None:
        return None
    chances = np.exp(model.score_samples(every))
    return dict(zip(every, (chances / chances.sum()).tolist(), strict=True))


def off(runs: list[Run], probabilities: dict[str, float]) -> str:
    """The total variation of what was drawn, and of draws from the listed distribution itself."""
    counts = Counter(string for run in runs for string in run.strings)
    expected = np.array(list(probabilities.values()))
    if not counts:
        return "–"

    def variation(numbers: np.ndarray) -> float:
        return 0.5 * float(np.abs(numbers / numbers.sum() - expected).sum())

    same = np.random.default_rng(0).multinomial(counts.total(), expected, size=20)  # (20, strings)
    own = variation(np.array([counts[string] for string in probabilities]))
    return f"{own:.3f} ({statistics.mean(map(variation, same)):.3f})"


def rows(model: StringModel, case: Case, n: int, rounds: int, limit: float) -> list[str]:
    """The lines of one case, a mode each."""
    said = str(case.condition).replace("|", "\\|").replace("[", "\\[")
    name = f"{case.unique} different strings, each {said}" if case.unique else said
    probabilities, lines, n = truth(model, case), [], case.unique or n
    for mode in MODES:
        runs = [drawn(model, case, mode, n, seed, limit) for seed in range(rounds)]
        assert all(case.meets(string) for run in runs for string in run.strings)
        rates = [len(run.strings) / run.seconds for run in runs]
        each = sum(run.evaluations for run in runs) / max(1, sum(len(run.strings) for run in runs))
        chance = f"{runs[0].chance:.2g}" if mode == "strict" else ""
        lines.append(
            f"| {name if mode == MODES[0] else ''} | {chance} | {mode} "
            f"| {statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) | {each:,.1f} "
            f"| {off(runs, probabilities) if probabilities else ''} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Samples under conditions: rate, evaluations and total variation.")
    parser.add_argument("--model", help="a model of names.txt, or package; without it, recipe small is trained")
    parser.add_argument("-n", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=20.0, help="seconds of plain rejection")
    parser.add_argument("--only", default="", help="only conditions with this in their text, and write no result")
    options = parser.parse_args()
    if options.model:
        model = wavemore.load(options.model if options.model != "package" else None)
    else:
        model = wavemore.fit(
            provenance.names_txt(), recipe="small", settings={"data.split": "lecture"}, seed=0, progress=True
        )
    if options.only:
        for case in CASES:
            if options.only in str(case.condition):
                rows(model, case, options.n, options.rounds, options.limit)
        print(provenance.table(), file=sys.stderr)
        return
    lines = [
        "# Samples under conditions",
        "",
        f"{options.n:,} strings, {options.rounds} rounds with seeds of their own, medians with the range, from a model "
        f"with {model.file_.parameter_count:,} parameters ({model.file_.recipe.description}). Total variation: in "
        "brackets that of as many draws from the listed distribution itself.",
        "",
        "| a string that ... | share | mode | strings a second | evaluations a string | total variation |",
        "| --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for case in CASES:
        lines += rows(model, case, options.n, options.rounds, options.limit)
    provenance.write("conditions", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
