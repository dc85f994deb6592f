"""`wavemore train --on ray`: the same file as without it, the same lines, and what is kept when it is stopped."""

import re
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from command_line import WRONG_USAGE

from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.progress import TrainingProgress
from wavemore.runs.history import read_history

THREE = (
    "train list.txt --recipe tiny.toml --set model.members=3 --set train.threads=1 --set train.steps=20 "
    "--set train.evaluate_every=10 -o m.safetensors"
)


def lines(err: str) -> list[str]:
    """Of networks, which come in any order."""
    return sorted(re.findall(r"^network .*$", err, flags=re.MULTILINE))


def test_the_file_its_history_and_the_lines_are_the_same(answer, cluster):
    out, err = answer(THREE)
    model, history = Path("m.safetensors").read_bytes(), read_history("m.history.jsonl")[0]
    for on in ("--on ray", "--on=ray=10.0.0.5:6379"):
        cluster.tasks.clear()
        found, told = answer(f"{THREE} --force {on}")
        assert {task.member for task in cluster.tasks} == {0, 1, 2}
        assert (found, lines(told)) == (out, lines(err))
        assert Path("m.safetensors").read_bytes() == model
        again = read_history("m.history.jsonl")[0]
        assert {**again.about, "started": ""} == {**history.about, "started": ""}
        assert len(again.written) == len(history.written) == 62
    assert history.about["command"] == f"wavemore {THREE}"
    assert not Path("m.safetensors.checkpoint").exists()


def test_one_network_is_one_task_after_the_other(answer, cluster):
    answer("train list.txt --recipe tiny.toml -o one.safetensors -q")
    before = Path("one.safetensors").read_bytes()
    answer("train list.txt --recipe tiny.toml -o one.safetensors -q --on ray --force")
    assert Path("one.safetensors").read_bytes() == before
    assert len(cluster.tasks) > 1


def test_counts_need_no_workers(answer, cluster):
    answer("train list.txt --recipe ngram -o counts.safetensors -q --on ray")
    assert Path("counts.safetensors").exists()
    assert cluster.tasks == []


def test_ctrl_c_keeps_the_run_and_it_goes_on_without_workers(answer, said, cluster, monkeypatch):
    answer(f"{THREE} -q")
    whole = Path("m.safetensors").read_bytes()

    def press(self: TrainingProgress, record: object) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingProgress, "evaluated", press)
        _, err = said(f"{THREE} -q --force --on ray", code=130)
    kept = "the run is kept in m.safetensors.checkpoint, and the same command with --resume goes on with it\n"
    assert err == f"wavemore: stopped; {kept}"
    answer(f"{THREE} -q --resume")
    assert Path("m.safetensors").read_bytes() == whole


def test_lost_workers_are_told_with_what_is_kept(answer, said, cluster):
    answer(f"{THREE} -q")
    whole = Path("m.safetensors").read_bytes()
    cluster.lost_after = 5
    _, err = said(f"{THREE} -q --restart --on ray", code=1)
    assert err == (
        "wavemore: all workers of the test died; the run is kept in m.safetensors.checkpoint, and the same command "
        "with --resume goes on with it\n"
    )
    cluster.lost_after = None
    answer(f"{THREE} -q --resume --on ray")
    assert Path("m.safetensors").read_bytes() == whole


def test_what_cannot_be(refused, monkeypatch):
    line = ("train", "list.txt", "--on")
    assert refused(WRONG_USAGE, *line, "yarn") == (
        'training runs on "yarn"; it must be here, ray, or ray=ADDRESS such as ray=10.0.0.5:6379'
    )
    monkeypatch.setitem(sys.modules, "ray", None)
    assert refused(1, *line, "ray") == (
        "Ray needs ray, which is not installed; install it with: pip install 'wavemore[ray]'"
    )


def test_a_stopped_run_is_not_touched_where_there_is_no_cluster(answer, said, monkeypatch):
    Path("m.safetensors.checkpoint").write_bytes(b"wavemore-checkpoint")
    monkeypatch.setitem(sys.modules, "ray", None)
    said(f"{THREE} --restart --on ray", code=1)
    assert Path("m.safetensors.checkpoint").read_bytes() == b"wavemore-checkpoint"
    assert not Path("m.safetensors").exists()


def test_ranks_and_workers_exclude_each_other(strings, cluster, monkeypatch):
    monkeypatch.setattr("wavemore.ranks.meeting.ranks_here", lambda *, wanted: nullcontext("two ranks"))
    with pytest.raises(UsageError) as error:
        StringModel("fast").fit(strings, on="ray", ranks=True)
    assert str(error.value) == ('torchrun started several ranks, and training runs on "ray"; leave out one of the two')
