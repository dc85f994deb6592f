"""On a terminal nothing that a user's text holds steers it: all that would is escaped; files and pipes keep it."""

import io
import json
import os
import re
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import respoiled

from wavemore.cli import run
from wavemore.cli.output import result_file, say, write_lines

pty = pytest.importorskip("pty")
tty = pytest.importorskip("tty")

ODD = [
    *("\x1b[31mred", "\x9b2Jcsi", "\x07bell", "\x08back", "\x00nul", "\x7fdel", "\x85next", "\x9d0;title\x9c"),
    *("\u202eover", "\u2066isolate\u2069", "\u200fright", "\u2028line", "\u2029paragraph", "\x0bvt\x0c"),
]
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]")


def escaped(text: str) -> str:
    return STEERING.sub(lambda found: repr(found[0])[1:-1], text)


@contextmanager
def terminal() -> Iterator[tuple[io.TextIOWrapper, Callable[[], str]]]:
    """A stream into a terminal that passes on all as it is, and what it has got, when the stream is closed."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    got = bytearray()

    def read() -> None:
        while True:
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # all has been read, and nobody can write any more
                return
            if not data:
                return
            got.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    stream = io.TextIOWrapper(os.fdopen(theirs, "wb"), "utf-8")

    def all_of_it() -> str:
        stream.close()
        reader.join()
        return got.decode("utf-8")

    try:
        yield stream, all_of_it
    finally:
        all_of_it()
        os.close(ours)


@pytest.fixture
def shown(tmp_path: Path, tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a terminal gets of both streams of a command that runs beside tiny.safetensors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "dumb")

    def shown(line: str | list[str], code: int = 0) -> str:
        with terminal() as (stream, got), monkeypatch.context() as patch:
            patch.setattr("sys.stdout", stream)
            patch.setattr("sys.stderr", stream)
            assert run(shlex.split(line) if isinstance(line, str) else line) == code
            return got()

    return shown


def test_escapes_are_those_of_python():
    assert escaped("\x1b\x9b\u202e\x07") == r"\x1b\x9b\u202e\x07"


@pytest.mark.parametrize("odd", ODD)
def test_lines_messages_and_bytes_of_every_command(odd, monkeypatch):
    """All that commands print goes one of these three ways."""
    for write in (
        lambda: write_lines([f"a {odd} z"]),
        lambda: say(f"a {odd} z"),
        lambda: _write_bytes(f"a {odd} z\n"),
    ):
        with terminal() as (stream, got), monkeypatch.context() as patch:
            patch.setattr("sys.stdout", stream)
            patch.setattr("sys.stderr", stream)
            write()
            assert got().removeprefix("wavemore: ") == f"a {escaped(odd)} z\n"


def _write_bytes(text: str) -> None:
    with result_file(None) as file:
        for byte in text.encode():
            file.write(bytes([byte]))


@pytest.mark.parametrize("odd", ODD)
def test_a_pipe_gets_what_is_there(odd, capfdbinary):
    write_lines([odd])
    _write_bytes(odd)
    say(odd)
    out, err = capfdbinary.readouterr()
    assert out == f"{odd}\n{odd}".encode()
    assert err == f"wavemore: {odd}\n".encode()


@pytest.fixture
def odd_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model of odd strings, whose name and provenance are odd as well."""
    from wavemore.estimator import StringModel

    strings = [odd.replace("\x00", "0") + end for odd in ODD for end in "abcd"]
    StringModel("ngram").fit(strings).save(tmp_path / "odd\x1b.safetensors")
    respoiled(
        tmp_path / "odd\x1b.safetensors",
        lambda arrays, about: about["provenance"].update(
            {"command": "x\nstep  7\u202e", "k\x9bey": "\x07", "data": {"name": ODD[0]}}
        ),
    )
    (tmp_path / "list.txt").write_text("\n".join(strings) + "\n", encoding="utf-8")
    (tmp_path / "table.csv").write_text("i\x1bd,na\x9bme\n" + "".join(f"{i},{s}\n" for i, s in enumerate(strings)))
    return "odd\x1b.safetensors"


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "MODEL", "-n", "30"],
        ["sample", "MODEL", "-n", "30", "--json"],
        ["sample", "MODEL", "--most-likely", "-n", "20"],
        ["score", "MODEL", "list.txt", "--percentile"],
        ["score", "MODEL", "list.txt", "--json"],
        ["score", "MODEL", "table.csv", "--column", "na\x9bme"],
        ["score", "-s", "\x1b[2J", "-s", "emma"],
        ["odd", "list.txt"],
        ["odd", "table.csv", "--column", "2", "--json"],
        ["explain", "MODEL", *ODD[:4]],
        ["evaluate", "MODEL", "list.txt"],
        ["info", "MODEL"],
        ["info", "MODEL", "--json"],
        ["train", "list.txt", "--recipe", "ngram", "-o", "new\u202e\x07.safetensors"],
        ["inspect", "tiny.safetensors", "list.txt", "--string", "bad"],
    ],
    ids=lambda arguments: "_".join(a for a in arguments if a.isascii() and a.isprintable()),
)
def test_commands(shown, odd_model, arguments, strings):
    Path("list.txt").write_text("\n".join(strings)) if arguments[0] == "inspect" else None
    got = shown([odd_model if word == "MODEL" else word for word in arguments])
    assert got
    assert not STEERING.search(got)
    if "--json" in arguments:
        for line in got.splitlines():
            if not line.startswith("wavemore: "):
                json.loads(line)


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "no\x1bfile.txt"],
        ["score", "table.csv", "--column", "\u202ename"],
        ["sample", "no\x9bmodel"],
        ["sample", "--only", "\x07", "-q"],
        ["sample", "--matches", "\x1b("],
        ["sample", "--\x1bwrong"],
        ["sam\x1bple"],
        ["train", "list.txt", "--set", "model.\x9b=1"],
        ["train", "list.txt", "--recipe", "no\u2066ne"],
        ["info", "list\x1b.txt"],
        ["evaluate", "\x07"],
        ["inspect", "\x1b.jsonl"],
        ["odd", "\u2028"],
        ["explain", "\x1b.safetensors", "a"],
    ],
    ids=lambda arguments: arguments[0].encode("unicode_escape").decode(),
)
def test_error_texts(shown, odd_model, arguments):
    Path("list\x1b.txt").write_text("no model")
    with_code = 2 if _is_usage(arguments) else 1
    got = shown(arguments, with_code)
    assert got.startswith("wavemore: ")
    assert got.count("\n") == 1
    assert not STEERING.search(got)
    assert re.search(r"\\x|\\u|\\\\x", got)


def _is_usage(arguments: list[str]) -> bool:
    return arguments[0] == "train" or len(arguments) == 1 or any(word.startswith("--") for word in arguments)


def test_a_value_with_a_line_break_is_no_row_of_its_own(odd_model, capfd, monkeypatch, tmp_path):
    """Neither in a file nor on a terminal."""
    monkeypatch.chdir(tmp_path)
    assert run(["info", odd_model]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[1:] for line in lines if line.startswith("command")] == [[r"x\nstep", r"7\u202e"]]
    assert not [line for line in lines if line.startswith("step  7")]


def test_markup_of_rich_is_text(shown, strings):
    """A list's name is shown as it is, and changes no colours."""
    Path("[bold]:smile:").mkdir()
    Path("[bold]:smile:/[red]x.txt").write_text("\n".join([*strings, "\n"]))
    got = shown(["train", "[bold]:smile:/[red]x.txt", "--set", "train.steps=20", "-o", "[red]:smile:.safetensors"])
    assert "[red]:smile:.safetensors" in got
    assert "[red]x: skipped" in got


@pytest.mark.parametrize(
    ("codec", "text"), [("cp1252", "é;\x07\r\n"), ("utf-16", "é;\x07\n"), ("utf-8", "a\rb;é\x07\n")]
)
def test_tables_are_shown_in_their_encoding(shown, codec, text):
    Path("table.csv").write_bytes(("id;na\n" + "bada;1\n" * 3 + text).encode(codec))
    got = shown(["score", "tiny.safetensors", "table.csv", "--column", "1", "--encoding", codec, "--delimiter", ";"])
    assert "é" in got
    assert r"\x07" in got
    assert not STEERING.search(got)


def test_a_file_with_cr_alone_is_shown_in_lines(shown):
    Path("old.txt").write_bytes(b"bada\rkolo\rdede\r")
    got = shown("score tiny.safetensors old.txt")
    assert [line.split("\t")[-1] for line in got.splitlines()] == ["string", "bada", "kolo", "dede"]
