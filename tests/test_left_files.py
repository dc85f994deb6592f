"""What a killed writer leaves beside a file is removed by the next one; what a living one writes is not."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wavemore.cli import run
from wavemore.files import check_writable, write_whole


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


_HOLDING = """
import sys, time
from wavemore.cli import run
from wavemore.files import whole_file
with whole_file(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


@contextmanager
def writing(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is writing the file, and does not end by itself."""
    writer = subprocess.Popen([sys.executable, "-c", _HOLDING, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        yield writer
    finally:
        writer.kill()
        writer.communicate()


def kill(writer: subprocess.Popen[str]) -> None:
    writer.kill()
    writer.wait()


@pytest.mark.parametrize("name", ["file", "a.b.csv.gz", "with blank", "é\u202e", "x" * 200, "[a-z]*"])
def test_what_the_dead_left_is_removed_and_what_the_living_write_is_not(tmp_path, name):
    path = tmp_path / name
    with writing(path) as dead, writing(path) as living:
        assert len(names(tmp_path)) == 2
        kill(dead)
        write_whole(path, b"new")
        assert len(names(tmp_path)) == 2  # the file, and what the living one writes
        check_writable(path)
        assert len(names(tmp_path)) == 2
        kill(living)
        check_writable(path)
        assert names(tmp_path) == {name}
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "other",
    [
        *(".file.abcdefgh.part", ".file.abcdefgh.wavemore.txt", ".file.wavemore", ".file2.abcdefgh.wavemore"),
        *(".file.ABCDEFGH.wavemore", "file.abcdefgh.wavemore", ".other.abcdefgh.wavemore", ".file.x.abcdefgh.wavemore"),
    ],
)
def test_files_of_others_stay(tmp_path, other):
    (tmp_path / other).write_bytes(b"not ours")
    write_whole(tmp_path / "file", b"new")
    check_writable(tmp_path / "file")
    assert names(tmp_path) == {"file", other}


def test_links_and_folders_of_such_names_stay(tmp_path):
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / ".file.abcdefgh.wavemore").symlink_to("kept")
    (tmp_path / ".file.abcdefg2.wavemore").mkdir()
    write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "kept").read_bytes() == b"kept"
    assert len(names(tmp_path)) == 4


def test_a_file_taken_for_dead_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    """Between making and locking it another run may find it."""
    made = []

    def mkstemp(**arguments: Any) -> tuple[int, str]:
        descriptor, name = real(**arguments)
        if not made:
            os.unlink(name)  # as the other run does
        made.append(name)
        return descriptor, name

    real = tempfile.mkstemp
    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    write_whole(tmp_path / "file", b"new")
    assert len(made) == 2
    assert names(tmp_path) == {"file"}
    assert (tmp_path / "file").read_bytes() == b"new"


def test_names_as_long_as_may_be(tmp_path):
    for name in ("x" * 255, "é" * 127):
        check_writable(tmp_path / name)
        write_whole(tmp_path / name, b"data")
        assert (tmp_path / name).read_bytes() == b"data"
    assert len(names(tmp_path)) == 2


def test_a_file_is_locked_until_it_has_its_place(tmp_path, monkeypatch):
    """Another run that cleans up at the last moment takes nothing away."""
    real = os.replace

    def replace(name: str, target: Path) -> None:
        check_writable(target)
        real(name, target)

    monkeypatch.setattr(os, "replace", replace)
    write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize("of", ["list.safetensors", "list.safetensors.checkpoint", "list.history.jsonl"])
def test_training_removes_what_a_killed_training_left(tmp_path, strings, monkeypatch, of):
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))
    with writing(tmp_path / of) as dead:
        kill(dead)
        assert len(names(tmp_path)) == 2
        assert run(["train", "list.txt", "-q", "--set", "train.steps=2", "--set", "model.hidden=4"]) == 0
    assert names(tmp_path) == {"list.txt", "list.safetensors", "list.history.jsonl"}
