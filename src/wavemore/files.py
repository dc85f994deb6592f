"""Writing files whole or not at all."""

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from wavemore.errors import FileError, UsageError, WavemoreError

try:
    import fcntl
except ImportError:  # there are no such locks on Windows
    fcntl = None

__all__ = ["check_no_input", "check_writable", "is_unfinished", "whole_file", "write_whole"]

_SUFFIX = ".wavemore"
_LONGEST = 200  # bytes of a name; file systems take 255


def write_whole(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` so that at every moment the path holds the old file or the new one, never a part.

    Raises `FileError`, leaving what was there. A device or a pipe is written directly, since it cannot be replaced.
    What a killed writer of the same path has left beside it is removed.
    """
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """The same for data that comes piece by piece: a file that takes its place at `path` when the block ends, and is
    gone without a trace where the block raises. Raises `FileError` where it cannot be written."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as device:
                yield device
            return
        target = _target(path)
        descriptor, name = _temporary(target)
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                if fcntl is not None:  # while it is locked
                    os.replace(name, target)
            if fcntl is None:  # Windows moves no open file
                os.replace(name, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except WavemoreError:  # of the block: some of them are OSErrors
        raise
    except OSError as error:
        raise FileError.of("write", path, error) from error


def check_writable(path: str | Path) -> None:
    """Raise the `FileError` that `write_whole` would raise for this path, before the work and not after it."""
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            return
        target = _target(path)
        if len(os.fsencode(target.name)) > 255:  # that of the temporary file is shorter
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        descriptor, name = _temporary(target)
        os.close(descriptor)
        os.unlink(name)
    except OSError as error:
        raise FileError.of("write", path, error) from error


def check_no_input(output: str | Path | None, *inputs: object) -> None:
    """Refuse an output that is one of the inputs too, under whatever name: while one is read, the other would be
    written.

    output    a path; None or "-" for standard output, which a shell may have put into a file
    inputs    paths, and "-" for standard input; what is no path of a file, such as a list's name, is passed over

    Raises `UsageError`.
    """
    standard = output is None or str(output) == "-"
    for path in (str(path) for path in inputs if isinstance(path, str | Path)):
        try:
            there = os.fstat(sys.stdin.fileno()) if path == "-" else os.stat(path)  # noqa: PTH116
            here = os.fstat(sys.stdout.fileno()) if standard else os.stat(str(output))  # noqa: PTH116
        except (OSError, ValueError, AttributeError):  # no file; or standard output that is closed, or is none
            continue
        if os.path.samestat(there, here) and stat.S_ISREG(there.st_mode):
            name = "standard output" if standard else str(output)
            read = "standard input" if path == "-" else path
            raise UsageError(f"{name} is the file {read}, which is read; write to another file")


def _target(path: Path) -> Path:
    """The file to replace: a symbolic link stays a link. Raises `PermissionError` for a file that is read-only, and the
    `OSError` of links that go round in a circle."""
    with suppress(FileNotFoundError):
        path.stat()
    target = Path(os.path.realpath(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return target


def _temporary(target: Path) -> tuple[int, str]:
    """A new file beside the target, with the permissions the target has or a new file would get. It is locked as long
    as it is open, so that `_clean` can tell it from one whose writer was killed."""
    import tempfile  # here, since reading does not need it

    if target.exists():
        mode = target.stat().st_mode & 0o777
    else:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    _clean(target)
    while True:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target), suffix=_SUFFIX)
        _lock(descriptor, wait=True)
        if os.fstat(descriptor).st_nlink:  # else another run has taken it for a dead one's before it was locked
            break
        os.close(descriptor)
    with suppress(OSError):  # a file system may have no permissions
        Path(name).chmod(mode)
    return descriptor, name


def _clean(target: Path) -> None:
    """Remove the temporary files of writers of this target that were killed. Those of the living are locked; where
    files cannot be locked, all of them stay."""
    name = re.compile(re.escape(_prefix(target)) + "[a-z0-9_]{8}" + re.escape(_SUFFIX))
    with suppress(OSError):
        for left in target.parent.iterdir():
            if name.fullmatch(left.name):
                with suppress(OSError):
                    _remove_unlocked(left)


def _remove_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        if _lock(descriptor, wait=False):
            path.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Whether an open file could be locked. The lock goes with the process that holds it, however that ends."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def is_unfinished(path: Path) -> bool:
    """Whether a file has the name of one that a writer has not finished yet, or never will."""
    return path.name.startswith(".") and path.suffix == _SUFFIX


def _prefix(target: Path) -> str:
    """What the temporary files of a target begin with; of a long name as much as leaves room for the rest."""
    return "." + os.fsdecode(os.fsencode(target.name)[:_LONGEST]) + "."
