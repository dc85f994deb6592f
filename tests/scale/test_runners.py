"""Jobs on this machine's cores: the same bytes with one process and with several, and when one is killed in the midst;
what goes wrong in one of them is one sentence."""

import errno
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from wavemore.errors import FileError, TrainingError
from wavemore.files import whole_file
from wavemore.scale import runners
from wavemore.scale.jobs import Done, Job, here, runner_of, sample_job, score_job
from wavemore.scale.parts import ScorePart

pyarrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@dataclass(frozen=True)
class DyingPart(ScorePart):
    """A part whose first writer is killed in the midst, and leaves half a file."""

    marker: str = ""

    def write(self, folder: str) -> int:
        if not Path(self.marker).exists():
            Path(self.marker).touch()
            with whole_file(Path(folder) / self.target) as file:
                file.write(b"PAR1 half of it")
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().write(folder)


@dataclass(frozen=True)
class FullPart(ScorePart):
    """A part for which there is no room."""

    def write(self, folder: str) -> int:
        with whole_file(Path(folder) / self.target) as file:
            file.write(b"PAR1")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return 0


@pytest.fixture
def data(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for number in range(4):
        names = ["kolo", None, "bax", f"b{number}", "dede" * number] * 20
        pq.write_table(pyarrow.table({"name": names}), f"data/{number}.parquet")
    return tmp_path


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def with_processes(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let jobs use this number of processes, however small they are."""
    monkeypatch.setattr(runners, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr(runners, "cores", lambda: count)


def test_processes_write_the_same_bytes_as_one(data, tiny_path, monkeypatch):
    job = score_job("data/*.parquet", "name", "one", tiny_path)
    drawn = sample_job(300, "drawn-one", tiny_path, seed=1)
    assert job.run(here) == Done(4, 0, 400)
    with_processes(monkeypatch, 2)
    assert replace(job, folder="two").run(runner_of("here")) == Done(4, 0, 400)
    assert contents("two") == contents("one")
    drawn.run(here)
    replace(drawn, folder="drawn-two").run(runner_of("here"))
    assert contents("drawn-two") == contents("drawn-one")


def test_a_process_that_is_killed_in_the_midst_changes_no_byte(data, tiny_path, monkeypatch):
    job = score_job("data/*.parquet", "name", "one", tiny_path)
    job.run(here)
    with_processes(monkeypatch, 2)
    dying = [DyingPart(**vars(part), marker=str(data / "died")) if i == 1 else part for i, part in enumerate(job.parts)]
    with pytest.raises(TrainingError) as error:
        Job(dying, "two", job.about).run(runner_of("here"))
    assert str(error.value) == (
        "a process of the job was ended from outside, perhaps because memory ran out; what was done is kept, and the "
        "same command goes on with it"
    )
    assert (data / "died").exists()
    assert "1.parquet" not in contents("two")
    done = Job(dying, "two", job.about).run(runner_of("here"))
    assert (done.parts, done.before + done.rows // 100) == (4, 4)
    assert contents("two") == contents("one")


def test_a_full_disk_under_a_process_is_one_sentence(data, tiny_path, monkeypatch):
    job = score_job("data/*.parquet", "name", "out", tiny_path)
    with_processes(monkeypatch, 2)
    with pytest.raises(FileError, match=r"^cannot write .*/out/[01].parquet: No space left on device$"):
        Job([FullPart(**vars(part)) for part in job.parts], "out", job.about).run(runner_of("here"))
    assert not list(Path("out").glob("*.parquet"))
    assert job.run(here) == Done(4, 0, 400)


@pytest.mark.parametrize(("cores", "rows"), [(1, 0), (2, 1 << 20)])
def test_little_work_and_one_core_take_no_process(data, tiny_path, monkeypatch, cores, rows):
    with_processes(monkeypatch, cores)
    monkeypatch.setattr(runners, "_WORTH_PROCESSES", rows)
    monkeypatch.setattr(runners, "processes", None)  # which nobody calls
    assert score_job("data/*.parquet", "name", "out", tiny_path).run(runner_of("here")) == Done(4, 0, 400)
