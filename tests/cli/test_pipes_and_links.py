"""Pipes as lists, and outputs that cannot be written: links in circles, folders, devices that are full."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import FAILED, sentence

from wavemore.cli import run

LOOPS = "Too many levels of symbolic links"


@pytest.fixture
def strange(tmp_path: Path, strings: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with outputs of every strange kind."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))
    for name, target in {"self": "self", "one": "two", "two": "one", "lost": "nosuch/file", "door": "folder"}.items():
        Path(name).symlink_to(target)
    Path("folder").mkdir()
    return tmp_path


def there(folder: Path) -> dict[str, str]:
    return {path.name: str(path.readlink()) if path.is_symlink() else "" for path in folder.iterdir()}


@pytest.mark.parametrize("line", ["score list.txt", "odd list.txt --all", "train list.txt -q --recipe ngram"])
@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("self", LOOPS),
        ("one", LOOPS),
        ("two", LOOPS),
        ("self/file", LOOPS),
        ("lost", "No such file or directory"),
        ("nosuch/file", "No such file or directory"),
        ("folder", "Is a directory"),
        ("door", "Is a directory"),
        ("list.txt/file", "Not a directory"),
        ("x" * 256, "File name too long"),
        ("/dev/full", "No space left on device"),
        ("/proc/file", None),
    ],
)
def test_outputs_that_cannot_be_written(strange, capfd, line, output, why):
    if output.startswith("/") and not Path(output).parent.exists():
        pytest.skip("there are no such devices")
    before = there(strange)
    capfd.readouterr()
    assert run([*shlex.split(line), "-o", output]) == FAILED
    message = sentence(*capfd.readouterr())
    assert message.startswith(f"cannot write {output}: ")
    assert why is None or message == f"cannot write {output}: {why}"
    assert there(strange) == before


def through_a_pipe(line: str, text: bytes, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """A command line whose PIPE is a named pipe that gets the text once."""
    os.mkfifo(folder / "PIPE")
    writer = subprocess.Popen(["sh", "-c", "cat > PIPE"], cwd=folder, stdin=subprocess.PIPE)
    assert writer.stdin is not None
    try:
        command = [sys.executable, "-m", "wavemore", *shlex.split(line)]
        reader = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        writer.stdin.write(text)
        writer.stdin.close()
        with reader:
            try:
                out, err = reader.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                reader.kill()
                raise
        return subprocess.CompletedProcess(command, reader.returncode, out, err)
    finally:
        writer.kill()
        writer.wait()


@pytest.mark.parametrize(
    "line",
    [
        "score FILE",
        "score tiny.safetensors FILE --percentile",
        "score FILE --json --odd 5",
        "odd FILE",
        "odd FILE --all --json",
        "evaluate tiny.safetensors FILE --json",
        "inspect tiny.safetensors FILE --json",
        "sample tiny.safetensors --not-in FILE --seed 1 -n 5",
        "train FILE --recipe ngram -o new.safetensors --json -q",
    ],
)
def test_a_pipe_is_as_good_as_a_file(tmp_path, tiny_path, strings, monkeypatch, capfdbinary, line):
    monkeypatch.chdir(tmp_path)
    text = "\n".join(strings).encode() + b"\n"
    done = through_a_pipe(line.replace("FILE", "PIPE"), text, tmp_path)
    assert done.returncode == 0, done.stderr
    Path("new.safetensors").unlink(missing_ok=True)
    Path("LIST").write_bytes(text)
    assert run(shlex.split(line.replace("FILE", "LIST"))) == 0
    assert done.stdout.replace(b"PIPE", b"LIST") == capfdbinary.readouterr().out


@pytest.mark.parametrize("line", ["info PIPE", "sample PIPE", "score PIPE list.txt", "explain PIPE.safetensors a"])
def test_a_model_comes_through_no_pipe(tmp_path, tiny_path, strings, monkeypatch, capfd, line):
    """It would be read twice."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))
    name = next(word for word in line.split() if word.startswith("PIPE"))
    os.mkfifo(name)
    assert run(line.split()) == FAILED
    assert sentence(*capfd.readouterr()) == (
        f"cannot read the model {name}: it is a pipe or a device; copy it into a file first"
    )


def test_groups_need_a_file(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("PIPE")
    assert run(["odd", "PIPE", "--format", "csv", "--column", "a", "--group", "b"]) == 2
    assert sentence(*capfd.readouterr()) == (
        "PIPE is read once, and groups need a second reading; write the table to a file"
    )
