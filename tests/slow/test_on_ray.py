"""Jobs on real clusters of Ray: the same bytes on any number of workers and nodes; and what goes wrong is one sentence.
Ray Data beside them. Workers that die: `test_dying_workers.py`.

Skipped where Ray is not installed; `make slow` installs it."""

import errno
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from clusters import cluster

from wavemore.cli import run
from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.estimator import StringModel, load
from wavemore.scale.jobs import Done, Job, here, runner_of, sample_job, score_job
from wavemore.scale.with_ray import scored

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of Ray's own
ray = pytest.importorskip("ray")
pyarrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def model() -> StringModel:
    return load()


@pytest.fixture(scope="module")
def data(model, tmp_path_factory) -> Path:
    """Six files of names."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(6):
        names = [*model.sample(4000, seed=number), None, "zoé", ""]
        pq.write_table(pyarrow.table({"id": range(len(names)), "name": names}), folder / f"{number}.parquet")
    return folder


@pytest.fixture(scope="module")
def expected(model, data, tmp_path_factory) -> dict[str, bytes]:
    """What the job writes in one process."""
    folder = tmp_path_factory.mktemp("here")
    assert a_job(data, folder, model).run(here) == Done(6, 0, 24_018)
    return contents(folder)


def a_job(data: Path, folder: Path, model: StringModel) -> Job:
    return score_job(f"{data}/*.parquet", "name", folder, model, percentile=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("nodes", [(1,), (1, 1), (2, 2)], ids=str)
def test_any_number_of_workers_and_nodes_writes_the_same_bytes(model, data, expected, tmp_path, nodes):
    with cluster(*nodes) as address:
        done = a_job(data, tmp_path / "out", model).run(runner_of(f"ray={address}"))
        assert done == Done(6, 0, 24_018)
        assert contents(tmp_path / "out") == expected
        for folder in ("drawn", "here"):
            job = sample_job(300_000, tmp_path / folder, model, seed=5, faithful=True)
            job.run(here if folder == "here" else runner_of(f"ray={address}"))
        assert contents(tmp_path / "drawn") == contents(tmp_path / "here")


def test_what_goes_wrong_on_a_worker_is_one_sentence(model, data, tmp_path):
    pq.write_table(pyarrow.table({"name": ["a"] * 100_000}), tmp_path / "list.parquet")
    job = score_job([tmp_path / "list.parquet"], "name", tmp_path / "out", model)
    (tmp_path / "list.parquet").write_bytes(b"PAR1 cut short PAR1")
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        with cluster(1) as address:
            on = runner_of(f"ray={address}")
            with pytest.raises(CorpusError, match=r"list\.parquet is no Parquet file, or is damaged or cut short"):
                job.run(on)
            assert [path.name for path in (tmp_path / "out").iterdir()] == ["_job.json"]
            if mounted:
                with pytest.raises(FileError) as error:
                    a_job(data, small / "out", model).run(on)
                assert str(error.value).endswith(f": {os.strerror(errno.ENOSPC)}")
                assert str(error.value).startswith(f"cannot write {small / 'out'}")
                assert [path.name for path in (small / "out").iterdir()] == ["_job.json"]
    finally:
        if mounted:
            subprocess.run(["umount", str(small)], check=True)


def test_an_address_where_nothing_answers_is_one_sentence(data, tmp_path, capfd):
    for address, sentence, code in (
        ("127.0.0.1:1", "cannot reach a cluster of Ray at 127.0.0.1:1: Connection refused; is it running there?", 1),
        ("nowhere", '"nowhere" is no address of a cluster; write HOST:PORT, such as 10.0.0.5:6379, or auto', 2),
    ):
        line = ["score", f"{data}/*.parquet", "--column", "name", "-o", str(tmp_path / "out"), "--on", f"ray={address}"]
        assert run(line) == code
        assert capfd.readouterr().err == f"wavemore: {sentence}\n"


def test_paths_are_those_of_whoever_starts_the_job(model, data, expected, tmp_path, monkeypatch):
    """The workers of a cluster stand in the folder that it was started in."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with cluster(1) as address:
        monkeypatch.chdir(data)
        job = score_job("*.parquet", "name", os.path.relpath(tmp_path / "out"), model, percentile=True)
        assert job.run(runner_of(f"ray={address}")) == Done(6, 0, 24_018)
    found = contents(tmp_path / "out")
    assert {k: v for k, v in found.items() if k != "_job.json"} == {
        k: v for k, v in expected.items() if k != "_job.json"
    }


def test_without_an_address_no_cluster_of_others_is_taken(model, data, tmp_path, monkeypatch):
    asked, init = [], ray.init
    monkeypatch.setattr(ray, "init", lambda address, **more: asked.append(address) or init(address, **more))
    job = a_job(data, tmp_path / "out", model)
    assert job.run(runner_of("ray")) == Done(6, 0, 24_018)
    assert asked == ["local"]


def test_the_command_starts_a_cluster_of_its_own(model, data, expected, tmp_path, capfd):
    out = tmp_path / "out"
    line = ["score", f"{data}/*.parquet", "--column", "name", "-o", str(out), "--on", "ray", "--percentile"]
    assert run(line) == 0
    assert capfd.readouterr().err.endswith(f"wavemore: {out}: 24,018 rows were written; parts in all: 6\n")
    assert {k: v for k, v in contents(out).items() if k != "_job.json"} == {
        k: v for k, v in expected.items() if k != "_job.json"
    }


@pytest.mark.parametrize(("workers", "size"), [(1, 6000), (2, 1500), (4, 700)])
def test_ray_data_has_the_models_scores_and_keeps_whole_numbers(model, workers, size):
    names = [*model.sample(5000, seed=9), None, "zoé", ""]
    ids = [2**60 + 1, None, *range(len(names) - 2)]
    parts = [pyarrow.table({"id": ids[a : a + 2000], "name": names[a : a + 2000]}) for a in range(0, 6000, 2000)]
    with cluster(max(2, workers)) as address:
        ray.init(address=address, log_to_driver=False)
        found = scored(ray.data.from_arrow(parts), "name", model, workers=workers, batch_size=size).take_all()
        with pytest.raises(Exception, match="has no column"):  # Ray wraps it in an error of its own
            scored(ray.data.from_arrow(parts), "nam", model).take_all()
        with pytest.raises(Exception, match="the column holds int64 and not strings; name another, or cast it"):
            scored(ray.data.from_arrow(parts), "id", model).take_all()
        with pytest.raises(UsageError, match="there are no such options of a score: percentil"):
            scored(ray.data.from_arrow(parts), "name", model, percentil=True)
    # The order of blocks is Ray's own; a string's score is its own too.
    by_name = {row["name"]: row["log_likelihood"] for row in found}
    assert sorted(row["id"] for row in found if row["id"] is not None) == sorted(i for i in ids if i is not None)
    wanted = model.score_samples(names)
    assert np.array_equal([by_name[name] for name in names if name is not None], wanted[~np.isnan(wanted)])
    assert by_name[None] is None
