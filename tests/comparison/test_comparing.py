"""A comparison's figures are those of the models one fits by hand; what is kept is not fitted again."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tiny import tiny_strings

import wavemore
from wavemore.comparison import comparing
from wavemore.comparison.comparing import compare
from wavemore.comparison.folder import RECORDS
from wavemore.comparison.table import Comparison
from wavemore.errors import ConfigError, CorpusError, FileError, UsageError
from wavemore.estimator import StringModel
from wavemore.judging.evaluate import parts_of
from wavemore.lists.corpus import Corpus, read_corpus
from wavemore.models.modelfile import ModelFile
from wavemore.progress import TrainingProgress

TINY = """
[model]
groups = [2, 2]
embedding = 4
hidden = 8
[train]
steps = 30
batch = 32
evaluate_every = 10
"""
WILD = '[model]\ngroups = [2, 2]\n[train]\nform = "windowed"\noptimizer = "sgd"\nrate = 1e9\nsteps = 20\n'
LECTURE = {"data.split": "lecture"}


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A list; beside it tiny.toml, other.toml and wild.toml, which diverges."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    Path("other.toml").write_text(TINY.replace("hidden = 8", "hidden = 6"))
    Path("wild.toml").write_text(WILD)
    return read_corpus(tiny_strings(300))


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(hidden, seed) of every model that is fitted from now on."""
    found: list[tuple[int, int]] = []
    original = comparing.fit_model

    def counting(lists: Any, recipe: Any, **options: Any) -> Any:
        found.append((recipe.wavenet.hidden, recipe.train.seed))
        return original(lists, recipe, **options)

    monkeypatch.setattr(comparing, "fit_model", counting)
    return found


def losses(comparison: Comparison) -> list[list[Any]]:
    """Everything but seconds."""
    return [[(run.seed, run.parameters, run.losses) for run in result.runs] for result in comparison.results]


def kept() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path("kept") / RECORDS).read_text().removesuffix("\n").split("\n")]


# Figures.


def test_figures_are_those_of_models_fitted_by_hand(corpus):
    found = compare(corpus, ["tiny.toml", "other.toml"], seeds=(3, 4), settings=LECTURE, test=True)
    assert found.parts == ["validation", "validation unseen", "test", "test unseen"]
    for result in found.results:
        for run, seed in zip(result.runs, (3, 4), strict=True):
            model = StringModel(result.source, settings=LECTURE, seed=seed).fit(corpus)
            assert (run.seed, run.parameters) == (seed, model.file_.parameter_count)
            parts = parts_of(model.file_, corpus)
            assert run.losses == {part: model.evaluate(parts[part]).to_dict() for part in found.parts}
            assert run.losses["validation"] != run.losses["validation unseen"]
            assert run.seconds is not None
            assert run.seconds > 0
    assert not found.failed


def test_the_test_part_is_looked_at_where_that_is_wanted_alone(corpus, monkeypatch):
    looked = []
    original = comparing.evaluate

    def watched(engine, vocabulary, strings):
        strings = list(strings)
        looked.append(strings)
        return original(engine, vocabulary, strings)

    monkeypatch.setattr(comparing, "evaluate", watched)
    parts = wavemore.lists.corpus.split(corpus, wavemore.load_recipe("tiny.toml").data)
    found = compare(corpus, ["tiny.toml"], seeds=(0,))
    assert found.parts == ["validation", "validation unseen"]
    assert looked == [parts.validation]  # the unseen ones are the very same here
    found = compare(corpus, ["tiny.toml"], seeds=(0,), test=True)
    assert found.parts == ["validation", "validation unseen", "test", "test unseen"]
    assert looked[1:] == [parts.validation, parts.test]


def test_seeds_take_turns(corpus, fits):
    compare(corpus, ["tiny.toml", "other.toml"], seeds=(5, 1))
    assert fits == [(8, 5), (6, 5), (8, 1), (6, 1)]


def test_counts_and_files_are_one_run(corpus):
    StringModel("tiny.toml", seed=9).fit(corpus).save("tiny.safetensors")
    found = compare(corpus, ["ngram", "ours=tiny.safetensors", "tiny.toml"], seeds=(9, 1))
    ngram, ours, tiny = found.results
    assert [len(result.runs) for result in found.results] == [1, 1, 2]
    assert (ours.name, ours.source, ours.seconds) == ("ours", "tiny.safetensors", None)
    assert (ours.runs[0].seed, ours.runs[0].losses) == (9, tiny.runs[0].losses)
    assert ngram.seconds is not None


def test_settings_change_every_recipe_and_auto_fits_the_list(corpus, tmp_path):
    found = compare(corpus, ["auto", "tiny.toml"], seeds=(0,), settings={"train.steps": 3}, keep="kept")
    auto, tiny = found.results
    assert StringModel("auto", settings={"train.steps": 3}).resolved_recipe(corpus.strings).to_dict() == {
        **kept()[0]["recipe"],
        "train": {**kept()[0]["recipe"]["train"], "seed": 42},
    }
    assert [record["recipe"]["train"]["steps"] for record in kept()] == [3, 3]
    assert auto.parameters > tiny.parameters


def test_public_name_and_lists_that_are_read(corpus):
    found = wavemore.compare(corpus.strings, ["ngram"])
    assert wavemore.compare is compare
    assert (found.list_name, found.strings, found.fingerprint) == ("strings", 300, corpus.fingerprint)


# Rows that fail.


def test_a_row_that_fails_says_why_and_the_others_survive(corpus, tiny_path):
    tiny_path.write_bytes(tiny_path.read_bytes()[:100])
    Path("bad.toml").write_text("[modle]\n")
    said: list[str] = []
    rows = ["wild.toml", "nosuch.toml", "bad.toml", str(tiny_path), "gone=nosuch.safetensors", "whole=tiny.toml"]
    found = compare(corpus, rows, seeds=(0, 1), remark=said.append)
    wild, nosuch, bad, cut, absent, tiny = found.results
    assert len(wild.problems) == 2
    assert wild.problems[1].startswith("seed 1: the ")
    assert wild.problems[1].endswith("lower the learning rate (train.rate is 1e+09)")
    assert nosuch.problems == ["cannot read the recipe nosuch.toml: No such file or directory"]
    assert bad.problems == ['the recipe bad.toml: unknown key "modle" (did you mean "model"?)']
    assert cut.problems[0].startswith(f"{tiny_path} is not a wavemore model, or is damaged or cut short (")
    assert absent.problems == ["cannot read the model nosuch.safetensors: No such file or directory"]
    assert (len(tiny.runs), list(tiny.problems), found.failed) == (2, [], True)
    assert said[1] == f"nosuch (2 of 8) failed: {nosuch.problems[0]}"
    assert said[0].startswith("wild, seed 0 (1 of 8) failed: the ")


def test_a_model_of_another_list_or_split_is_not_compared(corpus):
    for name, strings, settings in (("list", tiny_strings(90), {}), ("split", corpus, LECTURE)):
        StringModel("tiny.toml", settings=settings).fit(strings).save(f"{name}.safetensors")
    found = compare(corpus, ["tiny.toml", "list.safetensors", "split.safetensors"], seeds=(0,))
    tiny, other_list, other_split = found.results
    assert other_list.problems == [
        "the model was not trained on a split of strings as it stands here, so nobody knows which of its strings it "
        "has seen"
    ]
    assert other_split.problems == [
        "the model was trained on another split (lecture, seed 42), so it has seen strings that are held out here"
    ]
    assert len(tiny.runs) == 1
    alone = compare(corpus, ["split.safetensors"])  # the split is its own
    assert (alone.split, alone.failed) == ("lecture", False)


def test_too_little_memory_is_a_row_and_a_bug_is_none(corpus, monkeypatch):
    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr(comparing, "fit_model", broken)
    message = "DefaultCPUAllocator: can't allocate memory"
    assert compare(corpus, ["ngram"]).results[0].problems == ["there is not enough memory for this"]
    message = "a bug"
    with pytest.raises(RuntimeError, match="a bug"):
        compare(corpus, ["ngram"])


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "there is nothing to compare; name recipes or model files, such as fast"),
        (["fast"], {"seeds": ()}, "there are no seeds, and a comparison needs at least one"),
        (["fast"], {"seeds": (1, 1)}, "the seed 1 is named twice; name it once"),
        (["fast"], {"seeds": (-1,)}, "train.seed = -1 cannot be: from 0 to 2**63 - 1"),
        (["fast", "x=fast"], {}, "fast is named twice among the rows; name it once"),
        (
            ["fast", "fast=tiny.toml"],
            {},
            "two rows are named fast; give one a name of its own: NAME=tiny.toml",
        ),
        (["x="], {}, 'the row "x=" is empty; name a recipe or a model file, such as fast'),
        (["fast"], {"settings": {"train.stps": 1}}, 'fast: unknown key "train.stps" (did you mean "steps"?)'),
        (
            ["fast"],
            {"settings": {"train.seed": 1}},
            "train.seed is what the seeds of a comparison set; leave it out of the settings",
        ),
        (
            ["nosuch.toml"],
            {"settings": {"train.steps": 1}},
            "settings change recipes, and there is none among the rows; leave them out",
        ),
        (
            ["fast", "lecture"],
            {},
            "the rows do not split the list alike: data.split is random for fast and lecture for lecture; "
            "make it one, as with data.split=random",
        ),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_fitted(corpus, fits, rows, options, message):
    with pytest.raises(UsageError) as error:
        compare(corpus, rows, keep="kept", **options)
    assert str(error.value) == message
    assert fits == []
    assert not Path("kept").exists()


def test_unknown_recipe_and_short_list_are_refused(corpus, fits):
    with pytest.raises(
        ConfigError, match=r'^"fsat" is neither a recipe \(did you mean "fast"\?\) nor a file; recipes '
    ):
        compare(corpus, ["fsat"])
    with pytest.raises(CorpusError, match="a split needs at least 20"):
        compare(["a", "b"], ["tiny.toml"], keep="kept")
    assert fits == []
    assert not Path("kept").exists()


# What is kept.


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
