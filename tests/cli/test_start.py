"""`wavemore train --from`: another start, none, and what cannot be one."""

from pathlib import Path

from command_line import FAILED, WRONG_USAGE

from wavemore.estimator import StringModel
from wavemore.models.modelfile import ModelFile


def test_another_start_and_none(answer):
    first = "train list.txt -o first.safetensors -q --no-record --set train.steps=1"
    answer(first)
    assert ModelFile.load("first.safetensors").provenance["start"]["name"] == "base"
    answer("train list.txt -o second.safetensors -q --no-record --set train.steps=1 --from first.safetensors")
    assert ModelFile.load("second.safetensors").recipe.train.start == "first.safetensors"
    assert "start name" in answer("info second.safetensors")[0]
    answer("train list.txt -o alone.safetensors -q --no-record --set train.steps=1 --from none")
    alone = ModelFile.load("alone.safetensors")
    assert (alone.recipe.train.start, "start" in alone.provenance) == ("", False)


def test_what_cannot_be_a_start(refused, tmp_path):
    StringModel("ngram").fit(["anna", "emma", "bob", "eve", "ada"]).save(tmp_path / "counts.safetensors")
    line = ("train", "list.txt", "-o", "new.safetensors", "--from")
    assert refused(FAILED, *line, "nowhere.safetensors").startswith("cannot read the model nowhere.safetensors: ")
    assert "list.txt is a list and no model" in refused(FAILED, *line, "list.txt")
    assert refused(WRONG_USAGE, *line, "counts.safetensors") == (
        'train.start = "counts.safetensors" cannot be: that model is of kind "ngram"; it must be of kind "wavenet"'
    )
    assert refused(WRONG_USAGE, *line, "base", "--set", "train.start=base") == (
        "--from and --set train.start are the same setting; give one of them"
    )
    assert "hidden = 80, and the recipe 64; the two must be the same" in refused(
        WRONG_USAGE, *line, "base", "--set", "model.hidden=64"
    )
    assert not Path("new.safetensors").exists()


def test_a_start_is_not_written_over(refused, tmp_path):
    StringModel("ngram").fit(["anna", "emma", "bob", "eve", "ada"]).save(tmp_path / "old.safetensors")
    assert "old.safetensors is the file old.safetensors, which is read" in refused(
        WRONG_USAGE, "train", "list.txt", "-o", "old.safetensors", "--force", "--from", "old.safetensors"
    )
