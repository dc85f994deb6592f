"""Rows a second of scoring Parquet files: today's `score`, a job in one process, and a job on Ray with one and two
workers; and whether all of them write the same.

    python benchmarks/scale.py [--rows 4000000]

Two kinds of columns, of the model in the package: `list` has names of names.txt over and over, as a column of a large
table has them; `drawn` has what the model draws, of which most rows are distinct. Needs the extras parquet and ray, two
cores that do nothing else, and 1 GB in the temporary folder; takes some minutes.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import provenance
import pyarrow
import pyarrow.parquet as pq
from score_rows import measured

from wavemore.estimator import load
from wavemore.lists.corpus import read_corpus
from wavemore.scale.jobs import runner_of, score_job

FILES = 8
GROUP = 1 << 17  # rows of a row group, as most writers make them


class Run(NamedTuple):
    """What one way of scoring took."""

    seconds: float
    processor: float | None
    """Seconds of all cores together; None where other processes work, whose seconds nobody counts."""
    megabytes: float | None
    """At its peak."""


def write_files(folder: Path, kind: str, rows: int) -> None:
    """The files of a kind, the same ones each time."""
    folder.mkdir()
    draw, known = random.Random(0), read_corpus(provenance.names_txt()).strings
    drawn = load().sample(rows, seed=1) if kind == "drawn" else draw.choices(known, k=rows)
    each = -(-rows // FILES)
    for number in range(FILES):
        names = drawn[number * each : (number + 1) * each]
        table = pyarrow.table({"id": pyarrow.array(range(len(names)), "int32"), "name": names})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=GROUP)


def process(*words: str) -> Run:
    """Run `wavemore score` with these arguments in a process of its own."""
    found = measured(*words, "--quiet")
    return Run(found.seconds, found.processor, found.megabytes)


@contextmanager
def cluster(cpus: int) -> Iterator[str]:
    """The address of a cluster on this machine, with a worker for each of so many CPUs."""
    import ray  # pyright: ignore[reportMissingImports]
    from ray.cluster_utils import Cluster  # pyright: ignore[reportMissingImports]

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus, "include_dashboard": False})
    try:
        ray.init(address=started.address, log_to_driver=False, logging_level="ERROR")
        warm = ray.remote(num_cpus=1)(lambda: __import__("wavemore.scale.jobs"))
        ray.get([warm.remote() for _ in range(4 * cpus)])  # workers that have imported what they need
        yield started.address
    finally:
        ray.shutdown()
        started.shutdown()


def on_ray(workers: int, sources: str, folder: Path) -> Run:
    """A job on a cluster that stands; starting it is not counted."""
    with cluster(workers) as address:
        start = time.perf_counter()
        score_job(sources, "name", folder).run(runner_of(f"ray={address}"))
        return Run(time.perf_counter() - start, None, None)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def of_kind(kind: str, rows: int, root: Path) -> list[str]:
    """The rows of the table for one kind of column."""
    data, whole = root / kind, root / f"{kind}.parquet"
    write_files(data, kind, rows)
    pq.write_table(pq.read_table(data), whole, row_group_size=GROUP)
    sources, lines, results = f"{data}/*.parquet", [], []
    ways: dict[str, Callable[[Path], Run]] = {
        "`score`, one file": lambda out: process(str(whole), "--column", "name", "--output", f"{out}.parquet"),
        "`--on here`": lambda out: process(sources, "--column", "name", "--output", str(out), "--on", "here"),
        "`--on ray`, 1 worker": lambda out: on_ray(1, sources, out),
        "`--on ray`, 2 workers": lambda out: on_ray(2, sources, out),
    }
    for number, (name, way) in enumerate(ways.items()):
        out = root / f"{kind}-{number}"
        run = way(out)
        if number:
            results.append(contents(out))
        others: list[Any] = [run.processor and f"{run.processor:.1f}", run.megabytes and f"{run.megabytes:.0f}"]
        shown = " | ".join("" if value is None else value for value in others)
        lines.append(f"| {kind} | {name} | {run.seconds:.1f} | {rows / run.seconds:,.0f} | {shown} |")
        print(lines[-1], file=sys.stderr, flush=True)
    columns = ["name", "log_likelihood", "bits_per_character", "unknown"]
    one = pq.read_table(f"{root / kind}-0.parquet", columns=columns)
    parts = pq.read_table([f"{root / kind}-1/{n}.parquet" for n in range(FILES)], columns=columns)
    same = one.equals(parts) and all(result == results[0] for result in results[1:])
    return [*lines, f"| {kind} | the same values and bytes | {'yes' if same else 'NO'} | | | |"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Rows a second of scoring Parquet files.")
    parser.add_argument("--rows", type=int, default=4_000_000)
    options = parser.parse_args()
    lines = [
        *("# Scoring many Parquet files", ""),
        f"{options.rows:,} rows in {FILES} files, the model in the package. Starting and reading the model counts; "
        "starting a cluster does not.",
        *("", "| column | way | seconds | rows a second | processor seconds | peak MB |"),
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("list", "drawn"):
            lines += of_kind(kind, options.rows, Path(folder))
    provenance.write("scale", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
