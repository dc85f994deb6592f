"""Networks that learn on real clusters of Ray: the same bytes as here on any nodes, when a worker or a machine dies,
and when the command is stopped and goes on here or there; what goes wrong is one sentence.

Skipped where Ray is not installed; `make slow` installs it."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import cluster
from compared import TINY
from interrupted import stopped
from tiny import tiny_strings

from wavemore.cli import run
from wavemore.estimator import StringModel
from wavemore.runs.history import read_history
from wavemore.settings.config import Recipe
from wavemore.tasks.task import LostError
from wavemore.train import as_tasks

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of Ray's own
pytest.importorskip("ray")

SETTINGS: dict[str, Any] = {"model.members": 3, "model.ngram": 3, "train.average": 0.2, "train.steps": 200}
LONG = TINY.replace("steps = 30", "steps = 5000").replace("evaluate_every = 10", "evaluate_every = 500")
TRAIN = "train list.txt --recipe long.toml --set model.members=2 -o m.safetensors -q"

KEPT = "the run is kept in m.safetensors.checkpoint, and the same command with --resume goes on with it"
STOPPED = f"wavemore: stopped; {KEPT}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the driver stands."""
    monkeypatch.chdir(tmp_path)
    Path("teacher.toml").write_text(TINY.replace("hidden = 8", "hidden = 8\nmembers = 2"))
    Path("long.toml").write_text(LONG)
    Path("list.txt").write_text("\n".join(tiny_strings(300)))
    return tmp_path


@pytest.fixture
def nodes() -> Iterator[str]:
    """The address of a cluster of two nodes with a CPU each; of one test, since clusters beside it disturb it."""
    with cluster(1, 1) as address:
        yield address


def work(do: Callable[[], None] = lambda: None) -> Callable[[Any, Any], Any]:
    """The work of a task that is a tenth of a second long, after something else was done in the worker."""

    def short(place: Any, portion: Any) -> Any:
        from wavemore.train import as_tasks

        as_tasks._SECONDS = 0.1
        do()
        return as_tasks._pass(place, portion)

    return short


def fitted(on: str = "here", **of: Any) -> bytes:
    """The file of a model whose teacher has two networks and itself three."""
    recipe = Recipe.from_dict({}).with_settings({"train.teacher": "teacher.toml", **SETTINGS})
    model = StringModel(recipe).fit("list.txt", on=on, **of)
    model.save("found.safetensors")
    return Path("found.safetensors").read_bytes()


def same_as_here(address: str) -> None:
    """The model's file is, and its history but for times."""
    assert fitted(f"ray={address}", record="there.jsonl") == fitted(record="here.jsonl")
    for one, other in zip(read_history("here.jsonl"), read_history("there.jsonl"), strict=True):
        assert one.role == other.role
        assert len(one.written) == len(other.written)


def test_a_model_is_the_same_on_two_nodes(nodes, monkeypatch):
    monkeypatch.setattr(as_tasks, "_pass", work())
    same_as_here(nodes)


@pytest.mark.parametrize("cpus", [(1,), (2, 2)], ids=str)
def test_a_model_is_the_same_on_other_nodes(cpus, monkeypatch):
    monkeypatch.setattr(as_tasks, "_pass", work())
    with cluster(*cpus) as address:
        same_as_here(address)


def test_without_an_address_a_cluster_is_started_here():
    recipe = Recipe.from_dict({}).with_settings({"train.steps": 20})
    here, there = (StringModel(recipe).fit("list.txt", on=on) for on in ("here", "ray"))
    assert there.score_samples(tiny_strings(300)).tolist() == here.score_samples(tiny_strings(300)).tolist()


def dying(marker: Path, *, always: bool = False) -> Callable[[], None]:
    """A worker dies the third time that it is asked to work, or always from then on."""

    def die() -> None:
        number = len(list(marker.iterdir()))
        (marker / str(number)).touch()
        if number == 2 or (always and number > 2):
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def test_a_worker_that_dies_changes_nothing(folder, nodes, monkeypatch):
    here = fitted()
    (died := folder / "died").mkdir()
    monkeypatch.setattr(as_tasks, "_pass", work(dying(died)))
    assert fitted(f"ray={nodes}") == here
    assert len(list(died.iterdir())) > 3


def test_where_all_workers_die_the_run_is_kept(folder, nodes, monkeypatch):
    here = fitted()
    (died := folder / "died").mkdir()
    monkeypatch.setattr(as_tasks, "_pass", work(dying(died, always=True)))
    with pytest.raises(LostError) as error:
        fitted(f"ray={nodes}", checkpoint="run.checkpoint")
    assert str(error.value) == (
        "a worker of Ray died 6 times over the same task, perhaps for want of memory; let fewer tasks run on each "
        "machine (ray start --num-cpus), or take machines with more"
    )
    assert fitted(checkpoint="run.checkpoint", resume=True) == here


def test_a_machine_that_is_lost_changes_nothing(folder, monkeypatch):
    from ray.cluster_utils import Cluster  # pyright: ignore[reportMissingImports]

    here = fitted()
    monkeypatch.setattr(as_tasks, "_pass", work())
    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = started.add_node(num_cpus=1)
        lost: list[bool] = []

        class Losing:
            """A sink that has a machine end when the tenth record comes."""

            records = 0

            def begin(self, about: dict[str, Any], done: Any) -> float:
                return 0.0

            def write(self, record: dict[str, Any]) -> None:
                self.records += 1
                if self.records > 10 and not lost:
                    lost.append(True)
                    started.remove_node(second, allow_graceful=False)

            def close(self) -> None: ...

        monkeypatch.setattr("wavemore.fitting._sinks", lambda *_: [Losing()])
        assert fitted(f"ray={started.address}") == here
        assert lost
    finally:
        import ray  # pyright: ignore[reportMissingImports]

        ray.shutdown()
        started.shutdown()


def test_ctrl_c_loses_nothing(nodes, capfd):
    code, said = stopped(f"{TRAIN} --on ray={nodes}", Path("m.safetensors.checkpoint").exists)
    assert (code, said.endswith(STOPPED)) == (130, True), said
    assert not Path("m.safetensors").exists()
    assert run([*TRAIN.split(), "--resume", "--on", f"ray={nodes}"]) == 0
    there = Path("m.safetensors").read_bytes()
    assert run([*TRAIN.split(), "--force"]) == 0
    assert Path("m.safetensors").read_bytes() == there


def test_ctrl_c_reaches_no_cluster_that_was_started_here(capfd):
    """It reaches all processes of a terminal; what was stopped goes on without one."""
    code, said = stopped(f"{TRAIN} --on ray", Path("m.safetensors.checkpoint").exists)
    assert (code, said.endswith(STOPPED)) == (130, True), said
    assert run([*TRAIN.split(), "--resume"]) == 0
    there = Path("m.safetensors").read_bytes()
    assert run([*TRAIN.split(), "--force"]) == 0
    assert Path("m.safetensors").read_bytes() == there


def test_an_address_without_a_cluster_is_one_sentence(capfd):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        assert run([*TRAIN.split(), "--on", f"ray=127.0.0.1:{port}"]) == 1
    assert capfd.readouterr().err == (
        f"wavemore: cannot reach a cluster of Ray at 127.0.0.1:{port}: Connection refused; is it running there?\n"
    )
    assert not Path("m.safetensors.checkpoint").exists()
