"""A command line that must succeed, and one that must be refused."""

import shlex
from pathlib import Path

import pytest
from command_line import Answer, Refused, Said, contents, in_shell, prepare, sentence

from wavemore.cli import run


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


@pytest.fixture
def said(capfd) -> Said:
    """Run a command line that ends with a code, 0 unless another one is given; what it said on both streams."""

    def said(line: str, code: int = 0) -> tuple[str, str]:
        capfd.readouterr()
        assert run(shlex.split(line)) == code
        return capfd.readouterr()

    return said


@pytest.fixture
def refused(tmp_path: Path, strings: list[str], monkeypatch: pytest.MonkeyPatch, capfd) -> Refused:
    """Run a command line beside a sound `list.txt`: it must be refused with this code; returns the sentence."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))

    def refused(code: int, *arguments: str) -> str:
        before = contents(tmp_path)
        capfd.readouterr()
        assert run(arguments) == code
        assert contents(tmp_path) == before
        return sentence(*capfd.readouterr())

    return refused


@pytest.fixture
def refused_in_shell(tmp_path: Path, strings: list[str]) -> Refused:
    """The same in a process of its own, started by a shell; `wavemore` in the script stands for the command."""
    (tmp_path / "list.txt").write_text("\n".join(strings))

    def refused(code: int, script: str) -> str:
        before = contents(tmp_path)
        done = in_shell(script, tmp_path)
        assert done.returncode == code, done.stderr
        assert contents(tmp_path) == before
        return sentence(done.stdout, done.stderr)

    return refused


@pytest.fixture
def score(tmp_path: Path, tiny_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary) -> Answer:
    """Run `wavemore score` beside tiny.safetensors, list.txt and table.csv; what it said on both streams."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("kolo\n\nbax\n  dede\n")
    Path("table.csv").write_text('id,name\r\n1,kolo\r\n2,"bax"\r\n3,\r\n4,dede')

    def score(line: str, code: int = 0) -> tuple[str, str]:
        capfdbinary.readouterr()
        found = run(["score", *shlex.split(line)])
        out, err = (stream.decode(errors="backslashreplace") for stream in capfdbinary.readouterr())
        assert found == code, err
        return out, err

    return score
