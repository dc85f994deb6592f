"""Samples under conditions from a model of names.txt: how fast, how many are kept, whether all of them meet it.

    python benchmarks/conditions.py [--model FILE] [-n 10000] [--rounds 3]

Each condition is asked for exactly, as a user would: the look ahead and the bound are made anew each time and counted.
Beside it stands plain rejection, which draws the model's strings as they come until enough meet the condition: strings
a second times the chance of the condition, both measured in the same run. Without --model, recipe `small` is trained on
the lecture's split, which takes some minutes.
"""

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable

import provenance

import wavemore
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Condition, Contains, EndsWith, Length, Never, StartsWith, WithoutWords
from wavemore.sampling.patterns import Matches
from wavemore.sampling.sample import Samples, sample_strings

PLAIN = 200_000

PATTERN = "(an|el|mar).*[aeiou][lnrs]a"
CONDITIONS: list[tuple[list[Condition], Callable[[str], bool]]] = [
    ([StartsWith("mar")], lambda s: s.startswith("mar")),
    ([EndsWith("a")], lambda s: s.endswith("a")),
    ([EndsWith("ia")], lambda s: s.endswith("ia")),
    ([EndsWith("ella")], lambda s: s.endswith("ella")),
    ([EndsWith("wyn")], lambda s: s.endswith("wyn")),
    ([EndsWith("ston")], lambda s: s.endswith("ston")),
    ([EndsWith("ique")], lambda s: s.endswith("ique")),
    ([Contains("q")], lambda s: "q" in s),
    ([Contains("zz")], lambda s: "zz" in s),
    ([Length(5, 5)], lambda s: len(s) == 5),
    ([Never("aeiou")], lambda s: not set(s) & set("aeiou")),
    ([WithoutWords(("ann", "el", "ia"))], lambda s: not any(word in s for word in ("ann", "el", "ia"))),
    ([Matches(PATTERN)], lambda s: re.fullmatch(PATTERN, s) is not None),
    (
        [StartsWith("m"), EndsWith("a"), Contains("el"), Length(5, 5), Matches("[a-r]+")],
        lambda s: re.fullmatch("(?=.*el)m[a-r]{3}a", s) is not None,
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description="Samples under conditions: rate, acceptance and validity.")
    parser.add_argument("--model", help="a model of names.txt; without it, recipe small is trained")
    parser.add_argument("-n", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.model:
        model = wavemore.load(options.model)
    else:
        model = wavemore.fit(
            provenance.names_txt(), recipe="small", settings={"data.split": "lecture"}, seed=0, progress=True
        )
    engine, vocabulary = model.distribution_

    def seconds(conditions: list[Condition], n: int) -> tuple[float, list[str], Samples]:
        start = time.perf_counter()
        samples = sample_strings(Distribution(engine, vocabulary), n, conditions=conditions, seed=0)
        strings = list(samples)
        return time.perf_counter() - start, strings, samples

    plain: list[float] = []
    exact: list[list[float]] = [[] for _ in CONDITIONS]
    chances, valid = [0.0] * len(CONDITIONS), [0] * len(CONDITIONS)
    for number in range(options.rounds):
        plain.append(PLAIN / seconds([], PLAIN)[0])
        for i, (conditions, meets) in enumerate(CONDITIONS):
            took, strings, samples = seconds(conditions, options.n)
            exact[i].append(options.n / took)
            chances[i], valid[i] = samples.chance or 0.0, sum(map(meets, strings))
            print(f"round {number + 1}: {_said(conditions)}: {took:.2f} s", file=sys.stderr, flush=True)
    as_they_come = statistics.median(plain)
    lines = [
        "# Samples under conditions",
        "",
        f"{options.n:,} samples each, mode exact, from a model with {model.file_.parameter_count:,} parameters "
        f"({model.file_.recipe.description}; seed {model.file_.recipe.train.seed}) of names.txt, split K. Medians of "
        f"{options.rounds} rounds with the range. The model's strings as they come: "
        f"{as_they_come:,.0f} a second ({min(plain):,.0f} to {max(plain):,.0f}).",
        "",
        "| a string that ... | chance | a second, look ahead and bound counted | plain rejection, a second "
        "| times as fast | valid |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (conditions, _), rates, chance, count in zip(CONDITIONS, exact, chances, valid, strict=True):
        rate, rejection = statistics.median(rates), as_they_come * chance
        lines.append(
            f"| {_said(conditions)} | {chance:.2g} "
            f"| {rate:,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) | {rejection:,.3g} | {rate / rejection:,.1f} "
            f"| {count / options.n:.0%} |"
        )
    provenance.write("conditions", "\n".join([*lines, "", provenance.table(), ""]))


def _said(conditions: list[Condition]) -> str:
    return " and ".join(map(str, conditions)).replace("|", "\\|")


if __name__ == "__main__":
    main()
