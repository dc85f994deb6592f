"""The program as a whole: help, version, exit codes, settings on the command line; bars stay out of the results."""

import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
import typer
from command_line import Terminal, error_terminal
from typer.core import TyperGroup

import wavemore
from wavemore import progress
from wavemore.cli import COMMANDS, app, run
from wavemore.cli.options import settings_of
from wavemore.errors import UsageError


def test_without_arguments_help_is_shown(answer):
    assert answer("") == answer("--help") == answer("-h")
    out, err = answer("")
    assert out.startswith("Usage: wavemore ")
    assert all(f"\n  {command} " in out for command in COMMANDS)
    assert err == ""


def test_help_lists_each_command_with_its_own_first_sentence():
    group: Any = typer.main.get_command(app)
    assert list(group.commands) == list(COMMANDS) == group.list_commands(None)
    for name, first in COMMANDS.items():
        paragraph = " ".join(group.commands[name].help.split("\n\n")[0].split())
        assert re.match(r".*?\.(?= |$)", paragraph)[0] == first  # type: ignore[index]
    assert "tain" not in group.commands


@pytest.mark.parametrize("width", [40, 80, 300])
def test_help_cuts_sentences_as_typer_does(width):
    group: Any = typer.main.get_command(app)
    all_built = TyperGroup(name="wavemore", commands=dict(group.commands), rich_markup_mode=None)

    def listed(of: Any) -> str:
        context = of.context_class(of, info_name="wavemore", terminal_width=width, max_content_width=width)
        return context.get_help().split("\nCommands:\n")[1]

    assert listed(group) == listed(all_built)


@pytest.mark.parametrize(("word", "meant"), [("sampel", "sample"), ("tain", "train"), ("infos", "info")])
def test_a_command_with_a_typo_is_guessed(capfd, word, meant):
    assert run([word]) == 2
    assert capfd.readouterr() == ("", f"wavemore: No such command '{word}'. Did you mean '{meant}'?\n")


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


@pytest.mark.parametrize(
    ("words", "code", "out"),
    [("--version", 0, f"wavemore {wavemore.__version__}"), ("tain", 2, ""), ("info -q x", 2, "")],
)
def test_the_program_ends_without_a_search_for_garbage(tmp_path, words, code, out):
    script = (
        "import atexit, gc; from wavemore.cli import main; "
        "atexit.register(lambda: print(len(gc.get_objects()) < 1000 < gc.get_freeze_count())); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words.split()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stdout == f"{out}\nTrue\n".lstrip()


def test_interrupt_outside_of_training_says_so(answer, monkeypatch, capfd):
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wavemore.lists.corpus.read_corpus", interrupt)
    assert run(["train", "list.txt"]) == 130
    assert capfd.readouterr() == ("", "wavemore: stopped; nothing was written\n")


def test_bugs_show_a_traceback(answer, monkeypatch):
    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("wavemore.lists.corpus.read_corpus", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        run(["train", "list.txt"])


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


def test_bar_stays_out_of_the_results(answer, tiny_path, monkeypatch):
    """A drawn bar must not carry what is printed meanwhile to standard error, as rich would by itself."""
    terminal = error_terminal(monkeypatch)
    out, _ = answer("sample tiny.safetensors -n 9 --seed 1")
    assert re.fullmatch(r"([abdeklo]+\n){9}", out)
    assert "sampling: " in terminal.getvalue()
    assert "sampling" not in out


def test_bar_of_training_is_on_the_terminal(answer, monkeypatch):
    terminal = error_terminal(monkeypatch)
    out, _ = answer("train list.txt --recipe tiny.toml")
    assert out.count("\n") == 4
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
    monkeypatch.setattr(progress, "_AFTER", 5.0)
    answer("sample tiny.safetensors -n 9")
    assert shown.getvalue().count("\n") == 9
    assert terminal.getvalue() == ""
