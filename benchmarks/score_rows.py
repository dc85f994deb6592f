"""A large table scored from the command line: seconds, peak memory, and whether its other columns stay byte for byte.

    python benchmarks/score_rows.py [--rows 10000000]

The table has an id, names of names.txt, and a note with quotes, commas and line breaks in quotes. Each row of the
result is a process of its own. Ten million rows take some minutes and 1 GB in the temporary folder.
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import provenance

from wavemore.lists.corpus import read_corpus

HEAD = b"id,name,note\r\n"
NOTES = (b"plain", b'"a, b"', b'"said ""yes"""', '"über\r\nzwei Zeilen"'.encode(), b"", b'"quoted"', b"\xff")


class Run(NamedTuple):
    """What one process took."""

    seconds: float
    processor: float
    """Seconds, of all cores together: what a busy machine does not change."""
    megabytes: float
    """At its peak. The system counts what started the process too, which is smaller."""


def rows(count: int) -> Iterator[tuple[bytes, bytes]]:
    """So many rows without and with their line ends, the same ones each time."""
    draw = random.Random(0)
    names = [name.encode() for name in read_corpus(provenance.names_txt()).strings]
    for number in range(count):
        row = b"%d,%b,%b" % (number, draw.choice(names), NOTES[number % len(NOTES)])
        yield row, b"\n" if number % 5 else b"\r\n"


def write_table(path: Path, count: int) -> None:
    """The table of these rows."""
    with path.open("wb") as file:
        file.write(HEAD)
        for row, end in rows(count):
            file.write(row + end)


def measured(*words: str) -> Run:
    """Run `wavemore score` with these arguments in a process of its own."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "wavemore", "score", *words])
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"wavemore score ended with {child.returncode}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def differences(path: Path, count: int) -> int:
    """How many rows of the result do not begin and end with the bytes that the table has, or lack a value."""
    found = 0
    with path.open("rb") as file:
        if file.readline() != HEAD.replace(b"\r\n", b",log_likelihood,bits_per_character,unknown\r\n"):
            found += 1
        for row, end in rows(count):
            line = b"".join(itertools.islice(file, row.count(b"\n") + 1))
            *values, last = line[len(row) :].split(b",")
            sound = line.startswith(row) and len(values) == 3 and last in (end, b"")
            found += not (sound and last == end and all(float(value) for value in values[1:]))
        found += bool(file.read(1))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="A large table scored from the command line.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the largest table; a tenth is scored as well")
    options = parser.parse_args()
    lines = [
        *("# Scoring the rows of a table", ""),
        "`wavemore score TABLE --column name -o RESULT` with the model in the package; starting and reading it counts.",
        *("", "| rows | input MB | seconds | processor seconds | peak MB | rows that differ |"),
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        table, result = Path(folder) / "table.csv", Path(folder) / "result.csv"
        for count in (max(1, options.rows // 10), options.rows):
            write_table(table, count)
            run = measured(str(table), "--column", "name", "--output", str(result), "--quiet")
            size = table.stat().st_size / 1e6
            wrong = differences(result, count)
            times = f"{run.seconds:.1f} | {run.processor:.1f}"
            row = f"| {count:,} | {size:,.0f} | {times} | {run.megabytes:.0f} | {wrong:,} |"
            lines.append(row)
            print(row, file=sys.stderr, flush=True)
        oddest = measured(str(table), "--column", "name", "--odd", "100", "--output", str(result), "--quiet")
    lines += [
        "",
        f"The 100 least likely of the last (`--odd 100`): {oddest.seconds:.1f} s, {oddest.megabytes:.0f} MB.",
        *("", provenance.table(), ""),
    ]
    provenance.write("score-rows", "\n".join(lines))


if __name__ == "__main__":
    main()
