"""Comparisons and studies on real clusters of Ray: the figures and the folder of one machine, whichever worker makes a
run and when one of them dies; what was stopped goes on, and what goes wrong is one sentence.

Skipped where Ray is not installed; `make slow` installs it."""

import json
import os
import signal
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from clusters import cluster
from compared import TINY, WILD, losses
from interrupted import stopped
from tiny import tiny_strings

from wavemore.comparison.making import Made, Making, Order, made
from wavemore.comparison.running import compare
from wavemore.errors import UsageError
from wavemore.lists.corpus import Corpus, read_corpus
from wavemore.study import study
from wavemore.study.running import RUNS
from wavemore.tasks.on_ray import ray_engine

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of Ray's own
pytest.importorskip("ray")

ROWS = ["tiny.toml", "wild.toml", "ngram", "other.toml", "pupil.toml"]
CLAIM: dict[str, Any] = {"quick": True, "claims": ["information"], "settings": {"train.steps": 2}}
CHANGING = {"seconds", "hardware", "versions", "date", "measured"}


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A list, and the recipes of `ROWS` where the driver stands."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    Path("other.toml").write_text(TINY.replace("hidden = 8", "hidden = 6"))
    Path("pupil.toml").write_text(f'{TINY}teacher = "tiny.toml"\n')
    Path("wild.toml").write_text(WILD if find_spec("torch") else WILD.replace('form = "windowed"\n', ""))
    Path("list.txt").write_text("\n".join(tiny_strings(300)))
    return read_corpus("list.txt")


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in CHANGING}


def folder_of(path: str) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """The records of a comparison's folder, in their order, and its other files' bytes."""
    lines = (Path(path) / "compare.jsonl").read_text().removesuffix("\n").split("\n")
    others = {file.name: file.read_bytes() for file in Path(path).iterdir() if file.suffix != ".jsonl"}
    return [without_times(json.loads(line)) for line in lines], others


def runs_of(folder: Path) -> dict[str, dict[str, Any]]:
    """A study's finished runs."""
    return {path.name: without_times(json.loads(path.read_text())) for path in (folder / RUNS).iterdir()}


@pytest.mark.parametrize("nodes", [(1,), (1, 1), (2, 2)], ids=str)
def test_a_comparison_is_the_same_on_any_nodes(corpus, nodes):
    here = compare(corpus, ROWS, seeds=(0, 1), keep="here", test=True)
    with cluster(*nodes) as address:
        there = compare(corpus, ROWS, seeds=(0, 1), keep="there", test=True, on=f"ray={address}")
        said: list[str] = []
        again = compare(corpus, ROWS, seeds=(0, 1), keep="there", test=True, on=f"ray={address}", remark=said.append)
    assert losses(there) == losses(here) == losses(again)
    assert [result.problems for result in there.results] == [result.problems for result in here.results]
    assert there.results[1].problems[0].startswith("seed 0: the ")
    assert folder_of("there") == folder_of("here")
    assert sum(": taken from there, " in sentence for sentence in said) == 7
    assert all(one.seconds is not None and one.measured for one in there.results[0].runs)


def test_a_study_is_the_same_on_two_nodes(corpus, tmp_path):
    here = study(corpus, tmp_path / "here", processes=1, **CLAIM)
    with cluster(1, 1) as address:
        there = study(corpus, tmp_path / "there", on=f"ray={address}", **CLAIM)
    assert there.claims[0].findings == here.claims[0].findings
    assert runs_of(tmp_path / "there") == runs_of(tmp_path / "here")
    assert len(runs_of(tmp_path / "there")) == 40


def dying(marker: Path, title: str, *, always: bool = False) -> Callable[[Making, Order], Made]:
    """`made`, whose worker dies in the midst of a run, once or always."""

    def dies(making: Making, order: Order) -> Made:
        if order.title.startswith(title) and (always or not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return made(making, order)

    return dies


def test_a_worker_that_dies_changes_nothing(corpus, tmp_path, monkeypatch):
    whole = compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1), keep="here")
    monkeypatch.setattr("wavemore.comparison.running.made", dying(tmp_path / "died", "other, seed 0"))
    with cluster(2) as address:
        found = compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1), keep="there", on=f"ray={address}")
    assert (tmp_path / "died").exists()
    assert losses(found) == losses(whole)
    assert folder_of("there") == folder_of("here")


def test_a_run_whose_workers_all_die_fails_and_the_others_go_on(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("wavemore.comparison.running.made", dying(tmp_path / "died", "other, seed 0", always=True))
    with cluster(2) as address:
        found = compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1), on=f"ray={address}")
    assert [len(result.runs) for result in found.results] == [2, 1]
    assert found.results[1].problems == [
        "seed 0: a worker of Ray died 6 times over the same task, perhaps for want of memory; let fewer tasks run on "
        "each machine (ray start --num-cpus), or take machines with more"
    ]


def test_ctrl_c_keeps_finished_runs_of_a_comparison(corpus):
    long = TINY.replace("steps = 30", "steps = 200_000")
    Path("long.toml").write_text(long)
    code, said = stopped(
        "compare list.txt tiny.toml long.toml --seeds 2 --keep kept --on ray", Path("kept/compare.jsonl").exists
    )
    assert code == 130, said
    assert said.endswith("stopped; what was done is kept in kept, and the same command goes on with it\n")
    records, _ = folder_of("kept")
    assert {record["row"] for record in records} == {"tiny"}
    assert not [path for path in Path("kept").iterdir() if path.suffix not in (".jsonl", ".safetensors")]
    remarks: list[str] = []
    found = compare(corpus, ["tiny.toml"], seeds=(0, 1), keep="kept", on="ray", remark=remarks.append)
    assert sum("taken from kept" in remark for remark in remarks) == len(records)
    assert losses(found) == losses(compare(corpus, ["tiny.toml"], seeds=(0, 1)))


def test_ctrl_c_ends_a_study_after_the_runs_under_way(corpus, tmp_path):
    runs = tmp_path / "out" / RUNS
    line = "study list.txt --quick --claims information --set train.steps=40 -o out --on ray"
    code, said = stopped(line, lambda: runs.exists() and len(list(runs.iterdir())) > 2)
    assert code == 130, said
    assert said.endswith("stopped; what was done is kept in out, and the same command goes on with it\n")
    assert 2 < len(runs_of(tmp_path / "out")) < 40
    options = {**CLAIM, "settings": {"train.steps": 40}}
    found = study(corpus, "out", on="ray", **options)
    assert len(runs_of(tmp_path / "out")) == 40
    assert found.claims[0].findings == study(corpus, "here", processes=1, **options).claims[0].findings


def test_a_worker_of_another_version_is_refused(monkeypatch):
    def a_version(_shared: None, task: str) -> str:  # within the test: workers do not find the tests' modules
        return task

    with cluster(1) as address:
        engine = ray_engine(address)
        assert [one.result() for one in engine(a_version, None, ["a"])] == ["a"]
        monkeypatch.setattr("wavemore.tasks.on_ray.__version__", "9.9")
        for one in engine(a_version, None, ["a"]):
            with pytest.raises(UsageError, match=r"^wavemore is .* on a worker of Ray and 9\.9 here; install the same"):
                one.result()
