"""`wavemore train`: the model file, what is said of it, and runs that are stopped and go on."""

import io
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import prepare, records

from wavemore.cli import run
from wavemore.estimator import StringModel
from wavemore.models.modelfile import ModelFile


def test_train_writes_a_model_and_reports(answer):
    out, err = answer("train list.txt --recipe tiny.toml -o model.safetensors")
    assert re.fullmatch(
        r"model\.safetensors: 328 parameters, weights of step \d\d\n"
        r"train \d\.\d{5}, validation \d\.\d{5} nats per character\n"
        r"of 1,000 samples \d+\.\d% are new, that is, not on the list\n"
        r"of the list the file gives away: whether a guessed string was on it \(not with --private\)\n",
        out,
    )
    assert re.fullmatch(r"(step [246]0  batch loss \d\.\d{4}  validation loss \d\.\d{4}\n){3}", err)
    model = ModelFile.load("model.safetensors")
    assert model.provenance["command"] == "wavemore train list.txt --recipe tiny.toml -o model.safetensors"
    assert model.provenance["data"]["name"] == "list"
    assert {path.name for path in Path().iterdir()} == {
        *("list.txt", "tiny.toml", "long.toml", "model.safetensors", "model.history.jsonl"),
    }


def test_train_says_that_it_replaces_a_model(answer):
    line = "train list.txt --recipe tiny.toml -o model.safetensors"
    assert "replaces" not in answer(line)[1]
    assert answer(f"{line} --force")[1].endswith("wavemore: model.safetensors replaces the model that was there\n")
    assert answer(f"{line} -q --force")[1] == ""


def test_train_says_that_a_model_is_worse_than_guessing(answer):
    line = "train list.txt --recipe tiny.toml --set train.keep=last -q"
    assert answer(line)[1] == ""
    ruined = answer(f"{line} --set train.optimizer=adamw --set train.rate=10 --force")[1]
    assert re.fullmatch(r"wavemore: the validation loss, \S+, is worse than that of even guessing, \S+; .*\n", ruined)


def test_train_share_of_new_samples_is_counted(answer, monkeypatch, strings):
    """Half of the samples come from the list."""
    drawn = [strings[0]] * 500 + ["new"] * 500
    monkeypatch.setattr("wavemore.estimator.StringModel.sample", lambda self, n, seed: drawn)
    out, _ = answer("train list.txt --recipe tiny.toml")
    assert "of 1,000 samples 50.0% are new" in out


def test_train_names_the_model_after_the_list(answer, monkeypatch):
    assert answer("train list.txt --recipe tiny.toml -q")[0].startswith("list.safetensors: ")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("list.txt").read_bytes())))
    assert answer("train - --recipe tiny.toml -q")[0].startswith("stdin.safetensors: ")
    assert ModelFile.load("stdin.safetensors").weights.keys() == ModelFile.load("list.safetensors").weights.keys()


def test_train_quiet_is_quiet(answer):
    Path("gappy.txt").write_text(Path("list.txt").read_text() + "\n\n")
    assert answer("train gappy.txt --recipe tiny.toml -q")[1] == ""
    assert answer("train gappy.txt --recipe tiny.toml --force")[1].startswith(
        "wavemore: gappy: skipped 2: 2 blank (lines "
    )


def test_train_json(answer):
    out, err = answer("train list.txt --recipe tiny.toml --json")
    (record,) = records(out)
    losses = ModelFile.load("list.safetensors").provenance["losses"]
    assert record.pop("new_samples") in range(1001)
    assert record.pop("step") in (20, 40, 60)
    assert record.pop("gives_away").startswith("whether a guessed string was on it")
    assert record == {
        "model": "list.safetensors",
        "parameters": 328,
        "train_nats_per_character": losses["train"],
        "validation_nats_per_character": losses["validation"],
        "samples": 1000,
    }
    assert err.count("\n") == 3


def test_train_settings_and_seed(answer):
    answer("train list.txt --recipe tiny.toml -q --seed 7 --set model.hidden=5 --set data.split=lecture")
    recipe = ModelFile.load("list.safetensors").recipe
    assert (recipe.train.seed, recipe.wavenet.hidden, recipe.data.split) == (7, 5, "lecture")
    weights = ModelFile.load("list.safetensors").weights
    line = "train list.txt --recipe tiny.toml -q --set train.seed=7 --set model.hidden=5 --set data.split=lecture"
    answer(f"{line} --force")
    again = ModelFile.load("list.safetensors").weights
    assert all((weights[name] == again[name]).all() for name in weights)


def test_train_takes_a_column(answer, strings):
    Path("table.csv").write_text("id,name\n" + "".join(f"{i},{string}\n" for i, string in enumerate(strings)))
    answer("train table.csv --column name --recipe tiny.toml -q")
    Path("table.txt").write_text(Path("table.csv").read_text().replace(",", "\t"))
    answer("train table.txt --column 2 --format tsv --recipe tiny.toml -q -o tab.safetensors")
    data = ModelFile.load("table.safetensors").provenance["data"]
    assert data["strings"] == len(strings)
    assert ModelFile.load("tab.safetensors").provenance["data"]["strings"] == len(strings)
    answer("train table.txt --column 2 --format tsv --no-header --recipe tiny.toml -q -o all.safetensors")
    assert ModelFile.load("all.safetensors").provenance["data"]["strings"] == len(strings) + 1


def test_train_with_lists_held_out(answer):
    Path("held.txt").write_text("bade\nkolo\n")
    answer("train list.txt --validation held.txt --test held.txt --recipe tiny.toml -q")
    split = ModelFile.load("list.safetensors").provenance["split"]
    assert (split["kind"], split["train"], split["validation"], split["test"]) == ("given", 60, 2, 2)


@pytest.mark.parametrize("asked", ["--force", "--restart", "--force --restart"])
def test_train_replaces_a_model_when_asked(answer, tiny_path, asked):
    before = tiny_path.read_bytes()
    answer(f"train list.txt --recipe tiny.toml -q --seed 1 -o tiny.safetensors {asked}")
    assert tiny_path.read_bytes() != before
    assert "force" not in ModelFile.load("tiny.safetensors").provenance["command"]


def test_train_into_a_device_keeps_no_run_beside_it(answer):
    answer("train list.txt --recipe tiny.toml -q -o /dev/null")
    assert not Path("/dev/null.checkpoint").exists()


CUT_SHORT = b'\x40\0\0\0\0\0\0\0{"__metadata__":{"wavemore-checkpoint":"{'
"""A stopped run that is not even sound."""


def test_train_restart_discards_the_stopped_run(answer):
    Path("list.safetensors.checkpoint").write_bytes(CUT_SHORT)
    answer("train list.txt --recipe tiny.toml -q --restart")
    assert not Path("list.safetensors.checkpoint").exists()
    assert ModelFile.load("list.safetensors").provenance["command"] == "wavemore train list.txt --recipe tiny.toml -q"


def test_train_restart_with_counts_discards_it_too(answer):
    Path("list.safetensors.checkpoint").write_bytes(CUT_SHORT)
    answer("train list.txt --recipe ngram -q --restart")
    assert not Path("list.safetensors.checkpoint").exists()


def test_train_with_counts_leaves_the_run_of_another_alone(answer, monkeypatch):
    """One that begins meanwhile."""
    fit = StringModel.fit

    def fitting(self: StringModel, *arguments: Any, **options: Any) -> StringModel:
        Path("list.safetensors.checkpoint").write_bytes(b"of another run")
        return fit(self, *arguments, **options)

    monkeypatch.setattr(StringModel, "fit", fitting)
    answer("train list.txt --recipe ngram -q")
    assert Path("list.safetensors.checkpoint").exists()


def test_train_file_names_that_are_no_text(answer):
    """A name may hold bytes that stand for no character."""
    Path("b\udcff.txt").write_bytes(Path("list.txt").read_bytes())
    answer("train b\udcff.txt --recipe tiny.toml -q")
    assert ModelFile.load("b\\udcff.safetensors").provenance["command"].startswith(r"wavemore train 'b\udcff.txt'")
    out, _ = answer("train list.txt --recipe tiny.toml -q -o m\udcff")
    assert out.startswith(r"m\udcff: ")
    assert Path("m\udcff").exists()


def test_ctrl_c_before_the_first_save_of_a_restart_names_no_run(answer, monkeypatch, capfd):
    """The one that is there is the old one."""

    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    Path("list.safetensors.checkpoint").write_bytes(b"wavemore-checkpoint")
    monkeypatch.setattr("wavemore.fitting.fit_model", interrupt)
    assert run(["train", "list.txt", "--restart"]) == 130
    assert capfd.readouterr() == ("", "wavemore: stopped; no model was written\n")
    assert Path("list.safetensors.checkpoint").read_bytes() == b"wavemore-checkpoint"


def test_ctrl_c_after_the_model_was_written_says_where_it_is(answer, monkeypatch, capfd):
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wavemore.cli.train._report", interrupt)
    assert run(["train", "list.txt", "--recipe", "tiny.toml", "-o", "m.safetensors", "--quiet"]) == 130
    assert capfd.readouterr() == ("", "wavemore: stopped; the model is in m.safetensors\n")
    assert ModelFile.load("m.safetensors").provenance["data"]["name"] == "list"


def test_ctrl_c_keeps_the_run_and_resume_ends_in_the_same_file(tmp_path, strings, monkeypatch, capfd):
    line = ["train", "list.txt", "--recipe", "long.toml", "-o", "model.safetensors"]
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    for folder in (stopped, whole):
        prepare(folder, strings)

    process = subprocess.Popen(
        [sys.executable, "-m", "wavemore", *line],
        cwd=stopped,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert re.match(r"step +40 ", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    *_, last = err.removesuffix("\n").split("\n")
    assert last == (
        "wavemore: stopped; the run is kept in model.safetensors.checkpoint, "
        "and the same command with --resume goes on with it"
    )
    assert not (stopped / "model.safetensors").exists()

    monkeypatch.chdir(stopped)
    assert run([*line, "--resume"]) == 0
    assert not re.search(r"step +40 ", capfd.readouterr().err)
    assert not Path("model.safetensors.checkpoint").exists()
    monkeypatch.chdir(whole)
    assert run(line) == 0
    assert (stopped / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
