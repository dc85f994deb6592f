"""The lecture's performance log, run again: all five rows beside the published numbers. Takes about 20 minutes.

    python benchmarks/performance_log.py [--rows 5] [--only NAME]

The row with the lecture's bug (BatchNorm over axis 0 only) is made here, by a layer of this file's own: the library has
no such option.
"""

import argparse
import time
from unittest.mock import patch

import provenance
import torch
from torch import Tensor

from wavemore.estimator import StringModel
from wavemore.nn import BatchNorm1d

PUBLISHED = [
    # recipe, with the bug, what it is, train, validation
    ("flat-12k", False, "flat, 3 characters, 200 hidden", 2.058, 2.105),
    ("flat-22k", False, "flat, 8 characters, 200 hidden", 1.918, 2.027),
    ("lecture-22k", True, "hierarchical, hidden 68, BatchNorm over axis 0 only (the bug)", 1.941, 2.029),
    ("lecture-22k", False, "hierarchical, hidden 68", 1.912, 2.022),
    ("lecture", False, "hierarchical, embedding 24, hidden 128", 1.7690284252, 1.9936515093),
]
TOLERANCE = 0.005


class BatchNormOverAxis0(BatchNorm1d):
    """The lecture's bug: of three axes only the first is averaged, so each position has statistics of its own."""

    def _batch_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, var = x.mean(0), x.var(0)  # (T, C) of three axes
        with torch.no_grad():
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        return mean, var


def run(recipe: str, *, bug: bool) -> tuple[StringModel, float]:
    """The trained model and the seconds it took."""
    start = time.perf_counter()
    with patch("wavemore.nn.wavenet.BatchNorm1d", BatchNormOverAxis0 if bug else BatchNorm1d):
        model = StringModel(recipe).fit(provenance.names_txt(), progress=True)
    return model, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="run the rows of this recipe alone")
    only = parser.parse_args().only
    lines = [
        "# The lecture's performance log, run again",
        "",
        "names.txt, split K, nats per character. One run a row, with the lecture's seed: the numbers have no spread.",
        "",
        "| model | parameters | train | published | validation | published | largest difference | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    worst = 0.0
    for recipe, bug, what, train, validation in PUBLISHED:
        if only not in (None, recipe):
            continue
        model, seconds = run(recipe, bug=bug)
        losses = model.file_.provenance["losses"]
        difference = max(abs(losses["train"] - train), abs(losses["validation"] - validation))
        worst = max(worst, difference)
        lines.append(
            f"| {what} | {model.file_.parameter_count:,} | {losses['train']:.10f} | {train} "
            f"| {losses['validation']:.10f} | {validation} | {difference:.7f} | {seconds:.0f} |"
        )
        print(lines[-1], flush=True)
    verdict = "within" if worst <= TOLERANCE else "NOT within"
    lines += ["", f"Every row is {verdict} {TOLERANCE} of the published one; the largest difference is {worst:.7f}.", ""]
    provenance.write("performance-log", "\n".join([*lines, provenance.table(), ""]))


if __name__ == "__main__":
    main()
