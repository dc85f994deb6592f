"""What is kept is not fitted again, a stopped run goes on, and a folder that is not sound is refused."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from compared import LECTURE, TINY, kept, losses

from wavemore.comparison.folder import RECORDS
from wavemore.comparison.running import compare
from wavemore.errors import FileError
from wavemore.models.modelfile import ModelFile
from wavemore.progress import TrainingProgress


def test_finished_runs_are_not_fitted_again(corpus, fits):
    first = compare(corpus, ["tiny.toml"], seeds=(0, 1), keep="kept", command="a test")
    assert len(fits) == 2
    said: list[str] = []
    again = compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1, 2), keep="kept", remark=said.append)
    assert fits[2:] == [(6, 0), (6, 1), (8, 2), (6, 2)]
    assert said[0].startswith("tiny, seed 0 (1 of 6): taken from kept, validation ")
    assert list(again.results[0].runs[:2]) == list(first.results[0].runs)  # seconds too
    records = kept()
    assert [(record["row"], record["seed"]) for record in records][:2] == [("tiny", 0), ("tiny", 1)]
    assert records[0]["command"] == "a test"
    assert records[0]["list"] == {"name": "strings", "strings": 300, "sha256": corpus.fingerprint}
    assert {"hardware", "versions", "date", "step", "train_nats_per_character"} <= records[0].keys()
    file = ModelFile.load(Path("kept") / records[0]["model"])
    assert (file.recipe.to_dict(), file.parameter_count) == (records[0]["recipe"], records[0]["parameters"])
    assert sorted(path.suffix for path in Path("kept").iterdir()) == [".jsonl"] + 6 * [".safetensors"]


def test_changed_settings_lists_and_versions_are_fitted_again(corpus, fits, monkeypatch):
    options: dict[str, Any] = {"seeds": (0,), "keep": "kept"}
    compare(corpus, ["tiny.toml"], **options)
    compare(corpus, ["tiny.toml"], settings={"train.rate": 0.02}, **options)
    compare(corpus, ["tiny.toml"], settings=LECTURE, **options)
    compare(corpus.strings[1:], ["tiny.toml"], **options)
    Path("tiny.toml").write_text(TINY.replace("steps = 30", "steps = 20"))
    compare(corpus, ["tiny.toml"], **options)
    monkeypatch.setattr("wavemore.comparison.folder.__version__", "9")
    compare(corpus, ["tiny.toml"], **options)
    assert len(fits) == 6
    assert len(kept()) == 6
    compare(corpus, ["renamed=tiny.toml"], **options)  # the very same run
    assert len(fits) == 6


def test_a_changed_teacher_is_another_run(corpus, fits):
    Path("pupil.toml").write_text(f'{TINY}teacher = "tiny.toml"\n')
    compare(corpus, ["pupil.toml"], seeds=(0,), keep="kept")
    compare(corpus, ["pupil.toml"], seeds=(0,), keep="kept")
    assert len(fits) == 1
    Path("tiny.toml").write_text(TINY.replace("hidden = 8", "hidden = 6"))
    compare(corpus, ["pupil.toml"], seeds=(0,), keep="kept")
    assert len(fits) == 2
    Path("tiny.toml").unlink()
    (result,) = compare(corpus, ["pupil.toml"], seeds=(0,), keep="kept").results
    assert result.problems == ["cannot read the recipe tiny.toml: No such file or directory"]


def test_the_test_part_of_kept_models_is_looked_at_later(corpus, fits):
    compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept")
    assert "test" not in kept()[0]["losses"]
    later = compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept", test=True)
    assert "test" in kept()[0]["losses"]
    assert kept()[0]["row"] == "tiny"
    assert losses(later) == losses(compare(corpus, ["tiny.toml"], seeds=(0,), test=True))
    without = compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept")
    assert without.parts == ["validation", "validation unseen"]
    assert len(fits) == 2
    next(Path("kept").glob("*.safetensors")).unlink()
    (Path("kept") / RECORDS).write_text(json.dumps({**kept()[0], "losses": without.results[0].runs[0].losses}) + "\n")
    assert losses(compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept", test=True)) == losses(later)
    assert len(fits) == 3  # the model was lost, and made again


def test_a_row_of_another_name_leaves_the_record_its_file(corpus, fits):
    compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept")
    (before,) = kept()
    compare(corpus, ["renamed=tiny.toml"], seeds=(0,), keep="kept", test=True)
    (record,) = kept()
    assert "test" in record["losses"]
    assert (record["model"], record["row"]) == (before["model"], "tiny")
    assert ModelFile.load(Path("kept") / record["model"]).parameter_count == record["parameters"]
    Path("kept", record["model"]).unlink()
    Path("kept", RECORDS).write_text(json.dumps(before) + "\n")
    compare(corpus, ["renamed=tiny.toml"], seeds=(0,), keep="kept", test=True)  # lost, so made again
    (record,) = kept()
    assert [path.name for path in Path("kept").glob("*.safetensors")] == [record["model"]]
    assert record["model"].startswith("renamed-0-")
    assert len(fits) == 2


@pytest.mark.parametrize("name", [None, "", 3, ["a"], "../tiny.safetensors", "/tiny", "..\\tiny", "\0"])
def test_a_record_that_names_no_file_of_the_folder_is_refused(corpus, fits, name):
    compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept")
    record = {key: value for key, value in {**kept()[0], "model": name}.items() if value is not None}
    Path("kept", RECORDS).write_text(json.dumps(record) + "\n")
    with pytest.raises(FileError) as error:
        compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept", test=True)
    assert str(error.value) == "line 1 of kept/compare.jsonl is not the record of a run; mend or remove it"
    assert len(fits) == 1


def press_ctrl_c(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Once, after some steps of a run."""
    step, pressed = TrainingProgress.step, []

    def pressing(self: TrainingProgress, number: int, loss: float) -> None:
        step(self, number, loss)
        if number == after and not pressed:
            pressed.append(number)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(TrainingProgress, "step", pressing)


def test_a_stopped_run_goes_on_to_the_same_figures(corpus, fits, monkeypatch):
    whole = compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1))
    press_ctrl_c(monkeypatch, after=17)
    with pytest.raises(KeyboardInterrupt):
        compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1), keep="kept")
    assert sorted(path.suffix for path in Path("kept").iterdir()) == [".checkpoint", ".seconds"]
    (seconds,) = Path("kept").glob("*.seconds")
    assert float(seconds.read_text()) > 0
    seconds.write_text("1000\n")
    begun = []
    monkeypatch.setattr(TrainingProgress, "evaluated", lambda self, record: begun.append(record["step"]))
    gone_on = compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1), keep="kept")
    assert begun[0] == 20  # the evaluation after step 10 was done
    assert losses(gone_on) == losses(whole)
    assert gone_on.results[0].runs[0].seconds is not None
    assert gone_on.results[0].runs[0].seconds > 1000  # what came before counts
    assert not [path for path in Path("kept").iterdir() if path.suffix in (".checkpoint", ".seconds")]
    assert len(fits) == 4 + 1 + 4


def test_a_spoiled_checkpoint_is_begun_anew(corpus, monkeypatch):
    whole = compare(corpus, ["tiny.toml"], seeds=(0,))
    press_ctrl_c(monkeypatch, after=17)
    with pytest.raises(KeyboardInterrupt):
        compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept")
    next(Path("kept").glob("*.checkpoint")).write_bytes(b"spoiled")
    assert losses(compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept")) == losses(whole)


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"key": "a", "seed": 1}'])
def test_records_that_are_none_are_refused(corpus, fits, line):
    Path("kept").mkdir()
    (Path("kept") / RECORDS).write_text(f"\n{line}\n")
    with pytest.raises(FileError) as error:
        compare(corpus, ["tiny.toml"], keep="kept")
    assert str(error.value) == "line 2 of kept/compare.jsonl is not the record of a run; mend or remove it"
    assert fits == []


def test_a_folder_that_cannot_be_is_refused(corpus, fits):
    with pytest.raises(FileError, match=r"^cannot make the folder tiny.toml: File exists$"):
        compare(corpus, ["tiny.toml"], keep="tiny.toml")
    with pytest.raises(FileError, match=r"^cannot make the folder nosuch/kept: No such file or directory$"):
        compare(corpus, ["tiny.toml"], keep="nosuch/kept")
    assert fits == []


def test_a_full_disk_stops_the_comparison(corpus, fits, monkeypatch):
    """What is fitted next could not be kept either."""

    def save(self: ModelFile, path: object) -> None:
        raise FileError(f"cannot write {path}: No space left on device")

    with monkeypatch.context() as full:
        full.setattr(ModelFile, "save", save)
        with pytest.raises(FileError, match="No space left on device"):
            compare(corpus, ["tiny.toml", "other.toml"], seeds=(0,), keep="kept")
    assert len(fits) == 1
    assert [path.suffix for path in sorted(Path("kept").iterdir())] == [".checkpoint", ".seconds"]
    compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept")  # goes on from its last step
    assert len(kept()) == 1
