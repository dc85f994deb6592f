"""The lecture's performance log, run again: all five rows beside the published numbers. Takes about half an hour.

    python benchmarks/performance_log.py [--only RECIPE] [--seeds 42 1 2 ...]

The lecture's last row names its seed, 42, and is reproduced to six digits. What state the generator was in for the
earlier rows is not known; with --seeds each row is run with several, and the median and the range are shown.

The row with the lecture's bug (BatchNorm over axis 0 only) is made here, by a layer of this file's own: the library
has no such option.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import cast
from unittest.mock import patch

import numpy as np
import provenance
import torch
from torch import Tensor

from wavemore.estimator import StringModel
from wavemore.inspection.nodes import ids_of
from wavemore.nn import BatchNorm1d, evaluation_mode
from wavemore.predict.chunks import Chunks
from wavemore.settings.config import ModelConfig
from wavemore.train.in_torch import WindowLearner

PUBLISHED = [
    # recipe, with the bug, what it is, train, validation
    ("flat-12k", False, "flat, 3 characters, 200 hidden", 2.058, 2.105),
    ("flat-22k", False, "flat, 8 characters, 200 hidden", 1.918, 2.027),
    ("lecture-22k", True, "hierarchical, hidden 68, BatchNorm over axis 0 only (the bug)", 1.941, 2.029),
    ("lecture-22k", False, "hierarchical, hidden 68", 1.912, 2.022),
    ("lecture", False, "hierarchical, embedding 24, hidden 128", 1.7690284252, 1.9936515093),
]
TOLERANCE = 0.005
ROWS_AT_ONCE = 4096  # of an evaluation


class BatchNormOverAxis0(BatchNorm1d):
    """The lecture's bug: of three axes only the first is averaged, so each position has statistics of its own."""

    def _batch_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, var = x.mean(0), x.var(0)  # (T, C) of three axes
        with torch.no_grad():
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        return mean, var


def by_windows(learner: WindowLearner, chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
    """The logits of the distinct contexts, in slices, by the layers themselves: statistics by position have no folded
    form."""
    contexts = torch.from_numpy(ids_of(chunks, cast(ModelConfig, learner.model.config))[-1])  # (n, T)
    with evaluation_mode(learner.model):
        for start in range(0, len(contexts), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            yield part, learner.model(contexts[part]).numpy()


def run(recipe: str, *, bug: bool, seed: int) -> StringModel:
    """The trained model of one row."""
    with ExitStack() as stack:
        if bug:
            stack.enter_context(patch("wavemore.nn.wavenet.BatchNorm1d", BatchNormOverAxis0))
            stack.enter_context(patch.object(WindowLearner, "chunk_logits", by_windows))
        # What a file remembers of its list needs the folded form too, and no figure depends on it.
        model = StringModel(recipe, seed=seed, settings={"data.remember": False})
        return model.fit(provenance.names_txt(), progress=True)


def spread(values: list[float]) -> str:
    """One value as it is, several as median and range."""
    if len(values) == 1:
        return f"{values[0]:.10f}"
    return f"{statistics.median(values):.4f} ({min(values):.4f} to {max(values):.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description="The lecture's performance log, run again.")
    parser.add_argument("--only", help="run the rows of this recipe alone")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42], help="several give the median and the range")
    options = parser.parse_args()
    lines = [
        "# The lecture's performance log, run again",
        "",
        f"names.txt, split K, nats per character; seeds {', '.join(map(str, options.seeds))}, one run each.",
        "",
        "| model | parameters | train | published | validation | published | difference | seconds a run |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    worst = 0.0
    for recipe, bug, what, *published in PUBLISHED:
        if options.only not in (None, recipe):
            continue
        start = time.perf_counter()
        models = [run(recipe, bug=bug, seed=seed) for seed in options.seeds]
        seconds = (time.perf_counter() - start) / len(models)
        measured = [[m.file_.provenance["losses"][part] for m in models] for part in ("train", "validation")]
        difference = max(abs(statistics.median(m) - p) for m, p in zip(measured, published, strict=True))
        worst = max(worst, difference)
        lines.append(
            f"| {what} | {models[0].file_.parameter_count:,} | {spread(measured[0])} | {published[0]} "
            f"| {spread(measured[1])} | {published[1]} | {difference:.7f} | {seconds:.0f} |"
        )
        print(lines[-1], flush=True)
    verdict = "Every row is within" if worst <= TOLERANCE else "Not every row is within"
    lines += ["", f"{verdict} {TOLERANCE} of the published one; the largest difference is {worst:.7f}.", ""]
    name = "performance-log" + (f"-{options.only}" if options.only else "")
    provenance.write(name, "\n".join([*lines, provenance.table(), ""]))


if __name__ == "__main__":
    main()
