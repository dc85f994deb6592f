"""Tasks on a cluster of Ray, of one CPU each; a task whose worker dies is done again elsewhere.

Every worker must have wavemore installed, of the same version. Workers look for files where the driver stands.
"""

import os
import socket
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import chdir, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from wavemore._version import __version__
from wavemore.errors import FileError, MissingExtraError, UsageError, WavemoreError
from wavemore.tasks.task import NO_MORE, NOT_YET, Engine, Finished, LostError, Work
from wavemore.threads import use_cores

__all__ = ["ray_engine"]

_SECONDS = 10.0  # to reach an address
_RETRIES = 5  # of a task whose worker dies


def ray_engine(address: str | None = None) -> Engine:
    """An `Engine` on a cluster; without an address the one that `RAY_ADDRESS` names, or a new one on this machine.
    Raises `MissingExtraError`, `FileError` for an address that nothing answers at, `UsageError` for what is none."""
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("Ray", error.name or "ray", "ray") from error
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address is not None and not ray.is_initialized():
        _check_reachable(address)

    def engine(work: Work, shared: Any, tasks: Iterable[Any]) -> Generator[Finished, None, None]:
        rest = iter(tasks)
        first = next(rest, NO_MORE)
        if first is not NO_MORE:
            with _cluster(ray, address):
                yield from _finished(ray, work, shared, first, rest)

    return engine


def _finished(ray: Any, work: Work, shared: Any, first: Any, rest: Iterator[Any]) -> Generator[Finished, None, None]:
    """Each task as it is finished. Some more are handed out than there are CPUs, and no more: what waits is not sent
    yet."""
    # A worker that cannot fetch what all tasks share, on a busy network, tries again like one that died.
    lost = ray.exceptions.ObjectLostError
    remote = ray.remote(num_cpus=1, max_retries=_RETRIES, retry_exceptions=[lost])(_worked)
    # Each machine gets it once, and each process takes it in once. In a list, lest Ray does so for each task.
    about = [__version__, os.getcwd(), uuid.uuid4().hex, [ray.put((work, shared))]]  # noqa: PTH109
    running: dict[Any, Any] = {remote.remote(*about, first): first}
    task: Any = None
    try:
        while True:
            most = max(2, 2 * int(ray.cluster_resources().get("CPU", 1)))
            while task is not NO_MORE and len(running) < most:
                task = next(rest, NO_MORE)
                if task is NOT_YET:
                    break
                if task is not NO_MORE:
                    running[remote.remote(*about, task)] = task
            if not running:
                return
            ready, _ = ray.wait(list(running))
            for one in ready:
                yield Finished(running.pop(one), partial(_result, ray, one))
    finally:
        for one in running:
            ray.cancel(one)


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ray.exceptions.RayError):  # of Ray within the worker
            raise _unfinished(error.cause) from error
        raise error.cause if isinstance(error.cause, WavemoreError | MemoryError) else error from None
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise LostError(
            f"a worker of Ray died {_RETRIES + 1} times over the same task, perhaps for want of memory; let fewer "
            "tasks run on each machine (ray start --num-cpus), or take machines with more"
        ) from error
    except ray.exceptions.RayError as error:
        raise _unfinished(error) from error


def _unfinished(error: Exception) -> LostError:
    reason = str(error).strip().partition("\n")[0].rstrip(".")
    return LostError(f"the cluster of Ray did not finish a task: {reason}; what is finished stays")


_held: dict[str, tuple[Work, Any]] = {}  # of this worker, the last by its name


def _worked(version: str, folder: str, name: str, kept: list[Any], task: Any) -> Any:
    """What a worker does."""
    if version != __version__:
        raise UsageError(
            f"wavemore is {__version__} on a worker of Ray and {version} here; install the same version on all machines"
        )
    use_cores(1)
    if name not in _held:
        import ray  # pyright: ignore[reportMissingImports]

        _held.clear()
        _held[name] = ray.get(kept[0])
    work, shared = _held[name]
    with chdir(folder) if Path(folder).is_dir() else nullcontext():
        return work(shared, task)


@contextmanager
def _cluster(ray: Any, address: str | None) -> Iterator[None]:
    """Within this context Ray is there; one that was there already stays."""
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    try:
        # Without an address Ray would look for a cluster that runs on this machine, whoever's it is.
        ray.init(**({"address": address} if address else {"address": "local", "include_dashboard": False}), **quiet)
    except Exception as error:  # of many kinds; where a busy machine starts it too slowly, of none in particular
        where = f"at {address}" if address else "on this machine"
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise FileError(f"cannot use a cluster of Ray {where}: {reason}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise `FileError` where nothing answers, in seconds and not in Ray's minutes; `UsageError` for what is no
    address."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 1 << 16):
        raise UsageError(f'"{address}" is no address of a cluster; write HOST:PORT, such as 10.0.0.5:6379, or auto')
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error) or "no answer"
        raise FileError(f"cannot reach a cluster of Ray at {address}: {reason}; is it running there?") from error
