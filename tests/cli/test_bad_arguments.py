"""Arguments that make no sense: one sentence on standard error, the right exit code, and files as they were."""

from pathlib import Path

import pytest
from command_line import FAILED, WRONG_USAGE, sentence, without

from wavemore.settings.config import recipe_names


def test_unknown_recipe(refused):
    assert refused(WRONG_USAGE, "train", "list.txt", "--recipe", "lectrue") == (
        'unknown recipe "lectrue" (did you mean "lecture"?); '
        f"recipes are auto, {', '.join(recipe_names())}, or a file that ends in .toml"
    )


def test_unknown_key(refused):
    assert refused(WRONG_USAGE, "train", "list.txt", "--set", "train.stps=100") == (
        'unknown key "train.stps" (did you mean "steps"?)'
    )
    assert refused(WRONG_USAGE, "train", "list.txt", "--set", "stps=100") == (
        'unknown setting "stps"; settings are written table.key'
    )
    Path("odd.toml").write_text("[modle]\nhidden = 8\n")
    assert refused(WRONG_USAGE, "train", "list.txt", "--recipe", "odd.toml") == (
        'the recipe odd.toml: unknown key "modle" (did you mean "model"?)'
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sample -n many", """Invalid value for '-n': "many" is not a whole number; see: wavemore sample --help"""),
        ("sample -n 1.5", """Invalid value for '-n': "1.5" is not a whole number; see: wavemore sample --help"""),
        (
            "sample --temperature hot",
            """Invalid value for '--temperature': "hot" is not a number; see: wavemore sample --help""",
        ),
        ("sample --temperature 0", "the temperature is 0.0; it must be a finite number above 0"),
        ("sample --temperature nan", "the temperature is nan; it must be a finite number above 0"),
        ("train list.txt --set train.steps=many", 'train.steps = "many"; it must be a whole number'),
        ("train list.txt --set train.patience=-1", "train.patience = -1; it must be 0 or more"),
        ("train list.txt --set model.groups=[2,0]", "model.groups = [2, 0]; it must have groups of 1 or more"),
        ("trace --recipe notes --batch 0", "the batch is 0; it must be from 1 to 1000000"),
        ("trace --recipe notes --vocabulary 1", "the vocabulary is 1; it must be from 2 to 1000000"),
    ],
)
def test_bad_number(refused, line, message):
    assert refused(WRONG_USAGE, *line.split()) == message


def test_negative_count(refused, tiny_path):
    assert refused(WRONG_USAGE, "sample", "tiny.safetensors", "-n", "-1") == (
        "the number of strings is -1; it must be a whole number of 0 or more"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the list has an empty name; give a file or a list's name"),
        ("list.txt --format xml", 'unknown format "xml"; choose text, csv, tsv, jsonl, json, counted'),
        ("list.txt --set train.steps", '--set train.steps has no "="; write it as key=value, such as train.steps=1000'),
        ("list.txt --recipe odd.toml", "the recipe odd.toml is not a TOML file: Invalid value (at end of document)"),
        ("list.txt -o -", '--output is "-"; it must be the name of a file'),
        ("list.txt -o ", '--output is ""; it must be the name of a file'),
        ("- --validation -", "only one list can be read from standard input; give a file for the others"),
        ("list.txt --test list.txt", "a test list of its own needs a validation list of its own; give both or neither"),
        ("list.txt --resume --restart", "--resume and --restart exclude each other; choose one"),
        (
            "list.txt --resume",
            "there is no stopped run to resume: list.safetensors.checkpoint does not exist; leave out --resume",
        ),
    ],
)
def test_train_arguments_that_make_no_sense(refused, line, message):
    Path("odd.toml").write_text("x = [")
    assert refused(WRONG_USAGE, "train", *line.split(" ")) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trian", "No such command 'trian'. Did you mean 'train', 'trace'?"),
        ("train", "Missing argument 'LIST'; see: wavemore train --help"),
        ("train list.txt more.txt", "Got unexpected extra argument(s) (more.txt); see: wavemore train --help"),
        ("sample --bogus", "No such option: --bogus; see: wavemore sample --help"),
        ("sample -n", "Option '-n' requires an argument"),
        (
            "trace tiny.safetensors --recipe notes",
            "trace either the model tiny.safetensors or the recipe notes, not both",
        ),
        (
            "trace tiny.safetensors --set model.hidden=3",
            "--set and --vocabulary go with --recipe: a model file has its own settings and characters",
        ),
        ("trace --recipe ngram", 'the recipe ngram is of kind "ngram", and only a "wavenet" has layers to trace'),
    ],
)
def test_command_lines_that_make_no_sense(refused, line, message):
    assert refused(WRONG_USAGE, *line.split()) == message


@pytest.mark.parametrize(
    ("line", "purpose"),
    [("train list.txt --recipe lstm", "training this recipe"), ("trace --recipe notes", "wavemore trace")],
)
def test_torch_absent(tmp_path, strings, line, purpose):
    (tmp_path / "list.txt").write_text("\n".join(strings))
    done = without("torch", tmp_path, *line.split())
    assert done.returncode == FAILED
    assert sentence(done.stdout, done.stderr) == (
        f"{purpose} needs PyTorch, which is not installed; install it with: pip install 'wavemore[torch]'"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_more_memory_than_there_is(refused_in_shell):
    """PyTorch's own way to say it is a RuntimeError with the trace of its allocator."""
    assert refused_in_shell(
        FAILED, "ulimit -v 8000000; wavemore trace --recipe notes --set model.hidden=65536 --batch 2"
    ) == ("there is not enough memory for this; try smaller settings or a smaller list")
