"""What a model costs in a service: milliseconds of one call, and memory.

    python benchmarks/service.py [--calls 300]

Each number is the median over calls, and the 5 and 95 % quantiles. Strings are samples of the model, other ones in
each call. Memory is what the process holds more after loading and scoring than after importing NumPy.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import provenance

import wavemore
from wavemore.judging.guessing import Guesses


def resident() -> float:
    """MB that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def milliseconds(call: Callable[[int], object], calls: int) -> str:
    """The median of one call, and how far calls spread."""
    times = []
    for number in range(calls + 5):
        start = time.perf_counter()
        call(number)
        times.append(1e3 * (time.perf_counter() - start))
    low, high = np.quantile(times[5:], [0.05, 0.95])
    return f"{statistics.median(times[5:]):.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description="What a model costs in a service.")
    parser.add_argument("--calls", type=int, default=300)
    calls = parser.parse_args().calls
    before = resident()
    start = time.perf_counter()
    model = wavemore.load()
    loaded = 1e3 * (time.perf_counter() - start)
    model.score_samples(["anna"])
    memory = resident() - before
    strings = model.sample(calls * 10 + 2000, seed=1)
    guesses = Guesses.of(model.distribution_, seed=0)
    rows = {
        "score 1 string": lambda i: model.score_samples(strings[i : i + 1]),
        "score 10 strings": lambda i: model.score_samples(strings[10 * i : 10 * i + 10]),
        "score 1,000 strings": lambda i: model.score_samples(strings[i : i + 1000]),
        "guess number of 1 string": lambda i: guesses.numbers(model.score_samples(strings[i : i + 1])),
        "explain 1 string": lambda i: model.explain(strings[i : i + 1]),
        "sample 1 string": lambda i: model.sample(1, seed=i),
        "sample 20 strings": lambda i: model.sample(20, seed=i),
        "sample 20 strings that begin with an": lambda i: model.sample(20, starts_with="an", seed=i),
    }
    lines = ["# In a service", "", "| the model in the package | milliseconds, median (5 to 95 %) |", "| --- | ---: |"]
    lines += [f"| {what} | {milliseconds(call, calls)} |" for what, call in rows.items()]
    lines += ["", f"Loading takes {loaded:.0f} ms; loaded and used, the model takes {memory:.0f} MB.", ""]
    provenance.write("service", "\n".join([*lines, provenance.table(), ""]))


if __name__ == "__main__":
    main()
