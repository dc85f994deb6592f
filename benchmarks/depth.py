"""What depth costs: networks of six levels in two and three cycles beside one of three levels with as many parameters.

    python benchmarks/depth.py [--rounds 5]

Each is trained for one pass over names.txt, alone and as three that vote with an n-gram mixed in, and then draws 20,
1,000 and 100,000 strings and scores the list. They take turns; what counts is processor time, which other work on the
machine lengthens less than the clock's. Takes about five minutes.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import provenance
from speed import in_turn, shown

from wavemore.estimator import StringModel
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import read_corpus
from wavemore.predict.predictor import Distribution
from wavemore.sampling.sample import sample_strings

SHAPES: dict[str, dict[str, Any]] = {
    "three levels": {"model.groups": [2, 2, 2], "model.hidden": 150},
    "six levels, groups (2, 2)": {"model.groups": [2, 2], "model.cycles": 3, "model.hidden": 96},
    "six levels, groups (2, 2, 2)": {"model.groups": [2, 2, 2], "model.cycles": 2, "model.hidden": 96},
}
VOTING: dict[str, Any] = {"model.members": 3, "model.ngram": 6}
COUNTS = {20: 20, 1000: 3, 100_000: 1}  # strings, and how often they are drawn for one measurement


def trained(settings: Mapping[str, Any]) -> StringModel:
    usual = {"model.activation": "gated", "model.norm": "layer", "model.residual": True, "train.epochs": 1}
    rates = {"train.batch": 256, "train.rate": 0.006, "train.matrix_rate": 0.1, "train.weight_decay": 0.2}
    return StringModel("fast", settings={**usual, **rates, **settings}, seed=0).fit(provenance.names_txt())


def processor_ms(work: Callable[[], object], times: int = 1) -> float:
    """Milliseconds of the processor, of one of so many calls."""
    start = time.process_time()
    for _ in range(times):
        work()
    return 1e3 * (time.process_time() - start) / times


def table(voting: Mapping[str, Any], rounds: int) -> list[str]:
    """A row for each job: the milliseconds of every shape, and how many times those of three levels they are."""
    models: dict[str, StringModel] = {}
    for name, settings in SHAPES.items():
        print(f"  training {name}", file=sys.stderr, flush=True)
        models[name] = trained({**settings, **voting})
    strings = read_corpus(provenance.names_txt()).strings

    def draws(distribution: Distribution, n: int) -> float:
        return processor_ms(lambda: list(sample_strings(distribution, n, seed=1)), COUNTS[n])

    def scores(distribution: Distribution) -> float:
        return processor_ms(lambda: log_likelihoods(distribution, strings))

    named = [f"{name}, {model.file_.parameter_count:,} parameters" for name, model in models.items()]
    lines = [f"| processor ms | {' | '.join(named)} |", "| --- |" + " ---: |" * len(models)]
    for n in (*COUNTS, 0):
        sides: dict[str, Callable[[], float]] = {}
        for name, model in models.items():
            one = model.distribution_
            sides[name] = (lambda one=one, n=n: draws(one, n)) if n else (lambda one=one: scores(one))
        measured = in_turn(sides, rounds)
        first = statistics.median(measured["three levels"])
        ratios = [f"{shown(values)}: {statistics.median(values) / first:.2f} times" for values in measured.values()]
        lines.append(f"| {f'{n:,} samples' if n else 'names.txt scored'} | {' | '.join(ratios)} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description="What six levels cost beside three of as many parameters.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side is measured")
    rounds = parser.parse_args().rounds
    lines = ["# Depth", "", f"names.txt. Medians of {rounds} rounds in turn, with the range.", ""]
    lines += ["## One network", "", *table({}, rounds)]
    lines += ["## Three that vote, and an n-gram", "", *table(VOTING, rounds)]
    provenance.write("depth", "\n".join([*lines, provenance.table(), ""]))


if __name__ == "__main__":
    main()
