"""Rows a second of scoring Parquet files: today's `score` on one file, a job on this machine, and a job on Ray with one
and two workers; whether all of them write the same; and how much of a second worker's time is won.

    python benchmarks/scale.py [--rows 1000000] [--rounds 3]

Two models: the lecture's with 76,579 parameters, trained here on names.txt, and the one in the package. Two kinds of
columns: `list` has names of names.txt over and over, as a column of a large table has them; `drawn` has what the model
in the package draws, of which most rows are distinct. The ways take turns, so that a slow minute of the machine falls
on all of them. Needs the extras parquet and ray, two cores that do nothing else, and 1 GB in the temporary folder;
takes about six minutes.
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import provenance
import pyarrow
import pyarrow.parquet as pq
from page import TAUGHT
from score_rows import measured

from wavemore.estimator import fit, load
from wavemore.lists.corpus import read_corpus
from wavemore.scale.jobs import runner_of, score_job

FILES = 8
GROUP = 1 << 17  # rows of a row group, as most writers make them
SCORE, HERE, ONE, TWO = "`score`, one file", "`--on here`", "`--on ray`, 1 worker", "`--on ray`, 2 workers"
WAYS = [SCORE, HERE, ONE, TWO]
ADDED = ["log_likelihood", "bits_per_character", "unknown"]


class Task(NamedTuple):
    """What is scored by what."""

    model: str
    kind: str


class Run(NamedTuple):
    """What one way of scoring took."""

    seconds: float
    processor: float
    """Seconds of all cores together: of the process and those that it started, or of Ray's workers alone."""
    beside: float | None = None
    """On Ray: processor seconds of everything else, the driver and Ray's own processes."""


Runs = dict[tuple[Task, str], list[Run]]


def write_files(folder: Path, kind: str, rows: int, names: Sequence[str]) -> None:
    """The files of a kind, and all of them as one file; the same ones each time."""
    (folder / kind).mkdir()
    drawn = load().sample(rows, seed=1) if kind == "drawn" else random.Random(0).choices(names, k=rows)
    each = -(-rows // FILES)
    for number in range(FILES):
        strings = drawn[number * each : (number + 1) * each]
        table = pyarrow.table({"id": pyarrow.array(range(len(strings)), "int32"), "name": strings})
        pq.write_table(table, folder / kind / f"{number}.parquet", row_group_size=GROUP)
    pq.write_table(pq.read_table(folder / kind), folder / f"{kind}.parquet", row_group_size=GROUP)


def in_a_process(model: str, *words: str) -> Run:
    """`wavemore score` with these arguments in a process of its own. Starting it and reading the model counts."""
    found = measured(*([model] if model else []), *words, "--column", "name", "--quiet")
    return Run(found.seconds, found.processor)


@contextmanager
def cluster(cpus: int) -> Iterator[str]:
    """The address of a cluster on this machine, with this number of CPUs and a worker for each. Starting it does not
    count."""
    import ray  # pyright: ignore[reportMissingImports]
    from ray.cluster_utils import Cluster  # pyright: ignore[reportMissingImports]

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus, "include_dashboard": False})
    try:
        ray.init(address=started.address, log_to_driver=False, logging_level="ERROR")
        with tempfile.TemporaryDirectory() as folder:  # a small job, so that workers have imported what they need
            for number in range(4 * cpus):
                pq.write_table(pyarrow.table({"name": ["anna"] * 50_000}), f"{folder}/{number}.parquet")
            on_ray(started.address, "", f"{folder}/*.parquet", Path(folder) / "out")
        yield started.address
    finally:
        ray.shutdown()
        started.shutdown()


def processor_seconds() -> tuple[float, float]:
    """Of Ray's workers, and of this process and all others that it has started, so far."""
    parents, spent, titles = {}, {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, fields = path.joinpath("stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it has ended
            continue
        values = fields.split()
        number = int(path.name)
        parents[number], titles[number] = int(values[1]), name
        spent[number] = (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")
    workers, others = 0.0, 0.0
    for number, seconds in spent.items():
        above = number
        while above not in (0, os.getpid()):
            above = parents.get(above, 0)
        if above:
            is_worker = titles[number].startswith("ray::") and "IDLE_S" not in titles[number]
            workers, others = (workers + seconds, others) if is_worker else (workers, others + seconds)
    return workers, others


def on_ray(address: str, model: str, sources: str, folder: Path) -> Run:
    """A job on a cluster that stands."""
    before, start = processor_seconds(), time.perf_counter()
    score_job(sources, "name", folder, model or None).run(runner_of(f"ray={address}"))
    seconds, after = time.perf_counter() - start, processor_seconds()
    return Run(seconds, after[0] - before[0], after[1] - before[1])


def contents(folder: Path) -> dict[str, bytes]:
    """The parts, without what the folder says of the job."""
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


class Round:
    """Every way once with every task, and whether all of them wrote the same."""

    def __init__(self, root: Path, models: dict[str, str], runs: Runs) -> None:
        self.root, self.models, self.runs = root, models, runs
        self.tasks = [Task(model, kind) for model in models for kind in ("list", "drawn")]
        self.parts: dict[Task, dict[str, bytes]] = {}

    def all(self) -> bool:
        same = True
        for cpus, way in ((1, ONE), (2, TWO)):
            with cluster(cpus) as address:
                for task in self.tasks:
                    sources, out = f"{self.root / task.kind}/*.parquet", self.root / "out"
                    self.note(task, way, on_ray(address, self.models[task.model], sources, out))
                    same &= self.agreed(task, out)
        for task in self.tasks:
            model, data, out = self.models[task.model], self.root / task.kind, self.root / "out"
            self.note(task, HERE, in_a_process(model, f"{data}/*.parquet", "--on", "here", "--output", str(out)))
            one = self.root / "out.parquet"
            self.note(task, SCORE, in_a_process(model, f"{data}.parquet", "--output", str(one)))
            parts = pq.read_table([out / f"{number}.parquet" for number in range(FILES)], columns=ADDED)
            same &= pq.read_table(one, columns=ADDED).equals(parts)
            same &= self.agreed(task, out)
        return same

    def note(self, task: Task, way: str, run: Run) -> None:
        self.runs[task, way].append(run)
        print(task, way, run, file=sys.stderr, flush=True)

    def agreed(self, task: Task, out: Path) -> bool:
        """Whether these parts are those of the ways before; they are removed."""
        found = contents(out)
        shutil.rmtree(out)
        return self.parts.setdefault(task, found) == found


def table(runs: Runs, rows: int) -> list[str]:
    """The rows of the table: medians and ranges."""
    lines = [
        "| model | column | way | rows a second | range | times `score` | processor seconds per million |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for (task, way), found in sorted(runs.items(), key=lambda one: (one[0][0], WAYS.index(one[0][1]))):
        rates = sorted(rows / run.seconds for run in found)
        usual = statistics.median(run.seconds for run in runs[task, SCORE])
        times = usual / statistics.median(run.seconds for run in found)
        spent = statistics.median(run.processor + (run.beside or 0) for run in found) / rows * 1e6
        cells = [task.model, task.kind, way, f"{statistics.median(rates):,.0f}", f"{rates[0]:,.0f} to {rates[-1]:,.0f}"]
        cells += [f"{times:.2f}", f"{spent:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def efficiency(runs: Runs) -> list[str]:
    """What a second worker wins. Beside the workers run the driver and Ray's own processes, which with two workers on
    two cores take their time from these."""
    lines = [
        "| model | column | efficiency of two workers | beside the workers, cores | workers' seconds, two to one |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for task in sorted({task for task, _ in runs}):
        one, two = runs[task, ONE], runs[task, TWO]
        seconds, processor = (
            [statistics.median(getattr(run, name) for run in found) for found in (one, two)]
            for name in ("seconds", "processor")
        )
        beside = statistics.median((run.beside or 0) / run.seconds for run in two)
        share = f"{seconds[0] / (2 * seconds[1]):.0%}"
        lines.append(f"| {task.model} | {task.kind} | {share} | {beside:.2f} | {processor[1] / processor[0]:.2f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Rows a second of scoring Parquet files.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each kind of column")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    names = list(read_corpus(provenance.names_txt()).strings)
    runs: Runs = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        taught = fit(names, recipe="fast", settings=TAUGHT)
        taught.save(root / "taught.safetensors")
        models = {f"{taught.file_.parameter_count:,}": str(root / "taught.safetensors"), "default": ""}
        for kind in ("list", "drawn"):
            write_files(root, kind, options.rows, names)
        same = [Round(root, models, runs).all() for _ in range(options.rounds)]
    lines = [
        *("# Scoring many Parquet files", ""),
        f"{options.rows:,} rows in {FILES} files, on two cores; medians of {options.rounds} rounds, in turns. Starting "
        "the process and reading the model counts; starting a cluster does not.",
        *("", *table(runs, options.rows), ""),
        f"All ways wrote the same values, and all jobs the same bytes: {'yes' if all(same) else 'NO'}.",
        *("", *efficiency(runs), "", provenance.table(), ""),
    ]
    provenance.write("scale", "\n".join(lines))


if __name__ == "__main__":
    main()
