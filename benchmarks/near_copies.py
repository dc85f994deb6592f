"""What it costs to keep samples two edits or more from a list, and whether they are.

    python benchmarks/near_copies.py [-n 100000] [--rounds 5]

Samples of the model in the package, in turns: as they come, new ones, and ones with `distance=2`. Seconds are processor
time. "Drawn" is how many strings were drawn for them; the last row draws as many strings as `distance=2` does and keeps
all of them, so it says what drawing alone takes. Each string is then compared with every string of the list that is at
most one character longer or shorter, by the textbook's dynamic programming, over all those strings at once.
"""

import argparse
import statistics
import time
from typing import Any

import numpy as np
import provenance

import wavemore
from wavemore.sampling.wish import Wish


def nearest(string: str, tables: dict[int, np.ndarray]) -> int:
    """The least distance from a string to strings of nearly its length, as code points in rows by length."""
    least = 99
    for length, rows in tables.items():
        if abs(length - len(string)) > 1:
            continue
        row = [np.full(len(rows), j) for j in range(length + 1)]
        for i, character in enumerate(map(ord, string), 1):
            before, row = row, [np.full(len(rows), i)]
            for j in range(1, length + 1):
                changed = before[j - 1] + (rows[:, j - 1] != character)
                row.append(np.minimum(np.minimum(before[j], row[-1]) + 1, changed))
        least = min(least, int(row[-1].min()))
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description="What a distance costs, and whether it holds.")
    parser.add_argument("-n", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--checked", type=int, default=3000, help="strings that are compared with the whole list")
    options = parser.parse_args()
    model, names = wavemore.load(), sorted(set(wavemore.read_corpus("names").strings))
    tables = {n: np.array([[*map(ord, s)] for s in names if len(s) == n]) for n in set(map(len, names))}
    far: list[str] = []
    ways: dict[str, dict[str, Any]] = {"as they come": {}, "new": {"new": True}, "distance 2": {"distance": 2}}
    seconds: dict[str, list[float]] = {way: [] for way in [*ways, "as many drawn"]}
    drawn: dict[str, int] = {}
    for seed in range(options.rounds):
        for way in seconds:
            n = drawn["distance 2"] if way == "as many drawn" else options.n
            start = time.process_time()
            samples = Wish(**ways.get(way, {})).samples(model.file_, model.distribution_, n, seed=seed)
            found = list(samples)
            seconds[way].append(time.process_time() - start)
            drawn[way] = samples.tried
            far = found if way == "distance 2" else far
    some = far[:: max(1, len(far) // options.checked)]
    near = [s for s in some if nearest(s, tables) < 2]
    plain = statistics.median(seconds["as they come"])
    lines = [
        "# A distance from the list",
        "",
        f"{options.n:,} samples of the model in the package, {options.rounds} rounds in turns, medians with the range.",
        "",
        "| samples | drawn | processor seconds | times | microseconds a drawn string |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for way, took in seconds.items():
        middle = statistics.median(took)
        lines.append(
            f"| {way} | {drawn[way]:,} | {middle:.2f} ({min(took):.2f} to {max(took):.2f}) | {middle / plain:.2f} "
            f"| {1e6 * middle / drawn[way]:.1f} |"
        )
    lines += ["", f"Of {len(some):,} samples with distance 2 that were compared with the list, {len(near)} are nearer."]
    provenance.write("near-copies", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
