"""The file of a history: which files are one, and what stays of it when a run stops or goes on."""

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from recorded import Fit, measured

from wavemore.errors import FileError
from wavemore.runs.history import PastRun, check_history, history_path, read_history


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.history.jsonl"


@pytest.fixture
def fit(tiny_recipe, strings, tmp_path) -> Fit:
    return Fit(tiny_recipe, strings, tmp_path)


def test_ctrl_c_loses_nothing_and_resume_goes_on_in_the_same_file(fit):
    fit.recipe = fit.recipe.with_settings({"train.steps": 450})
    fit()
    whole = fit.runs[0]
    fit.stopped(9)
    stopped = fit.runs[0]
    assert [record["step"] for record in stopped.records] == [6, 9]
    fit(resume=True)
    (run,) = fit.runs
    assert run.about == stopped.about
    assert run.records[:2] == stopped.records
    assert [record["step"] for record in run.records[:4]] == [6, 9, 12, 18]
    assert measured(run)[3:] == measured(whole)[2:]
    assert all(one["seconds"] <= two["seconds"] for one, two in pairwise(run.records))


def test_resume_drops_what_was_written_after_its_checkpoint(fit):
    """As when a run was killed, and its last line cut short."""
    fit.stopped(25)
    checkpoint = fit.checkpoint.read_bytes()
    fit.stopped(33, resume=True)
    fit.checkpoint.write_bytes(checkpoint)
    with fit.path.open("ab") as file:
        file.write(b'{"record": "st')
    assert [record["step"] for record in fit.runs[0].inside] == [1, 30]
    fit(resume=True)
    assert [record["step"] for record in fit.runs[0].records] == list(range(1, 61))
    assert fit.path.read_bytes().endswith(b"}\n")
    inside = fit.runs[0].inside
    fit()
    assert fit.runs[0].inside == inside


def test_resume_drops_for_each_member_what_it_did_after_its_checkpoint(fit):
    fit.recipe = fit.recipe.with_settings({"model.members": 3, "train.form": "shared", "train.threads": 2})
    fit()
    whole = fit.runs[0]
    fit.stopped(50)
    fit(resume=True)

    def sorted_(run: PastRun) -> list[dict[str, Any]]:
        return sorted(measured(run), key=lambda record: (record["member"], record["step"]))

    assert sorted_(fit.runs[0]) == sorted_(whole)


def test_a_run_that_was_not_recorded_begins_where_it_is_resumed(fit):
    """And what lies there is of another run, so it goes."""
    other = fit.recipe
    fit.recipe = fit.recipe.with_settings({"train.seed": 7})
    fit()
    fit.recipe = other
    fit.stopped(9, record=False)
    fit(resume=True)
    (run,) = fit.runs
    assert run.about["seed"] == 42
    assert [record["step"] for record in run.records] == list(range(10, 61))


def test_a_new_run_replaces_the_history(fit):
    fit()
    fit.recipe = fit.recipe.with_settings({"train.steps": 5})
    fit()
    assert [len(run.records) for run in fit.runs] == [5]


def test_the_name_of_a_history():
    assert history_path("a/names.safetensors") == Path("a/names.history.jsonl")
    assert history_path("names") == Path("names.history.jsonl")


def test_what_is_no_history_is_left_alone(path, fit):
    path.write_text("emma\nolivia\n")
    sentence = "exists and is not the history of a run, so it is left alone; move it, or record elsewhere"
    with pytest.raises(FileError, match=sentence):
        fit()
    assert path.read_text() == "emma\nolivia\n"
    with pytest.raises(
        FileError, match=f"^{path} is not the history of a run; give a file that training has recorded$"
    ):
        read_history(path)
    path.write_text("")
    check_history(path)


def test_an_unwritable_place_is_refused_before_training(fit, tmp_path):
    fit.path = tmp_path / "nosuch" / "m.jsonl"
    with pytest.raises(FileError, match=r"^cannot write .*nosuch/m\.jsonl: No such file or directory$"):
        fit(1)  # would be interrupted in its first step
    fit.path = tmp_path
    with pytest.raises(FileError, match="Is a directory"):
        fit(1)


def test_a_full_disk_is_one_sentence(fit):
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("this system has no /dev/full")
    fit.path = Path("/dev/full")
    with pytest.raises(FileError, match=r"^cannot write /dev/full: No space left on device$"):
        fit()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[]", "line 2 of .* is not a record of a history; mend or remove it"),
        ("{", "line 2 of .* is not a record of a history; mend or remove it"),
        ('{"record": "step"}', "line 2 of .* is not a record"),
        ('{"record": "step", "step": -1}', "line 2 of .* is not a record"),
        ('{"record": "step", "step": 1, "member": "a"}', "line 2 of .* is not a record"),
        ('{"record": "step", "step": 1, "batch_loss": "low"}', "line 2 of .* is not a record"),
        ('{"record": "inside", "step": 1}', "line 2 of .* is not a record"),
        ('{"record": "inside", "step": 1, "levels": [], "parameters": [], "norms": 0}', "line 2 of .* is not a record"),
        ('{"record": "run", "format": 9}', "has format 9, and this wavemore reads 1; read it with the version that"),
    ],
)
def test_unsound_histories_are_refused(path, line, sentence):
    path.write_text(json.dumps({"record": "run", "format": 1}) + f"\n{line}\n")
    with pytest.raises(FileError, match=sentence):
        read_history(path)


def test_a_history_that_is_not_there(path):
    with pytest.raises(FileError, match=f"^cannot read {path}: No such file or directory$"):
        read_history(path)
