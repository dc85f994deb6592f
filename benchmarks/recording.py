"""What recording a run costs: a network that is recorded and the same network that is not, trained side by side.

    python benchmarks/recording.py [--rounds 20] [--results FOLDER]

Both take the same steps on the same batches, with a history beside one of them, its records of the inside and all else
in it. They take turns every few steps, each first in every second turn, so that what else the machine does falls on
both alike; a round is a whole run of each, because a record of the inside is written at few steps only, and the ratio
of a round is that of the two sums. Shown are the median of the rounds' ratios with its 95 % bootstrap interval over
the rounds, on the wall clock and in processor time, which other work on the machine lengthens less. In the first row
neither is recorded: how far its interval is from 1, and how wide it is, says what the method can tell.

Evaluating the validation part lengthens a real run; here that part is one string, so that the share is rather too large
than too small. The last column is a different measure, the recorder's own time over that of the run that it records.
Takes some minutes.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import provenance

from wavemore.lists.corpus import Corpus, read_corpus, split
from wavemore.lists.vocabulary import Vocabulary
from wavemore.runs.history import HistoryFile
from wavemore.settings.config import Recipe, load_recipe
from wavemore.settings.sizing import sized
from wavemore.train import Recorder
from wavemore.train.forms import runs_of
from wavemore.train.run import Run

AT_A_TIME = 5  # steps until the other side takes its turn
RESAMPLES = 10_000


class Case(NamedTuple):
    """One kind of run that is measured."""

    name: str
    recipe: Recipe
    corpus: Corpus
    recorded: bool = True


class Seconds(NamedTuple):
    """What one side of a round took."""

    wall: float
    processor: float
    recorder: float
    """Wall clock of the recorder alone."""


def cases() -> list[Case]:
    names, dinosaurs = read_corpus(provenance.names_txt()), read_corpus("dinosaurs")
    auto = sized(dinosaurs.strings)
    one = replace(auto, model=replace(auto.wavenet, members=1, ngram=0))  # the network of several that is seen inside
    fast, lecture = load_recipe("fast"), load_recipe("lecture").with_settings({"train.steps": 2000})
    return [
        Case("`fast`, recorded on neither side", fast, names, recorded=False),
        Case("`fast`", fast, names),
        Case("`lecture`, 2,000 steps", lecture, names),
        Case("chosen for dinosaurs, one network", one, dinosaurs),
    ]


class Timed(Recorder):
    """A recorder and the seconds that it takes."""

    own = 0.0

    def before(self, run: Run) -> None:
        start = time.perf_counter()
        super().before(run)
        self.own += time.perf_counter() - start

    def forward(self, run: Run, batch: Any, way: Any) -> None:
        start = time.perf_counter()
        super().forward(run, batch, way)
        self.own += time.perf_counter() - start

    def after(self, run: Run, loss: float, gradients: Mapping[str, Any]) -> None:
        start = time.perf_counter()
        super().after(run, loss, gradients)
        self.own += time.perf_counter() - start

    def note(self, run: Run, evaluation: dict[str, Any] | None = None, *, last: bool = False) -> None:
        start = time.perf_counter()
        super().note(run, evaluation, last=last)
        self.own += time.perf_counter() - start


class Side:
    """One of the two runs of a round, and what it has taken so far."""

    def __init__(self, run: Run, history: Path | None) -> None:
        self._run = run
        self._recorder = Timed([] if history is None else [HistoryFile(history)], {"role": "model"})
        self._steps = self._run.train(self._recorder)
        start = clocks()
        self._recorder.begin([self._run], resumed=False)
        self._clocks = clocks() - start
        self._recorder.own = float(self._clocks[0])

    @property
    def done(self) -> bool:
        return self._run.done

    def turn(self) -> None:
        """A few steps."""
        start = clocks()
        for _ in range(AT_A_TIME):
            next(self._steps, None)
        self._clocks += clocks() - start

    def seconds(self) -> Seconds:
        self._recorder.close()
        wall, processor = self._clocks.tolist()
        return Seconds(wall, processor, self._recorder.own)


def clocks() -> np.ndarray:
    """The wall clock and the processor time of this process, seconds, (2,)."""
    return np.array([time.perf_counter(), time.process_time()])


def one_round(
    case: Case, vocabulary: Vocabulary, strings: Sequence[str], history: Path, swapped: bool
) -> tuple[Seconds, Seconds]:
    """Seconds with a history and without."""
    with ExitStack() as stack:
        sides = []
        for path in (history if case.recorded else None, None):
            (run,) = stack.enter_context(runs_of(case.recipe, vocabulary, strings, strings[:1]))
            sides.append(Side(run, path))
        turn = int(swapped)
        while not all(side.done for side in sides):
            for side in (sides[turn], sides[1 - turn]):
                side.turn()
            turn = 1 - turn
        return sides[0].seconds(), sides[1].seconds()


def interval(ratios: Sequence[float]) -> str:
    """The median of ratios with its 95 % bootstrap interval."""
    values = np.array(ratios)
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(np.median(values[drawn], axis=1), [0.025, 0.975])
    return f"{np.median(values):.4f} ({low:.4f} to {high:.4f})"


def measured(case: Case, rounds: int, history: Path) -> str:
    """A row of the table, after one round that does not count."""
    parts = split(case.corpus, case.recipe.data)
    vocabulary = Vocabulary.of(string for part in parts for string in part)
    wall, processor, own, without = [], [], [], []
    for number in range(rounds + 1):
        ours, theirs = one_round(case, vocabulary, parts.train, history, swapped=number % 2 == 1)
        if number:
            wall.append(ours.wall / theirs.wall)
            processor.append(ours.processor / theirs.processor)
            own.append(ours.recorder / ours.wall)
            without.append(theirs.wall)
        print(f"  {case.name}: {ours.wall:.3f} s and {theirs.wall:.3f} s", file=sys.stderr, flush=True)
    records = history.read_bytes().count(b"\n") - 1 if case.recorded else 0
    share = f"{np.median(own):.2%}" if case.recorded else "-"
    seconds = f"{np.median(without):.2f}"
    return f"| {case.name} | {records} | {seconds} | {interval(wall)} | {interval(processor)} | {share} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="What recording a run costs.")
    parser.add_argument("--rounds", type=int, default=20, help="how often each pair of runs is measured")
    parser.add_argument("--results", type=Path, default=provenance.RESULTS, help="the folder for the result")
    arguments = parser.parse_args()
    provenance.RESULTS = arguments.results
    lines = [
        "# What recording costs",
        "",
        f"Time with a history over time without, of two equal runs that take turns every {AT_A_TIME} steps and",
        f"evaluate one string: medians of {arguments.rounds} rounds' ratios, with 95 % bootstrap intervals.",
        "In the first row neither is recorded, so its interval says what the method can tell. The recorder's share is",
        "its own time over that of the run that it records.",
        "",
        "| run | records | seconds without | ratio, wall clock | ratio, processor time | recorder's share |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            lines.append(measured(case, arguments.rounds, Path(folder) / f"{len(lines)}.history.jsonl"))
    provenance.write("recording", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
