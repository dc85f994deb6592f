"""The commands: results on standard output, messages on standard error, and the exit code."""

import io
import json
import math
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import wavemore
from wavemore import progress
from wavemore.cli import app, run
from wavemore.cli.options import settings_of
from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.lists.corpus import split
from wavemore.models.modelfile import ModelFile, pretrained_path

COMMANDS = ("train", "sample", "score", "evaluate", "compare", "plot", "study", "trace", "inspect", "info")

RECIPE = """
[model]
groups = [2, 2]
embedding = 4
hidden = 8

[train]
steps = 60
batch = 32
evaluate_every = 20
"""

# Some seconds of training, so that it can be stopped in the middle.
LONG_RECIPE = RECIPE.replace("steps = 60", "steps = 1000").replace("evaluate_every = 20", "evaluate_every = 100")

Answer = Callable[..., tuple[str, str]]


def prepare(folder: Path, strings: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "list.txt").write_text("\n".join(strings) + "\n")
    (folder / "tiny.toml").write_text(RECIPE)
    (folder / "long.toml").write_text(LONG_RECIPE)


@pytest.fixture
def answer(tmp_path: Path, strings: list[str], monkeypatch: pytest.MonkeyPatch, capfd) -> Answer:
    """Run a command line, which must succeed, beside list.txt and tiny.toml; what it said on both streams."""
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path, strings)

    def answer(line: str) -> tuple[str, str]:
        capfd.readouterr()
        code = run(shlex.split(line))
        out, err = capfd.readouterr()
        assert code == 0, err
        return out, err

    return answer


def records(out: str) -> list[dict[str, Any]]:
    """Every line of the output as JSON."""
    assert out.endswith("\n")
    return [json.loads(line) for line in out.removesuffix("\n").split("\n")]


# The program as a whole.


def test_without_arguments_help_is_shown(answer):
    assert answer("") == answer("--help") == answer("-h")
    out, err = answer("")
    assert out.startswith("Usage: wavemore ")
    assert all(f"\n  {command} " in out for command in COMMANDS)
    assert err == ""


def test_version(answer):
    assert answer("--version") == (f"wavemore {wavemore.__version__}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_has_examples_that_parse(answer, name):
    out, err = answer(f"{name} --help")
    assert err == ""
    _, examples = out.split("\n  Examples\n")
    lines = re.findall(r"(?<=wavemore )\S.*", examples.split("\n\n")[0])
    assert lines
    group: Any = typer.main.get_command(app)
    for line in lines:
        words = shlex.split(re.split(r"   | > ", line)[0])  # neither a remark nor a redirection
        assert words[0] == name
        group.commands[name].make_context(name, words[1:])


def test_python_m_wavemore_is_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "wavemore", "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"wavemore {wavemore.__version__}\n"


def test_interrupt_outside_of_training_is_quiet(answer, monkeypatch, capfd):
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wavemore.lists.corpus.read_corpus", interrupt)
    assert run(["train", "list.txt"]) == 130
    assert capfd.readouterr() == ("", "")


def test_bugs_show_a_traceback(answer, monkeypatch):
    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("wavemore.lists.corpus.read_corpus", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        run(["train", "list.txt"])


# train


def test_train_writes_a_model_and_reports(answer):
    out, err = answer("train list.txt --recipe tiny.toml -o model.safetensors")
    assert re.fullmatch(
        r"model\.safetensors: 328 parameters, weights of step \d\d\n"
        r"train \d\.\d{5}, validation \d\.\d{5} nats per character\n"
        r"of 1,000 samples \d+\.\d% are new, that is, not on the list\n",
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
    assert answer(line)[1].endswith("wavemore: model.safetensors replaces the model that was there\n")
    assert answer(f"{line} -q")[1] == ""


def test_train_says_that_a_model_is_worse_than_guessing(answer):
    line = "train list.txt --recipe tiny.toml --set train.keep=last -q"
    assert answer(line)[1] == ""
    ruined = answer(f"{line} --set train.optimizer=adamw --set train.rate=10")[1]
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
    assert answer("train gappy.txt --recipe tiny.toml")[1].startswith("wavemore: gappy: skipped 2: 2 blank (lines ")


def test_train_json(answer):
    out, err = answer("train list.txt --recipe tiny.toml --json")
    (record,) = records(out)
    losses = ModelFile.load("list.safetensors").provenance["losses"]
    assert record.pop("new_samples") in range(1001)
    assert record.pop("step") in (20, 40, 60)
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
    answer("train list.txt --recipe tiny.toml -q --set train.seed=7 --set model.hidden=5 --set data.split=lecture")
    again = ModelFile.load("list.safetensors").weights
    assert all((weights[name] == again[name]).all() for name in weights)


def test_train_takes_a_column(answer, strings):
    Path("table.csv").write_text("id,name\n" + "".join(f"{i},{string}\n" for i, string in enumerate(strings)))
    answer("train table.csv --column name --recipe tiny.toml -q")
    Path("table.txt").write_text(Path("table.csv").read_text().replace(",", "\t"))
    answer("train table.txt --column 2 --format tsv --recipe tiny.toml -q -o tab.safetensors")
    data = ModelFile.load("table.safetensors").provenance["data"]
    assert data["strings"] == len(strings)
    assert ModelFile.load("tab.safetensors").provenance["data"]["strings"] == len(strings) + 1  # its header too


def test_train_with_lists_held_out(answer):
    Path("held.txt").write_text("bade\nkolo\n")
    answer("train list.txt --validation held.txt --test held.txt --recipe tiny.toml -q")
    split = ModelFile.load("list.safetensors").provenance["split"]
    assert (split["kind"], split["train"], split["validation"], split["test"]) == ("given", 60, 2, 2)


def test_train_replaces_a_model(answer, tiny_path):
    before = tiny_path.read_bytes()
    answer("train list.txt --recipe tiny.toml -q --seed 1 -o tiny.safetensors")
    assert tiny_path.read_bytes() != before


def test_train_into_a_device_keeps_no_run_beside_it(answer):
    answer("train list.txt --recipe tiny.toml -q -o /dev/null")
    assert not Path("/dev/null.checkpoint").exists()


def test_train_restart_discards_the_stopped_run(answer):
    Path("list.safetensors.checkpoint").write_bytes(b"not even a sound one")
    answer("train list.txt --recipe tiny.toml -q --restart")
    assert not Path("list.safetensors.checkpoint").exists()
    assert ModelFile.load("list.safetensors").provenance["command"] == "wavemore train list.txt --recipe tiny.toml -q"


def test_train_restart_with_counts_discards_it_too(answer):
    Path("list.safetensors.checkpoint").write_bytes(b"not even a sound one")
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


def test_ctrl_c_before_the_first_save_of_a_restart_names_no_run(answer, monkeypatch, capfd):
    """The one that is there is the old one."""

    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    Path("list.safetensors.checkpoint").write_bytes(b"kept")
    monkeypatch.setattr("wavemore.fitting.fit_model", interrupt)
    assert run(["train", "list.txt", "--restart"]) == 130
    assert capfd.readouterr() == ("", "")
    assert Path("list.safetensors.checkpoint").read_bytes() == b"kept"


def test_train_file_names_that_are_no_text(answer):
    """A name may hold bytes that stand for no character."""
    Path("b\udcff.txt").write_bytes(Path("list.txt").read_bytes())
    answer("train b\udcff.txt --recipe tiny.toml -q")
    assert ModelFile.load("b\\udcff.safetensors").provenance["command"].startswith(r"wavemore train 'b\udcff.txt'")
    out, _ = answer("train list.txt --recipe tiny.toml -q -o m\udcff")
    assert out.startswith(r"m\udcff: ")
    assert Path("m\udcff").exists()


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
        assert process.stderr.readline().startswith("step   100 ")
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
    assert "step   100 " not in capfd.readouterr().err
    assert not Path("model.safetensors.checkpoint").exists()
    monkeypatch.chdir(whole)
    assert run(line) == 0
    assert (stopped / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


# sample


def test_sample_prints_one_string_a_line(answer, tiny_path):
    out, err = answer("sample tiny.safetensors -n 7 --seed 1")
    assert re.fullmatch(r"([abdeklo]+\n){7}", out)
    assert err == ""
    assert answer("sample tiny.safetensors -n 0") == ("", "")


def test_sample_without_arguments_takes_the_model_in_the_package(answer):
    out, err = answer("sample")
    assert out.count("\n") == 20
    assert err == ""


def test_sample_seed_repeats_and_more_strings_begin_alike(answer, tiny_path):
    five, _ = answer("sample tiny.safetensors -n 5 --seed 1")
    nine, _ = answer("sample tiny.safetensors -n 9 --seed 1")
    other, _ = answer("sample tiny.safetensors -n 5 --seed 2")
    assert nine.startswith(five)
    assert other != five
    assert answer("sample tiny.safetensors -n 30") != answer("sample tiny.safetensors -n 30")


def test_sample_options_reach_the_model(answer, tiny_path, tiny_model):
    out, _ = answer("sample tiny.safetensors -n 9 --seed 1 --starts-with ba --temperature 1.5 --length -4")
    expected = tiny_model.sample(9, starts_with="ba", temperature=1.5, length=(None, 4), seed=1)
    assert out.split() == expected
    assert max(map(len, expected)) == 4


def test_sample_json(answer, tiny_path):
    plain, _ = answer("sample tiny.safetensors -n 3 --seed 1")
    out, _ = answer("sample tiny.safetensors -n 3 --seed 1 --json")
    assert records(out) == [{"string": string} for string in plain.split()]


# evaluate


PARTS = ["train", "validation", "validation unseen", "test", "test unseen", "all"]


def tables(out: str) -> list[tuple[list[str], list[list[str]]]]:
    """The tables of the output: the words of the header, and of each row. Columns stand two spaces or more apart."""
    found = []
    for table in out.removesuffix("\n").split("\n\n"):
        lines = table.split("\n")
        assert len({len(line) for line in lines}) == 1  # the columns stand below one another
        header, *rows = (re.split(r" {2,}", line) for line in lines)
        found.append((header, rows))
    return found


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
        *("part", "against", "strings", "new", "held_out", "compared", "distinct", "length_distance"),
        *("character_divergence", "pair_divergence"),
    ]
    assert [samples["part"], held_out["part"]] == ["samples", "held out"]
    assert list(held_out) == list(samples)


def test_evaluate_compares_samples_with_the_training_part(answer, tiny_path, tiny_model, strings):
    out, err = answer("evaluate tiny.safetensors list.txt --samples 50")
    header, (samples, held_out) = tables(out)[2]
    assert header[:4] == ["against train", "strings", "new", "held out"]
    assert err == ""
    parts = split(wavemore.read_corpus(strings), tiny_model.file_.recipe.data)
    aside = [*parts.validation, *parts.test]
    drawn = tiny_model.sample(50, seed=0)
    new = sum(string not in parts.train for string in drawn) / 50
    among = sum(string in aside for string in drawn) / 50
    assert samples[:5] == ["samples", "50", f"{new:.1%}", f"{among:.1%}", str(len(aside))]
    assert held_out[:5] == ["held out", str(len(aside)), "100.0%", "-", str(len(aside))]
    assert answer("evaluate tiny.safetensors list.txt --samples 50") == (out, err)  # the same samples again


def test_evaluate_compares_samples_with_another_list(answer, tiny_path, tiny_model):
    """What the model has seen of it nobody knows: there is no training part and nothing is held out."""
    drawn = tiny_model.sample(4, seed=0)
    Path("other.txt").write_text(f"{drawn[0]}\nkolokolokolo\n")
    header, rows = tables(answer("evaluate tiny.safetensors other.txt --samples 4")[0])[2]
    assert header[0] == "against all"
    assert [row[0] for row in rows] == ["samples"]
    assert rows[0][1:5] == ["4", f"{1 - drawn.count(drawn[0]) / 4:.1%}", "-", "4"]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ("-3", "the number of strings is -3, and it is a whole number of 0 or more"),
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
        "wavemore: --memory needs the list that the model was trained on and has split, and other is another one; "
        "wavemore info MODEL --memory does without a list\n",
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


# trace


NOTES = """\
layer                  shape         parameters
Embedding              (32, 8, 10)          270
FlattenConsecutive(2)  (32, 4, 20)
Linear                 (32, 4, 100)       2,000
BatchNorm1d            (32, 4, 100)         200
Tanh                   (32, 4, 100)
FlattenConsecutive(2)  (32, 2, 200)
Linear                 (32, 2, 100)      20,000
BatchNorm1d            (32, 2, 100)         200
Tanh                   (32, 2, 100)
FlattenConsecutive(2)  (32, 200)
Linear                 (32, 100)         20,000
BatchNorm1d            (32, 100)            200
Tanh                   (32, 100)
Linear                 (32, 27)           2,700
BatchNorm1d            (32, 27)              54
sum                                      45,624

flattening alone: (8, 10) -> (4, 20) -> (2, 40) -> (80)
"""


def test_trace_of_the_notes(answer):
    assert answer("trace --recipe notes") == (NOTES, "")


def test_trace_takes_batch_vocabulary_and_settings(answer):
    out, _ = answer("trace --recipe notes --batch 5 --vocabulary 7 --set model.groups=[4,2] --set model.bias=true")
    shapes = re.findall(r"\(\d+(?:, \d+)+\)", out)
    assert shapes[:2] == ["(5, 8, 10)", "(5, 2, 40)"]
    assert "(5, 7)" in shapes
    assert out.endswith("\nflattening alone: (8, 10) -> (2, 40) -> (80)\n")


def test_trace_of_a_model(answer, tiny_path):
    out, _ = answer("trace tiny.safetensors --json --batch 3")
    steps = records(out)
    assert steps[0] == {"layer": "Embedding", "shape": [3, 4, 4], "parameters": 32}
    assert steps[-1]["shape"] == [3, 8]
    assert sum(step["parameters"] for step in steps) == ModelFile.load(tiny_path).parameter_count


# info


def test_info_shows_what_the_file_holds(answer):
    answer("train list.txt --recipe tiny.toml -q")
    out, err = answer("info list.safetensors")
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in out.removesuffix("\n").split("\n"))
    assert rows["parameters"] == "328"
    assert rows["context"] == "4 characters, groups (2, 2)"
    assert rows["characters"] == "7: abdeklo"
    assert rows["data strings"] == "60"
    assert rows["command"] == "wavemore train list.txt --recipe tiny.toml -q"
    assert re.fullmatch(r"\d\.\d{5}", rows["losses validation"])
    assert "data skipped" not in rows  # nothing was
    assert err == ""


def test_info_json(answer, tiny_path):
    (record,) = records(answer("info tiny.safetensors --json")[0])
    file = ModelFile.load(tiny_path)
    assert record == {
        "parameters": file.parameter_count,
        "characters": "abdeklo",
        "ngram_weight": None,
        "recipe": file.recipe.to_dict(),
        "provenance": file.provenance,
        "remembers": {"train_fingerprints": 42, "held_out_fingerprints": 10, "held_out_scores": 5},
    }


def test_info_says_what_the_file_remembers(answer, tiny_path):
    assert shown(answer("info tiny.safetensors")[0])["remembers"] == (
        "42 training and 10 held-out strings by 32 bits, 5 held-out scores"
    )
    answer("train list.txt --recipe tiny.toml -q --set data.remember=false")
    assert shown(answer("info list.safetensors")[0])["remembers"] == "no strings"
    (record,) = records(answer("info list.safetensors --json")[0])
    assert set(record["remembers"].values()) == {0}


def test_info_memory_tells_from_the_file_alone(answer, tiny_path, tiny_model):
    rows = shown(answer("info tiny.safetensors --memory")[0])
    drawn, seen = tiny_model.sample(50_000, seed=0), tiny_model.file_.seen
    for part, hit in (("train", seen.train(drawn)), ("held out", seen.held_out(drawn))):
        assert rows[f"memory {part}"].startswith(f"{hit.mean():.3%} of 50,000 samples are among ")
    assert rows["memory"].startswith("a training string is ")
    (record,) = records(answer("info tiny.safetensors --memory --json")[0])
    assert record["memory"]["samples"] == 50_000
    assert f"is {record['memory']['factor']:.2f} times" in rows["memory"]


def test_info_memory_needs_fingerprints(answer, capfd):
    answer("train list.txt --recipe tiny.toml -q --set data.remember=false")
    assert run(["info", "list.safetensors", "--memory"]) == 2
    assert capfd.readouterr() == (
        "",
        "wavemore: the model list.safetensors keeps no fingerprints of its strings, by which to tell them from others; "
        "evaluate it on its list with --memory, or train it again with data.remember = true\n",
    )


def shown(out: str) -> dict[str, str]:
    """The rows of `info` by name."""
    return dict(re.split(r"  +", line, maxsplit=1) for line in out.removesuffix("\n").split("\n"))


SMALL = "embedding = 4\nhidden = 8\n"


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (SMALL, {"kind": "wavenet", "norm": "batch", "activation": "tanh", "embedding": "4", "hidden": "8"}),
        (
            f'{SMALL}groups = [2, 2]\ncycles = 2\nnorm = "rms"\nactivation = "gated"\nresidual = true\nmembers = 2\n'
            "ngram = 3",
            {
                "kind": "wavenet",
                "members": "2",
                "context": "7 characters, groups (2, 2), 2 cycles",
                "norm": "rms",
                "activation": "gated",
                "connections": "residual",
            },
        ),
        (f'{SMALL}kind = "gru"', {"kind": "gru", "context": "the whole string", "embedding": "4", "layers": "1"}),
        (f'{SMALL}kind = "transformer"\nheads = 2', {"kind": "transformer", "hidden": "8", "heads": "2"}),
        ('kind = "ngram"\norder = 3', {"kind": "ngram", "context": "2 characters", "order": "3"}),
    ],
    ids=["wavenet", "mixture", "gru", "transformer", "ngram"],
)
def test_info_shows_every_kind_of_model(answer, model, rows):
    Path("kind.toml").write_text(f"[model]\n{model}\n[train]\nsteps = 2\n")
    answer("train list.txt -o kind.safetensors --recipe kind.toml -q")
    shown = dict(re.split(r"  +", line, maxsplit=1) for line in answer("info kind.safetensors")[0].splitlines())
    assert rows.items() <= shown.items()
    (record,) = records(answer("info kind.safetensors --json")[0])
    assert ("n-gram" in shown) == ("ngram = 3" in model) == (record["ngram_weight"] is not None)
    if "n-gram" in shown:
        assert shown["n-gram"] == f"order 3, weight {record['ngram_weight']:.3f}"
        assert float(shown["losses validation"]) < float(shown["losses network validation"])


def test_info_without_arguments_describes_the_model_in_the_package(answer):
    assert "data name" in answer("info")[0]


def test_info_shows_unprintable_characters_by_their_code_point(answer, strings):
    Path("odd.txt").write_text("\n".join(string + "\u200b" for string in strings))
    answer("train odd.txt --recipe tiny.toml -q")
    assert r"8: abdeklo\u{200b}" in answer("info odd.safetensors")[0]


# Parts of the command line.


def test_settings_are_toml_or_text_without_quotes():
    assert settings_of(["train.steps=5", "a.b = [1, 2]", "c.d=adamw", 'e.f="x=y"', "g.h=true", "i.j=[1"]) == {
        "train.steps": 5,
        "a.b": [1, 2],
        "c.d": "adamw",
        "e.f": "x=y",
        "g.h": True,
        "i.j": "[1",
    }
    assert settings_of(None) == {}
    assert settings_of(["a.b=1\nc=2"]) == {"a.b": "1\nc=2"}
    with pytest.raises(UsageError, match=r"^--set steps has no "):
        settings_of(["steps"])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def error_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """From now on standard error is a terminal, and bars do not wait to be drawn."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_AFTER", 0.0)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    return terminal


def test_bar_stays_out_of_the_results(answer, tiny_path, monkeypatch):
    """A drawn bar must not carry what is printed meanwhile to standard error, as rich would by itself."""
    terminal = error_terminal(monkeypatch)
    out, _ = answer("sample tiny.safetensors -n 9 --seed 1")
    assert re.fullmatch(r"([abdeklo]+\n){9}", out)
    assert "sampling" in terminal.getvalue()
    assert "9/9" in terminal.getvalue()


def test_bar_of_training_is_on_the_terminal(answer, monkeypatch):
    terminal = error_terminal(monkeypatch)
    out, _ = answer("train list.txt --recipe tiny.toml")
    assert out.count("\n") == 3
    assert "60/60 steps" in terminal.getvalue()
    assert "step 60  batch loss" in terminal.getvalue()


@pytest.mark.parametrize("line", ["sample -n 9 -q", "train list.txt --recipe tiny.toml -q"])
def test_quiet_has_no_bar(answer, monkeypatch, line):
    terminal = error_terminal(monkeypatch)
    answer(line)
    assert terminal.getvalue() == ""


def test_no_bar_between_results_on_a_terminal(answer, tiny_path, monkeypatch):
    terminal = error_terminal(monkeypatch)
    shown = Terminal()
    monkeypatch.setattr("sys.stdout", shown)
    answer("sample tiny.safetensors -n 9")
    assert shown.getvalue().count("\n") == 9
    assert terminal.getvalue() == ""
