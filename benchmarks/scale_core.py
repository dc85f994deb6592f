"""Rows a second of one core that scores a Parquet file, in processor seconds: `wavemore score`, and a job's worker.

    python benchmarks/scale_core.py [--rows 262144] [--rounds 3]

The model in the package, and the two kinds of columns of `scale.py`. All runs in this process on one thread, once
before it counts, so that neither start-up nor imports count. Processor seconds hold on a busy machine as well, but for
the caches that processes share; wall seconds, several workers and Ray are measured by `scale.py`. Needs the extra
parquet; takes about a minute.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported

import provenance
import pyarrow
from scale import write_files

from wavemore.cli import run
from wavemore.lists.corpus import read_corpus
from wavemore.scale.jobs import here, score_job
from wavemore.threads import use_cores


def by_score(source: Path, out: Path) -> None:
    """The command."""
    words = ["score", f"{source}.parquet", "--column", "name", "--output", f"{out}.parquet", "--quiet"]
    assert run(words) == 0


def by_worker(source: Path, out: Path) -> None:
    """What a worker does with the same file."""
    assert score_job(f"{source}.parquet", "name", out).run(here).parts == 1


WAYS: dict[str, Callable[[Path, Path], None]] = {"`wavemore score`": by_score, "a worker of a job": by_worker}


def seconds(way: Callable[[Path, Path], None], source: Path, out: Path) -> float:
    """Of the processor. What was written is removed."""
    start = time.process_time()
    way(source, out)
    taken = time.process_time() - start
    shutil.rmtree(out, ignore_errors=True)
    Path(f"{out}.parquet").unlink(missing_ok=True)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description="Rows a second of one core that scores a Parquet file.")
    parser.add_argument("--rows", type=int, default=1 << 18, help="of each kind of column")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    use_cores(1)
    pyarrow.set_cpu_count(1)
    names, kinds = list(read_corpus(provenance.names_txt()).strings), ("list", "drawn")
    taken: dict[tuple[str, str], list[float]] = {(kind, way): [] for kind in kinds for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            write_files(Path(folder), kind, options.rows, names)
        for number in range(options.rounds + 1):
            for (kind, way), found in taken.items():
                one = seconds(WAYS[way], Path(folder) / kind, Path(folder) / "out")
                if number:
                    found.append(one)
    lines = [
        *("# One core that scores a Parquet file", ""),
        f"{options.rows:,} rows; {options.rounds} rounds, in turns; rows a second of the processor, median and range.",
        *("", "| column | way | rows a second | range |", "| --- | --- | ---: | ---: |"),
    ]
    for (kind, way), found in taken.items():
        rates = sorted(options.rows / one for one in found)
        lines.append(f"| {kind} | {way} | {statistics.median(rates):,.0f} | {rates[0]:,.0f} to {rates[-1]:,.0f} |")
    provenance.write("scale-core", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
