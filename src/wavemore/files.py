"""Writing files whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from wavemore.errors import FileError, WavemoreError

__all__ = ["check_writable", "whole_file", "write_whole"]


def write_whole(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` so that at every moment the path holds the old file or the new one, never a part.

    Raises `FileError`, leaving what was there. A device or a pipe is written directly, since it cannot be replaced.
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
        descriptor, name = _temporary(_target(path))
        os.close(descriptor)
        os.unlink(name)
    except OSError as error:
        raise FileError.of("write", path, error) from error


def _target(path: Path) -> Path:
    """The file to replace: a symbolic link stays a link. Raises `PermissionError` for a file that is read-only."""
    target = Path(os.path.realpath(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return target


def _temporary(target: Path) -> tuple[int, str]:
    """A new file beside the target, with the permissions the target has or a new file would get."""
    if target.exists():
        mode = target.stat().st_mode & 0o777
    else:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    with suppress(OSError):  # a file system may have no permissions
        Path(name).chmod(mode)
    return descriptor, name
