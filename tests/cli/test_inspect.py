"""`wavemore inspect`: which list is run, what is shown and written, and what is refused."""

import json
import re
from pathlib import Path

import pytest
from command_line import Said
from imported import heavy, imported_by

from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus, split
from wavemore.settings.config import DataConfig


@pytest.fixture
def said(tiny_path: Path, strings: list[str], monkeypatch: pytest.MonkeyPatch, said: Said) -> Said:
    """Run `wavemore inspect` beside tiny.safetensors and list.txt; what it said on both streams."""
    monkeypatch.chdir(tiny_path.parent)
    Path("list.txt").write_text("\n".join([*strings, "", "xyz"]) + "\n")

    return lambda line, code=0: said(f"inspect {line}", code)


def test_the_model_in_the_package_is_run_over_its_own_list(said):
    out, err = said("")
    assert err == ""
    assert re.match(r"[\d,]+ strings of names, [\d,]+ predictions\n", out)
    assert out.rstrip().split("\n")[-1].startswith("nothing wants attention: ")


def test_a_single_argument_may_be_the_list(said):
    assert re.match(r"[\d,]+ strings of names, ", said("names")[0])
    assert re.match(r"[\d,]+ strings of list, ", said("list.txt -q")[0])


def test_a_models_own_list_is_cut_to_its_training_part(said, strings):
    StringModel("fast", settings={"train.steps": 2}).fit(strings).save("own.safetensors")
    Path("own.txt").write_text("\n".join(strings) + "\n")
    shown = json.loads(said("own.safetensors own.txt --json")[0].split("\n")[0])
    parts = split(read_corpus(strings), DataConfig())
    assert shown["strings"] == len(set(parts.train)) < len(set(strings))


def test_other_lists_are_run_whole_and_what_was_skipped_is_said(said, strings):
    out, err = said("tiny.safetensors list.txt --json")
    records = [json.loads(line) for line in out.removesuffix("\n").split("\n")]
    assert records[0]["strings"] == len(set(strings))  # without xyz, whose characters the model does not know
    assert records[-1] == {"what": "findings", "findings": []}
    assert err == "wavemore: list: skipped 1: 1 blank (line 61)\n"


def test_a_string_a_chunk_and_a_page(said):
    out, err = said("tiny.safetensors list.txt --string bado --at 3 --chunk ba -o x.html")
    assert 'what the model does after "bad", where o follows' in out
    assert "level 1: nearest to ba of " in out
    assert "level 2: nearest to ··ba of " in out
    assert err.endswith("wavemore: wrote x.html\n")
    assert Path("x.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_history_is_looked_into_through_training(said, tiny_recipe, strings):
    StringModel(tiny_recipe).fit(strings, record="own.history.jsonl")
    out, err = said("own.history.jsonl")
    assert out.startswith("own: 60 steps, 3 looks inside, each at a step of training and on its batch\n")
    assert err == ""
    records = [json.loads(line) for line in said("own.history.jsonl --json")[0].removesuffix("\n").split("\n")]
    assert records[0]["looks"] == [1, 30, 60]
    assert records[-1] == {"what": "findings", "findings": []}
    for options in ("list.txt", "--string ba", "--at 1", "--chunk ba"):
        assert said(f"own.history.jsonl {options}", 2)[1] == (
            "wavemore: own.history.jsonl is a history, which goes without LIST, --string, --at, --chunk and "
            "--label; "
            "name a model\n"
        )


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        (
            "tiny.safetensors",
            2,
            'name a list for tiny.safetensors: its own list, "strings", is not in the package, as in: '
            "wavemore inspect tiny.safetensors names",
        ),
        ("--at 3", 2, "--at goes with --string: it is a place in that string"),
        ("nosuch.safetensors", 1, "cannot read the model nosuch.safetensors: No such file or directory"),
        ("-o nosuch/x.html", 1, "cannot write nosuch/x.html: No such file or directory"),
        ("nosuch.history.jsonl", 1, "cannot read nosuch.history.jsonl: No such file or directory"),
        ("nosuch.jsonl", 1, "cannot read nosuch.jsonl: No such file or directory"),
        ("nosuch.jsonl list.txt", 1, "cannot read nosuch.jsonl: No such file or directory"),
        (
            "empty.jsonl",
            1,
            "empty.jsonl is empty; give the history that training writes beside a model, or a model",
        ),
        (
            "foreign.jsonl",
            1,
            "foreign.jsonl is not the history of a run; give one that training has written, a model, or a list of a "
            "string a line",
        ),
        ("--chunk ''", 2, 'the chunk is ""; it must have at least one character'),
        ("--string ba --at x", 2, '"x" is not a whole number'),
    ],
)
def test_refusals(said, line, code, sentence):
    Path("empty.jsonl").touch()
    Path("foreign.jsonl").write_text('{"name": "emma"}\n')
    out, err = said(line, code)
    assert out == ""
    assert err.startswith("wavemore: ")
    assert err.count("\n") == 1
    assert sentence in err


def test_a_baseline_is_refused(said, strings):
    StringModel("ngram").fit(strings).save("ngram.safetensors")
    assert said("ngram.safetensors list.txt -q", 2)[1] == (
        'wavemore: the model is of kind "ngram", and only a "wavenet" has levels to look into; name another model\n'
    )


def test_nothing_heavy_is_imported_for_help_or_a_refusal():
    assert heavy(imported_by("-m", "wavemore", "inspect", "--help")) == set()
    assert heavy(imported_by("-c", "import wavemore.inspection.page")) == set()


def test_a_history_is_shown_without_pytorch(tmp_path, tiny_recipe, strings):
    StringModel(tiny_recipe).fit(strings, record=tmp_path / "own.history.jsonl")
    found = heavy(imported_by("-m", "wavemore", "inspect", str(tmp_path / "own.history.jsonl")))
    assert not any("torch" in name for name in found)
