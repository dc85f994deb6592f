"""`wavemore evaluate`: losses and calibration by parts, samples beside the list, memory."""

import io
import math
from pathlib import Path

import pytest
from command_line import records, tables
from edits import distance

import wavemore
from wavemore import progress
from wavemore.cli import run
from wavemore.lists.corpus import split
from wavemore.models.modelfile import ModelFile, pretrained_path

PARTS = ["train", "validation", "validation unseen", "test", "test unseen", "all"]


def test_evaluate_shows_the_parts_of_the_own_list(answer):
    answer("train list.txt --recipe tiny.toml -q")
    out, err = answer("evaluate list.safetensors list.txt")
    (losses_header, rows), (calibration_header, calibrations) = tables(out)
    assert losses_header == [
        *("part", "strings", "predictions", "nats/char", "95 % interval", "bits/char", "perplexity"),
    ]
    assert calibration_header == ["part", "accuracy", "confidence", "calibration error", "by chance"]
    assert [row[0] for row in rows] == [row[0] for row in calibrations] == PARTS
    assert err == ""
    found = records(answer("evaluate list.safetensors list.txt --json")[0])
    assert [record["part"] for record in found] == PARTS
    losses = ModelFile.load("list.safetensors").provenance["losses"]
    assert found[0]["nats_per_character"] == pytest.approx(losses["train"], abs=1e-5)
    assert found[1]["nats_per_character"] == pytest.approx(losses["validation"], abs=1e-5)
    for row, calibration, record in zip(rows, calibrations, found, strict=True):
        interval = record["nats_per_character_interval"]
        assert row[4] == ("-" if interval is None else "{:.5f} - {:.5f}".format(*interval))
        assert row[3] == f"{record['nats_per_character']:.5f}"
        assert calibration[1:3] == [f"{record['accuracy']:.1%}", f"{record['confidence']:.1%}"]
        assert calibration[3] == f"{record['calibration_error']:.2%}"
        assert calibration[4] == f"{record['calibration_error_by_chance']:.2%}"
    assert rows[1][4] == "-"  # of six strings
    assert rows[-1][4] != "-"  # of sixty


def test_evaluate_json_has_these_keys(answer, tiny_path):
    out, _ = answer("evaluate tiny.safetensors list.txt --samples 9 --json")
    *losses, samples, held_out = records(out)
    assert [record["part"] for record in losses] == PARTS
    for record in losses:
        assert list(record) == [
            *("part", "strings", "unknown", "predictions", "nats_per_character", "nats_per_character_interval"),
            *("bits_per_character", "bits_per_character_interval", "perplexity", "accuracy", "confidence"),
            *("calibration_error", "calibration_error_by_chance"),
        ]
    assert list(samples) == [
        *("part", "against", "strings", "new", "held_out", "looked_at", "one_edit", "two_edits", "compared"),
        *("distinct", "length_distance", "character_divergence", "pair_divergence"),
    ]
    assert [samples["part"], held_out["part"]] == ["samples", "held out"]
    assert list(held_out) == list(samples)


def test_evaluate_compares_samples_with_the_training_part(answer, tiny_path, tiny_model, strings):
    out, err = answer("evaluate tiny.safetensors list.txt --samples 50")
    header, (samples, held_out) = tables(out)[2]
    assert header[:6] == ["against train", "strings", "new", "1 edit", "2 edits", "held out"]
    assert err == ""
    parts = split(wavemore.read_corpus(strings), tiny_model.file_.recipe.data)
    aside = [*parts.validation, *parts.test]
    drawn = tiny_model.sample(50, seed=0)
    new = sum(string not in parts.train for string in drawn) / 50
    among = sum(string in aside for string in drawn) / 50
    fresh = [string for string in drawn if string not in parts.train]
    nearest = [min(distance(string, other) for other in parts.train) for string in fresh]
    near = [f"{nearest.count(edits) / len(fresh):.1%}" for edits in (1, 2)]
    assert samples[:7] == ["samples", "50", f"{new:.1%}", *near, f"{among:.1%}", str(len(aside))]
    assert held_out[:3] == ["held out", str(len(aside)), "100.0%"]
    assert held_out[5:7] == ["-", str(len(aside))]
    assert answer("evaluate tiny.safetensors list.txt --samples 50") == (out, err)  # the same samples again


def test_evaluate_compares_samples_with_another_list(answer, tiny_path, tiny_model):
    """What the model has seen of it nobody knows: there is no training part and nothing is held out."""
    drawn = tiny_model.sample(4, seed=0)
    Path("other.txt").write_text(f"{drawn[0]}\nkolokolokolo\n")
    header, rows = tables(answer("evaluate tiny.safetensors other.txt --samples 4")[0])[2]
    assert header[0] == "against all"
    assert [row[0] for row in rows] == ["samples"]
    assert rows[0][1:3] == ["4", f"{1 - drawn.count(drawn[0]) / 4:.1%}"]
    assert rows[0][5:7] == ["-", "4"]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ("-3", "the number of strings is -3; it must be a whole number of 0 or more"),
        ("many", "Invalid value for '--samples': \"many\" is not a whole number; see: wavemore evaluate --help"),
    ],
)
def test_evaluate_refuses_a_number_of_samples_that_is_none(answer, tiny_path, capfd, samples, message):
    assert run(["evaluate", "tiny.safetensors", "list.txt", "--samples", samples]) == 2
    assert capfd.readouterr() == ("", f"wavemore: {message}\n")


def test_evaluate_memory_holds_training_strings_against_held_out_ones(answer, tiny_path, tiny_model, strings):
    out, err = answer("evaluate tiny.safetensors list.txt --memory")
    *shown, said = out.removesuffix("\n").split("\n\n")
    header, (train, held_out) = tables("\n\n".join(shown) + "\n")[2]
    assert header == ["distinct strings", "strings", "probability", "mean of each"]
    parts = split(wavemore.read_corpus(strings), tiny_model.file_.recipe.data)
    masses = []
    for row, part in ((train, {*parts.train}), (held_out, {*parts.validation, *parts.test})):
        total = sum(math.exp(score) for score in tiny_model.score_samples(sorted(part)))
        assert row[1:] == [str(len(part)), f"{total:.3%}", f"{total / len(part):.3g}"]
        masses.append(total / len(part))
    assert said.startswith(f"a training string is {masses[0] / masses[1]:.2f} times as likely as a held-out one")
    assert err == ""
    without, _ = answer("evaluate tiny.safetensors list.txt")
    assert out.startswith(without)
    *parts_, memory = records(answer("evaluate tiny.safetensors list.txt --memory --json")[0])
    assert [record["part"] for record in parts_] == PARTS
    assert (memory["part"], memory["samples"]) == ("memory", None)
    assert memory["factor"] == pytest.approx(masses[0] / masses[1])


def test_evaluate_memory_refuses_another_list(answer, tiny_path, capfd):
    Path("other.txt").write_text("bade\nkolo\n")
    assert run(["evaluate", "tiny.safetensors", "other.txt", "--memory"]) == 2
    assert capfd.readouterr() == (
        "",
        "wavemore: other is not the list that the model was trained on and has split, and what it knows by heart shows "
        "on that one alone; wavemore info MODEL --memory does without a list\n",
    )


def test_evaluate_shows_progress_for_each_part_and_for_samples(answer, tiny_path, monkeypatch):
    seen = []

    def counted(items, total, what, *, quiet):
        seen.append((what, total, quiet))
        yield from items

    monkeypatch.setattr(progress, "counted", counted)
    answer("evaluate tiny.safetensors list.txt --samples 7 -q")
    *parts, samples = seen
    assert [what for what, _, _ in parts] == [f"evaluating {part}" for part in PARTS]
    assert parts[-1] == ("evaluating all", 60, True)
    assert samples == ("sampling", 7, True)


def test_evaluate_another_list_as_a_whole(answer, tiny_path):
    Path("other.txt").write_text("bade\nkolo\nxyz\n")
    out, err = answer("evaluate tiny.safetensors other.txt --json")
    (record,) = records(out)
    assert (record["part"], record["strings"], record["unknown"], record["predictions"]) == ("all", 2, 1, 10)
    assert record["nats_per_character_interval"] is record["bits_per_character_interval"] is None
    assert (
        err == "wavemore: strings left out for a character that the model does not know (their probability is 0): 1\n"
    )
    assert answer("evaluate tiny.safetensors other.txt --json -q") == (out, "")


def test_evaluate_standard_input(answer, tiny_path, monkeypatch):
    Path("other.txt").write_text("bade\nkolo\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"bade\nkolo\n")))
    assert answer("evaluate tiny.safetensors -") == answer("evaluate tiny.safetensors other.txt")


def test_evaluate_with_one_argument_takes_the_model_in_the_package(answer):
    a, b = ModelFile.load(pretrained_path()).vocabulary.characters[:2]
    Path("other.txt").write_text(f"{a}{b}{b}\n{b}\n")
    (record,) = records(answer("evaluate other.txt --json")[0])
    assert record["predictions"] == 6
