"""`wavemore explain`: plain text in pipes, colours on a terminal, JSON, and what it refuses."""

import io
import json
import re
import shlex
import sys
from math import log
from pathlib import Path

import pytest
import typer
from command_line import Said
from imported import heavy, imported_by

from wavemore.cli import app, run
from wavemore.cli.explain import _name, _shown, _width
from wavemore.estimator import StringModel, load


@pytest.fixture
def said(tiny_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> Said:
    """Run `wavemore explain` beside tiny.safetensors; what it said on both streams."""
    monkeypatch.chdir(tiny_path.parent)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return lambda line, code=0: said(f"explain {line}", code)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(line: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """What the command writes to a terminal."""
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", terminal)
        patch.setenv("TERM", "xterm")
        for name, value in environment.items():
            patch.setenv(name, value)
        assert run(["explain", *shlex.split(line)]) == 0
    return terminal.getvalue()


def test_a_headline_and_a_line_for_each_character(said, tiny_model: StringModel):
    out, err = said("tiny.safetensors bada ko -k 2")
    assert err == ""
    blocks = out.removesuffix("\n").split("\n\n")
    explained = tiny_model.explain(["bada", "ko"], alternatives=2)
    for block, explanation in zip(blocks, explained, strict=True):
        headline, *lines = block.split("\n")
        score = tiny_model.score_samples([explanation.string])[0]
        bits = -score / log(2) / (len(explanation.string) + 1)
        assert headline == f"{explanation.string}  log-likelihood {score:.3f} nats, {bits:.3f} bits per character"
        for line, prediction in zip(lines, explanation.predictions, strict=True):
            found = re.fullmatch(r"  (\S+) +(\S+) +(\S+ bits)  rank +(\d+)  (.*)", line)
            assert found
            character, probability, surprise, rank, expected = found.groups()
            assert character == (prediction.character or "end")
            assert probability == ("<0.1%" if prediction.probability < 0.001 else f"{prediction.probability:.1%}")
            assert surprise == f"{prediction.bits:.2f} bits"
            assert rank == str(prediction.rank)
            assert [part.split()[0] for part in expected.split(", ")] == [
                other.character or "end" for other in prediction.alternatives
            ]
            assert expected.endswith("%")
        assert len({line.index(" bits") for line in lines}) == 1  # the columns stand below one another


def test_without_a_model_the_one_in_the_package(said):
    out, _ = said("emma")
    score = load().score_samples(["emma"])[0]
    assert out.startswith(f"emma  log-likelihood {score:.3f} nats, ")
    assert out.count("\n") == 6
    assert all(line.count(", ") == 4 for line in out.split("\n")[1:-1])  # five alternatives


def test_an_unknown_character_and_what_follows_it(said):
    headline, *lines = said("tiny.safetensors 'ba?do' -k 1")[0].split("\n")
    assert headline == "ba?do  probability 0: the model does not know ?"
    assert re.fullmatch(r"  \?    0\.0%     inf bits  rank   -  \w+ +\S+%", lines[2])
    assert lines[3:] == ["  what follows it is not predicted: do", ""]
    assert "not predicted" not in said("tiny.safetensors 'ba?'")[0]


def test_no_alternatives_leave_no_blanks_at_line_ends(said):
    out, _ = said("tiny.safetensors ba -k 0")
    assert all(re.search(r"(rank +\d+|character)$", line) for line in out.removesuffix("\n").split("\n"))


def test_the_empty_string(said):
    headline, line, _ = said("tiny.safetensors ''")[0].split("\n")
    assert headline.startswith("the empty string  log-likelihood -")
    assert line.startswith("  end ")


def test_json(said, tiny_model: StringModel):
    out, err = said("tiny.safetensors bada 'x' --json -k 3")
    expected = [explanation.to_dict() for explanation in tiny_model.explain(["bada", "x"], alternatives=3)]
    assert [json.loads(line) for line in out.removesuffix("\n").split("\n")] == json.loads(json.dumps(expected))
    assert err == ""
    assert "Infinity" not in out


# What is seen, and what is not.


@pytest.mark.parametrize(
    ("string", "shown", "width"),
    [
        ("a", "a", 1),
        (" ", '" "', 3),
        ("", "end", 3),
        ("\u200b", r"\u200b", 6),
        ("\n", r"\n", 2),
        ("\udcff", r"\udcff", 6),
        ("\u0301", "\N{DOTTED CIRCLE}\u0301", 1),
        ("漢", "漢", 2),
    ],
)
def test_characters_by_themselves(string, shown, width):
    assert _name(string) == shown
    assert _width(_name(string)) == width


def test_strings_show_their_marks_where_they_stand():
    assert _shown("e\u0301a b\u200b") == r"éa b\u200b".replace("é", "e\u0301")
    assert _shown("\u0301a") == "\N{DOTTED CIRCLE}\u0301a"
    assert _shown("") == ""


def test_columns_hold_with_wide_and_escaped_characters(said):
    wide, escaped = (block.split("\n")[1:4] for block in said("tiny.safetensors ba漢 ba\u200b")[0].split("\n\n"))
    assert [line.index(" bits") for line in wide[:2]] == [wide[2].index(" bits") + 1] * 2  # one character, two columns
    assert len({line.index(" bits") for line in escaped}) == 1
    assert escaped[2].startswith(r"  \u200b  ")


# Colours.


def test_a_terminal_has_colours_by_surprise(said, monkeypatch):
    plain, _ = said("tiny.safetensors bada bbbb")
    out = on_terminal("tiny.safetensors bada bbbb", monkeypatch)
    assert re.sub(r"\x1b\[[0-9;]*m", "", out) == plain
    coloured = re.findall(r"\x1b\[([0-9;]+)m[^\x1b]*?([\d.]+) bits  rank +\d+\x1b\[0m", out)
    assert len(coloured) == plain.count(" rank ") == 10
    blind = log(8) / log(2)  # seven characters and the end
    for colour, bits in coloured:
        expected = "32" if float(bits) <= blind / 2 else "33" if float(bits) <= blind else "1;31"
        assert colour == expected
    assert {colour for colour, _ in coloured} == {"32", "33", "1;31"}


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours_for_who_wants_none(said, monkeypatch, environment):
    plain, _ = said("tiny.safetensors bada")
    assert on_terminal("tiny.safetensors bada", monkeypatch, **environment) == plain


def test_an_empty_no_color_is_none(said, monkeypatch):
    assert "\x1b[" in on_terminal("tiny.safetensors bada", monkeypatch, NO_COLOR="")


def test_json_has_no_colours(said, monkeypatch):
    assert "\x1b[" not in on_terminal("tiny.safetensors bada --json", monkeypatch)


def test_in_a_pipe_nothing_heavy_is_imported(tiny_path):
    modules = imported_by("-m", "wavemore", "explain", str(tiny_path), "bada")
    assert "wavemore.judging.explanation" in modules
    assert heavy(modules) == set()
    assert heavy(imported_by("-m", "wavemore", "explain", "--help")) == set()


# What it refuses.


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        (
            "tiny.safetensors",
            2,
            "tiny.safetensors is a model; name a string to explain with it, as in: "
            "wavemore explain tiny.safetensors emma",
        ),
        ("tiny.safetensors ba -k -1", 2, "the number of alternatives is -1; it must be a whole number of 0 or more"),
        (
            "ba -k x",
            2,
            "Invalid value for '-k' / '--alternatives': \"x\" is not a whole number; see: wavemore explain --help",
        ),
        ("tinny.safetensors ba", 1, "cannot read the model tinny.safetensors: No such file or directory"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(said, line, code, sentence):
    out, err = said(line, code)
    assert (out, err) == ("", f"wavemore: {sentence}\n")


def test_a_string_may_have_the_name_of_some_file(said):
    Path("emma").write_text("no model")
    assert said("emma")[0].startswith("emma  log-likelihood ")
    assert said("ba.safetensors")[0].startswith("ba.safetensors  probability 0: ")


def test_help_has_examples_that_parse(said):
    out, _ = said("--help")
    lines = re.findall(r"(?<=wavemore )explain.*", out.split("\n  Examples\n")[1].split("\n\n")[0])
    assert len(lines) == 4
    group = typer.main.get_command(app)
    for line in lines:
        name, *words = shlex.split(re.split(r"   ", line)[0])
        group.commands[name].make_context(name, words)  # type: ignore[attr-defined]


def test_closed_output(said, monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdout", None)
    assert run(["explain", "emma"]) == 1
    assert "closed" in capfd.readouterr().err
