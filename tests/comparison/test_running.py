"""A comparison's figures are those of the models one fits by hand; a row that fails does not stop the others."""

from pathlib import Path

import pytest
from compared import LECTURE, kept
from tiny import tiny_strings

import wavemore
from wavemore.comparison import making
from wavemore.comparison.running import compare
from wavemore.errors import ConfigError, CorpusError, UsageError
from wavemore.estimator import StringModel
from wavemore.judging.evaluate import parts_of

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
    original = making.evaluate

    def watched(distribution, strings):
        strings = list(strings)
        looked.append(strings)
        return original(distribution, strings)

    monkeypatch.setattr(making, "evaluate", watched)
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

    monkeypatch.setattr(making, "fit_model", broken)
    message = "DefaultCPUAllocator: can't allocate memory"
    assert compare(corpus, ["ngram"]).results[0].problems == ["there is not enough memory for this"]
    message = "a bug"
    with pytest.raises(RuntimeError, match="a bug"):
        compare(corpus, ["ngram"])


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "there is nothing to compare; name recipes or model files, such as fast"),
        (["fast"], {"seeds": ()}, "there are no seeds; name one at least"),
        (["fast"], {"seeds": 3}, "seeds is 3; it must be a list of whole numbers, such as [0, 1, 2]"),
        (["fast"], {"seeds": "12"}, "seeds is '12'; it must be a list of whole numbers, such as [0, 1, 2]"),
        (["fast"], {"seeds": (1, 1)}, "the seed 1 is named twice; name it once"),
        (["fast"], {"seeds": (-1,)}, "train.seed = -1; it must be from 0 to 9223372036854775807"),
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
    with pytest.raises(CorpusError, match="a split needs at least 5"):
        compare(["a", "b"], ["tiny.toml"], keep="kept")
    assert fits == []
    assert not Path("kept").exists()
