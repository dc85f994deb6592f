"""Workers of real engines that are killed in the midst, machines too: the engine does their work again elsewhere, and
the result is the same to the bit.

Each is skipped where it is not installed; `make slow` installs all of them."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clusters import cluster, nodes_of

from wavemore.estimator import StringModel, load
from wavemore.files import whole_file
from wavemore.scale import with_ray, with_spark
from wavemore.scale.jobs import Done, Job, here, runner_of, sample_job, score_job
from wavemore.scale.parts import Part, SamplePart, ScorePart
from wavemore.scale.scorer import Scorer

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of the engines' own
pyarrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def model() -> StringModel:
    return load()


@pytest.fixture(scope="module")
def names(model) -> list[str | None]:
    return [*model.sample(6000, seed=3), "zoé", None, "", "Emma"]


@pytest.fixture(scope="module")
def data(names, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for number in range(6):
        pq.write_table(pyarrow.table({"name": names[number::6]}), folder / f"{number}.parquet")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def dying(part: Part, marker: Path, dies: Callable[[], None]) -> Any:
    """The same part, whose first writer is gone in the midst of it. A class in a function goes to workers as a whole,
    wherever they look for modules."""
    kind: Any = type(part)

    @dataclass(frozen=True)
    class Dying(kind):
        def write(self, folder: str) -> int:
            if not marker.exists():
                with whole_file(Path(folder) / self.target) as file:
                    file.write(b"PAR1 half of it")
                    file.flush()
                    dies()
            return kind.write(self, folder)

    fields = {name: value for name, value in vars(part).items() if name in kind.__dataclass_fields__}
    return Dying(**fields)


def killed(marker: Path) -> Callable[[], None]:
    def dies() -> None:
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)

    return dies


@pytest.mark.parametrize("nodes", [(1,), (2,), (1, 1), (2, 2)], ids=str)
@pytest.mark.parametrize("kind", [ScorePart, SamplePart], ids=["score", "sample"])
def test_a_worker_of_a_job_on_ray(model, data, tmp_path, monkeypatch, nodes, kind):
    pytest.importorskip("ray")
    monkeypatch.setattr("wavemore.scale.jobs._BATCHES", 1)
    if kind is ScorePart:
        job = score_job(f"{data}/*.parquet", "name", tmp_path / "one", model)
    else:
        job = sample_job(300_000, tmp_path / "one", model, seed=5, faithful=True)
    job.run(here)
    dies = killed(tmp_path / "died")
    parts = [dying(part, tmp_path / "died", dies) if number == 1 else part for number, part in enumerate(job.parts)]
    with cluster(*nodes) as address:
        done = Job(parts, str(tmp_path / "two"), job.about).run(runner_of(f"ray={address}"))
    assert done == Done(len(parts), 0, sum(part.rows for part in parts))
    assert (tmp_path / "died").exists()
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_a_machine_of_a_job_on_ray(model, data, tmp_path):
    """The whole node on which a part is being written goes away."""
    pytest.importorskip("ray")
    job = score_job(f"{data}/*.parquet", "name", tmp_path / "one", model)
    job.run(here)
    marker = tmp_path / "node"

    def waits() -> None:
        import ray  # pyright: ignore[reportMissingImports]

        marker.with_suffix(".new").write_text(ray.get_runtime_context().get_node_id())
        marker.with_suffix(".new").rename(marker)
        time.sleep(600)

    parts = [dying(part, marker, waits) if number == 1 else part for number, part in enumerate(job.parts)]
    with nodes_of(0, 1, 1) as (started, others):

        def remove() -> None:
            while not marker.exists():
                time.sleep(0.05)
            started.remove_node(others[marker.read_text()], allow_graceful=False)

        thread = threading.Thread(target=remove)
        thread.start()
        done = Job(parts, str(tmp_path / "two"), job.about).run(runner_of(f"ray={started.address}"))
        thread.join()
    assert done == Done(6, 0, 6004)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def dying_scorer(marker: Path) -> type[Scorer]:
    """A `Scorer` of which one, in whatever process, is killed over its second batch."""

    class Dying(Scorer):
        def __call__(self, array: Any) -> Any:
            if len(array) > 10 and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return Scorer.__call__(self, array)

    return Dying


def test_an_actor_of_ray_data(model, names, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(with_ray, "Scorer", dying_scorer(tmp_path / "died"))
    parts = [pyarrow.table({"id": range(a, len(names), 5), "name": names[a::5]}) for a in range(5)]
    with cluster(2) as address:
        ray.init(address=address, log_to_driver=False)
        found = with_ray.scored(ray.data.from_arrow(parts), "name", model, workers=2, batch_size=500).take_all()
    assert (tmp_path / "died").exists()
    values = {row["id"]: row["log_likelihood"] for row in found}
    assert len(found) == len(names)
    assert np.array_equal(in_order(values), model.score_samples(names), equal_nan=True)


def in_order(values: dict[int, float | None]) -> np.ndarray:
    """The values by their ids from 0, NaN for none."""
    return np.array([np.nan if (value := values[i]) is None else value for i in range(len(values))])


@pytest.fixture
def spark() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql")
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else workers are whatever `python3` is
    builder = sql.SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")  # four tries
    session = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "1000").getOrCreate()
    yield session
    session.stop()


def test_a_worker_of_spark(model, names, tmp_path, monkeypatch, spark):
    monkeypatch.setattr(with_spark, "Scorer", dying_scorer(tmp_path / "died"))
    pq.write_table(pyarrow.table({"id": range(len(names)), "name": names}), tmp_path / "people.parquet")
    frame = spark.read.parquet(str(tmp_path / "people.parquet")).repartition(3)
    rows = with_spark.scored(frame, "id", "name", model).collect()
    assert (tmp_path / "died").exists()
    assert len(rows) == len(names)
    values = {row["id"]: row["log_likelihood"] for row in rows}
    assert np.array_equal(in_order(values), model.score_samples(names), equal_nan=True)
