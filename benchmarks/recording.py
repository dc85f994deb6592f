"""What writing a run's history costs: training with it and without, in turn, for runs of different sizes.

    python benchmarks/recording.py [--rounds 7] [--results FOLDER]

The two sides do the same work but for the records, so their ratio is what the records cost. They run in turn, each
first in every second round, and the ratio is that of the medians; the range of the rounds' ratios says how much of it
is the machine's. On a busy machine that is more than the records: so the time spent in the recorder is measured by
itself too, as a share of the fit (of an ensemble, summed over its threads). A short run records every step, and so
costs most. Takes some minutes.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import provenance

from wavemore.corpus import Corpus, read_corpus
from wavemore.estimator import StringModel
from wavemore.train import Recorder

RUNS = {
    "fast, every step recorded": ("fast", {"train.steps": 300}),
    "lecture, 4,000 steps": ("lecture", {"train.steps": 4000, "train.evaluate_every": 2000}),
    "auto, an ensemble": ("auto", {"train.steps": 200}),
}


def seconds(recipe: str, settings: dict[str, int], corpus: Corpus, record: Path | None) -> float:
    """Wall clock of one fit."""
    model = StringModel(recipe, settings={"data.split": "lecture", **settings})
    start = time.perf_counter()
    model.fit(corpus, record=record)
    return time.perf_counter() - start


class Stopwatch:
    """The seconds that the recorder's methods take, once `watch` is called."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def watch(self) -> None:
        for name in ("begin", "note", "close"):
            setattr(Recorder, name, self._timed(getattr(Recorder, name)))

    def _timed(self, method: Callable[..., None]) -> Callable[..., None]:
        def timed(*arguments: object, **options: object) -> None:
            start = time.perf_counter()
            method(*arguments, **options)
            self.seconds += time.perf_counter() - start

        return timed


def measured(
    name: str, lists: dict[str, Corpus], rounds: int, record: Path, watch: Stopwatch
) -> tuple[list[float], list[float], list[float]]:
    """Seconds without a record and with it, and the recorder's share of the latter, round by round, after one round
    that does not count."""
    recipe, settings = RUNS[name]
    corpus = lists["dinosaurs" if recipe == "auto" else "names"]
    sides: tuple[list[float], list[float]] = ([], [])
    shares: list[float] = []
    for number in range(rounds + 1):
        for side in (0, 1) if number % 2 else (1, 0):
            watch.seconds = 0.0
            took = seconds(recipe, settings, corpus, record if side else None)
            if number:
                sides[side].append(took)
                if side:
                    shares.append(watch.seconds / took)
            print(f"  {name}, {'with' if side else 'without'}: {took:.3f}", file=sys.stderr, flush=True)
    return *sides, shares


def main() -> None:
    parser = argparse.ArgumentParser(description="What writing a run's history costs.")
    parser.add_argument("--rounds", type=int, default=7, help="how often each side is measured")
    parser.add_argument("--results", type=Path, default=provenance.RESULTS, help="the folder for the result")
    arguments = parser.parse_args()
    provenance.RESULTS = arguments.results
    lists = {"names": read_corpus(provenance.names_txt()), "dinosaurs": read_corpus("dinosaurs")}
    lines = [
        "# What recording costs",
        "",
        f"Seconds of a whole fit with a history and without, medians of {arguments.rounds} rounds in turn; the ratio",
        "of the medians, the range of the rounds' own ratios, and the share of the fit that the recorder itself takes.",
        "",
        "| run | records | without | with | ratio | range of ratios | recorder's share |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    watch = Stopwatch()
    watch.watch()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "m.history.jsonl"
        for name in RUNS:
            without, with_it, shares = measured(name, lists, arguments.rounds, record, watch)
            ratios = [one / other for one, other in zip(with_it, without, strict=True)]
            records = record.read_bytes().count(b"\n") - 1
            middle, ours = statistics.median(without), statistics.median(with_it)
            lines.append(
                f"| {name} | {records} | {middle:.3f} | {ours:.3f} | {ours / middle:.4f} "
                f"| {min(ratios):.3f} to {max(ratios):.3f} | {statistics.median(shares):.2%} |"
            )
    provenance.write("recording", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
