"""Files are written whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from wavemore.errors import FileError
from wavemore.files import check_writable, write_whole


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_new_file_is_written(tmp_path):
    write_whole(tmp_path / "new", b"data")
    assert (tmp_path / "new").read_bytes() == b"data"
    assert names(tmp_path) == {"new"}


def test_path_may_be_a_string(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_whole("new", b"data")
    check_writable("new")
    assert Path("new").read_bytes() == b"data"


def test_old_file_is_replaced_and_not_written_into(tmp_path):
    """Whoever has the old file open keeps reading the old file."""
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    with path.open("rb") as reader:
        write_whole(path, b"new")
        assert reader.read() == b"old and longer"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(FileError) as raised:
        write_whole(path, b"new")
    assert str(raised.value) == f"cannot write {path}: No space left on device"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == {"file"}


def test_interrupt_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == {"file"}


def test_symbolic_link_stays_one(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(Path("folder") / "file")
    check_writable(link)
    write_whole(link, b"new")
    assert link.readlink() == Path("folder") / "file"
    assert (tmp_path / "folder" / "file").read_bytes() == b"new"
    assert names(tmp_path / "folder") == {"file"}


def test_dangling_link_gets_its_file(tmp_path):
    (tmp_path / "link").symlink_to("file")
    check_writable(tmp_path / "link")
    assert not (tmp_path / "file").exists()
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_permissions_are_kept(tmp_path):
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o640)
    write_whole(path, b"new")
    assert permissions(path) == 0o640


def test_new_file_gets_the_permissions_that_open_would_give(tmp_path):
    (tmp_path / "opened").touch()
    write_whole(tmp_path / "written", b"")
    assert permissions(tmp_path / "written") == permissions(tmp_path / "opened")


def test_device_is_written_directly(tmp_path):
    device = Path(os.devnull)
    check_writable(device)
    write_whole(device, b"data")
    assert not device.is_file()


def test_pipe_is_written_directly(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"data")
        assert os.read(reader, 10) == b"data"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_device(tmp_path):
    with pytest.raises(FileError) as raised:
        write_whole("/dev/full", b"data")
    assert str(raised.value) == "cannot write /dev/full: No space left on device"


def refusals(path: Path) -> set[str]:
    """What `check_writable` and `write_whole` say: one sentence if they agree."""
    said = set()
    for attempt in (lambda: check_writable(path), lambda: write_whole(path, b"data")):
        with pytest.raises(FileError) as raised:
            attempt()
        said.add(str(raised.value))
    return said


def test_folder_is_refused(tmp_path):
    assert refusals(tmp_path) == {f"cannot write {tmp_path}: Is a directory"}


def test_file_in_no_folder_is_refused(tmp_path):
    path = tmp_path / "nosuch" / "file"
    assert refusals(path) == {f"cannot write {path}: No such file or directory"}


def test_file_in_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "new"
    assert refusals(path) == {f"cannot write {path}: Not a directory"}


def test_name_that_is_too_long_is_refused(tmp_path):
    path = tmp_path / ("x" * 300)
    assert refusals(path) == {f"cannot write {path}: File name too long"}


def test_read_only_file_is_refused(tmp_path, monkeypatch):
    """Root may write any file, so the answer is put in its mouth."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert refusals(path) == {f"cannot write {path}: Permission denied"}
    assert path.read_bytes() == b"old"


def test_check_changes_nothing(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    before = (tmp_path / "old").stat()
    check_writable(tmp_path / "old")
    check_writable(tmp_path / "new")
    assert names(tmp_path) == {"old"}
    after = (tmp_path / "old").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


# Links that lead nowhere.


@pytest.mark.parametrize(
    "links", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a"}, {"a": "b", "b": "b"}]
)
def test_links_in_a_circle_are_refused(tmp_path, links):
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    assert refusals(tmp_path / "a") == {f"cannot write {tmp_path}/a: Too many levels of symbolic links"}
    assert {name: str((tmp_path / name).readlink()) for name in names(tmp_path)} == links


@pytest.mark.parametrize("target", ["nosuch/file", "nosuch/deeper/file", "/nosuch/file", "gone/../nosuch/file"])
def test_a_link_into_a_folder_that_is_not_there_is_refused(tmp_path, target):
    (tmp_path / "link").symlink_to(target)
    assert refusals(tmp_path / "link") == {f"cannot write {tmp_path}/link: No such file or directory"}
    assert names(tmp_path) == {"link"}


def test_a_folder_in_a_circle_and_a_link_to_a_folder_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("a")
    assert refusals(tmp_path / "a" / "file") == {f"cannot write {tmp_path}/a/file: Too many levels of symbolic links"}
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert refusals(tmp_path / "link") == {f"cannot write {tmp_path}/link: Is a directory"}
