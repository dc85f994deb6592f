"""Where nothing can be written, or should not be: one sentence, the right exit code, files and stopped runs kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import FAILED, WRONG_USAGE, contents, sentence

from wavemore.cli import run
from wavemore.errors import FileError
from wavemore.models.modelfile import ModelFile


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A folder in which nothing can be made. Root may write anywhere but in the kernel's own."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if not os.access(folder, os.W_OK):
        return folder
    if not Path("/sys").is_dir():
        pytest.skip("root may write everywhere here")
    return Path("/sys")


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """A file that grows beyond it stops half way, as on a disk that fills up."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_write_permission(refused, locked):
    message = refused(FAILED, "train", "list.txt", "-o", f"{locked}/new.safetensors")
    assert message.removeprefix(f"cannot write {locked}/new.safetensors: ") in (
        "Permission denied",
        "Read-only file system",
    )


def test_read_only_model_is_not_replaced(refused, tiny_path, monkeypatch):
    """The folder may be written and the file not; root may write any file, so the answer is put in its mouth."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert refused(FAILED, "train", "list.txt", "-o", "tiny.safetensors") == (
        "cannot write tiny.safetensors: Permission denied"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk(refused, refused_in_shell, tiny_path):
    quick = ["-q", "--set", "train.steps=2", "--set", "model.hidden=4"]
    assert refused(FAILED, "train", "list.txt", *quick, "-o", "/dev/full") == (
        "cannot write /dev/full: No space left on device"
    )
    assert not Path("/dev/full.checkpoint").exists()
    assert refused_in_shell(FAILED, "wavemore sample tiny.safetensors > /dev/full") == (
        "cannot write the results to standard output: No space left on device"
    )
    assert refused_in_shell(FAILED, "wavemore --help > /dev/full") == (
        "cannot write to standard output: No space left on device"
    )


def test_full_disk_leaves_the_old_model(refused, tiny_path, tiny_model):
    before = contents(tiny_path.parent)
    assert tiny_path.stat().st_size > 2000
    with file_size_limit(2000):
        with pytest.raises(FileError, match=r"^cannot write tiny\.safetensors: File too large$"):
            tiny_model.save(tiny_path.name)
        assert contents(tiny_path.parent) == before
        line = ["train", "list.txt", "-q", "--no-record", "--set", "train.steps=2", "-o", "tiny.safetensors", "--force"]
        assert refused(FAILED, *line) == "cannot write tiny.safetensors.checkpoint: File too large"


def test_model_that_cannot_be_saved_keeps_the_run(tmp_path, strings, monkeypatch, capfd):
    """What was learned is not lost: once there is room, --resume ends the run without another step."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))
    Path("two.toml").write_text("[model]\nhidden = 4\n[train]\nsteps = 2\n")
    line = ["train", "list.txt", "-q", "--recipe", "two.toml"]

    def save(self: ModelFile, path: object) -> None:
        raise FileError(f"cannot write {path}: No space left on device")

    with monkeypatch.context() as full:
        full.setattr(ModelFile, "save", save)
        assert run(line) == FAILED
    assert sentence(*capfd.readouterr()) == (
        "cannot write list.safetensors: No space left on device; the run is kept in list.safetensors.checkpoint, "
        "and the same command with --resume goes on with it"
    )
    assert run([*line, "--resume"]) == 0
    assert ModelFile.load("list.safetensors").provenance["step"] == 2
    assert not Path("list.safetensors.checkpoint").exists()


@pytest.mark.parametrize("line", ["sample tiny.safetensors", "--help", "--version", "train list.txt"])
def test_closed_standard_output(refused_in_shell, tiny_path, line):
    assert refused_in_shell(FAILED, f"wavemore {line} >&-") == (
        "standard output is closed, so nothing can be written to it; open it, or send it to /dev/null"
    )


def test_stopped_run_is_not_discarded_unasked(refused):
    Path("list.safetensors.checkpoint").write_bytes(b"wavemore-checkpoint")
    assert refused(WRONG_USAGE, "train", "list.txt") == (
        "list.safetensors.checkpoint holds a stopped run; add --resume to go on with it, or --restart to discard it"
    )
    message = refused(FAILED, "train", "list.txt", "--resume")
    assert message.startswith("list.safetensors.checkpoint is not a sound checkpoint (")


def test_counts_go_on_with_no_stopped_run(refused):
    Path("list.safetensors.checkpoint").write_bytes(b"wavemore-checkpoint")
    assert refused(WRONG_USAGE, "train", "list.txt", "--recipe", "ngram", "--resume") == (
        "an n-gram model is counted at once, so there is no stopped run to resume; start it anew"
    )


def test_a_stopped_run_outlives_a_restart_that_is_refused(refused):
    Path("list.safetensors.checkpoint").write_bytes(b"wavemore-checkpoint")
    Path("short.txt").write_text("a\nb\n")
    Path("wild.toml").write_text('[train]\nform = "windowed"\noptimizer = "sgd"\nrate = 1e9\nsteps = 20\n')
    line = ["train", "list.txt", "--restart"]
    assert refused(WRONG_USAGE, *line, "--resume") == "--resume and --restart exclude each other; choose one"
    line += ["-o", "list.safetensors", "--no-record"]
    assert refused(FAILED, "train", "lst.txt", *line[2:]).startswith('there is no file "lst.txt"')
    assert "a split needs at least 5" in refused(FAILED, "train", "short.txt", *line[2:])
    assert refused(FAILED, *line, "--recipe", "wild.toml").endswith("lower the learning rate (train.rate is 1e+09)")


def test_counts_that_cannot_be_saved_name_no_run(refused, monkeypatch):
    """There is none to go on with."""

    def save(self: ModelFile, path: object) -> None:
        raise FileError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(ModelFile, "save", save)
    message = refused(FAILED, "train", "list.txt", "--recipe", "ngram")
    assert message == "cannot write list.safetensors: No space left on device"


def test_output_that_is_no_model(refused):
    Path("notes.txt").write_text("kept")
    assert refused(FAILED, "train", "list.txt", "-o", "notes.txt") == (
        "notes.txt exists and is not a wavemore model, so it is left alone; choose another --output"
    )


def test_output_in_no_folder(refused):
    assert refused(FAILED, "train", "list.txt", "-o", "nosuch/new.safetensors") == (
        "cannot write nosuch/new.safetensors: No such file or directory"
    )


def test_names_that_are_too_long(refused):
    name = "x" * 300
    assert refused(WRONG_USAGE, "train", name, "-o", "new.safetensors") == (
        f"the list is one string of 300 characters, '{name[:40]}'...; it must be several strings, or the name of a file"
    )
    assert refused(FAILED, "train", "list.txt", "-o", name) == f"cannot write {name}: File name too long"
