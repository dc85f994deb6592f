"""No command writes over what it reads, and no model is replaced unasked."""

import os
import shlex
from pathlib import Path

import pytest
from command_line import FAILED, WRONG_USAGE, in_shell

from wavemore.cli import run


def same(output: str, read: str) -> str:
    return f"{output} is the file {read}, which is read; write to another file"


@pytest.fixture
def inputs(tmp_path: Path, tiny_path: Path, strings: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """list.txt, table.csv and tiny.safetensors under several names."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings) + "\n")
    Path("table.csv").write_text("name\n" + "\n".join(strings) + "\n")
    Path("tiny.toml").write_text("[model]\nhidden = 4\n[train]\nsteps = 2\n")
    Path("link").symlink_to("table.csv")
    Path("chain").symlink_to("link")
    Path("folder").mkdir()
    Path("folder/up").symlink_to("../table.csv")
    os.link("table.csv", "hard.csv")
    os.link("list.txt", "hard.txt")
    os.link("tiny.safetensors", "hard.safetensors")
    return tmp_path


@pytest.mark.parametrize("output", ["table.csv", "./table.csv", "link", "chain", "hard.csv", "folder/up", "HERE"])
@pytest.mark.parametrize("command", ["score tiny.safetensors", "odd"])
def test_the_list_itself_under_any_name(inputs, refused, command, output):
    output = output.replace("HERE", str(inputs / "table.csv"))
    line = f"{command} table.csv --column name -o {output}"
    assert refused(WRONG_USAGE, *shlex.split(line)) == same(output, "table.csv")


@pytest.mark.parametrize(
    ("line", "output", "read"),
    [
        ("score tiny.safetensors list.txt -o tiny.safetensors", "tiny.safetensors", "tiny.safetensors"),
        ("score list.txt --against tiny.safetensors -o hard.safetensors", "hard.safetensors", "tiny.safetensors"),
        ("score link --format csv --column name -o table.csv", "table.csv", "link"),
        ("score tiny.safetensors -s anna -o ./tiny.safetensors", "./tiny.safetensors", "tiny.safetensors"),
        ("odd hard.txt -o list.txt", "list.txt", "hard.txt"),
        ("train list.txt -o list.txt", "list.txt", "list.txt"),
        ("train list.txt -o hard.txt --force", "hard.txt", "list.txt"),
        ("train names --validation list.txt -o list.txt", "list.txt", "list.txt"),
        ("train names --validation table.csv --test list.txt -o hard.txt", "hard.txt", "list.txt"),
        ("train list.txt --recipe tiny.toml -o ./tiny.toml", "./tiny.toml", "tiny.toml"),
        *[
            (
                f"train list.txt --set train.teacher=tiny.safetensors -o {output} --{asked}",
                output,
                "tiny.safetensors",
            )
            for output, asked in (("tiny.safetensors", "force"), ("hard.safetensors", "restart"))
        ],
        ("inspect tiny.safetensors list.txt -o list.txt", "list.txt", "list.txt"),
    ],
)
def test_everything_that_is_read(inputs, refused, line, output, read):
    assert refused(WRONG_USAGE, *shlex.split(line)) == same(output, read)


@pytest.mark.parametrize(
    "line", ["score list.txt >> list.txt", "odd list.txt >> hard.txt", "score -s a --against list.txt >> list.txt"]
)
def test_a_shell_that_appends_to_the_list(inputs, line):
    """What is written would be read again, and so on."""
    before = Path("list.txt").read_bytes()
    done = in_shell(f"wavemore {line}", inputs)
    assert done.returncode == WRONG_USAGE
    assert done.stderr == f"wavemore: {same('standard output', 'list.txt')}\n"
    assert Path("list.txt").read_bytes() == before


def test_other_files_and_names_of_lists_may_be_written(inputs):
    Path("old.csv").write_text("old")
    assert run(shlex.split("score tiny.safetensors table.csv --column name -o old.csv")) == 0
    assert Path("old.csv").read_text().startswith("name,log_likelihood")
    assert run(shlex.split("score tiny.safetensors dinosaurs -o dinosaurs")) == 0  # the list in the package
    assert run(shlex.split("odd table.csv --column name -o /dev/null")) == 0


# Models.


@pytest.mark.parametrize("output", ["tiny.safetensors", "./tiny.safetensors", "hard.safetensors", "model"])
@pytest.mark.parametrize("more", ["", "-q", "--recipe ngram", "--no-record", "--private --recipe ngram"])
def test_a_model_is_not_replaced_unasked(inputs, refused, output, more):
    Path("model").symlink_to("tiny.safetensors")
    assert refused(WRONG_USAGE, *shlex.split(f"train list.txt -o {output} {more}")) == (
        f"{output} is a model already; add --force to replace it, or name another file with --output"
    )


@pytest.mark.parametrize("asked", ["", "--force", "--restart"])
def test_what_is_no_model_is_never_replaced(inputs, refused, asked):
    line = f"train list.txt -o table.csv --recipe ngram {asked}"
    assert refused(FAILED, *shlex.split(line)) == (
        "table.csv exists and is not a wavemore model, so it is left alone; choose another --output"
    )


def test_the_demonstration_runs_twice(inputs):
    """As the Makefile has it."""
    for _ in range(2):
        assert run(shlex.split("train list.txt -o demo.safetensors --recipe tiny.toml --restart -q")) == 0


def test_forcing_keeps_a_stopped_run(inputs, refused):
    """It is about the model alone."""
    Path("tiny.safetensors.checkpoint").write_bytes(b"wavemore-checkpoint")
    assert refused(WRONG_USAGE, *shlex.split("train list.txt -o tiny.safetensors --force")).startswith(
        "tiny.safetensors.checkpoint holds a stopped run; add --resume"
    )


@pytest.mark.parametrize("line", ["score - < list.txt >> list.txt", "odd - --all < list.txt >> hard.txt"])
def test_standard_input_that_is_the_output(inputs, line):
    before = Path("list.txt").read_bytes()
    done = in_shell(f"wavemore {line}", inputs)
    assert done.returncode == WRONG_USAGE
    assert done.stderr == "wavemore: standard output is the file standard input, which is read; write to another file\n"
    assert Path("list.txt").read_bytes() == before


@pytest.mark.parametrize("asked", ["", "--restart", "--resume", "--force"])
def test_what_is_no_stopped_run_is_left_alone(inputs, refused, asked):
    Path("new.safetensors.checkpoint").write_text("my diary\n")
    assert refused(FAILED, *f"train list.txt --recipe ngram -o new.safetensors {asked}".split()) == (
        "new.safetensors.checkpoint exists and is not a stopped run, so it is left alone; move it"
    )
    assert Path("new.safetensors.checkpoint").read_text() == "my diary\n"
