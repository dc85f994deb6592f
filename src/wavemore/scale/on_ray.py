"""Jobs on a cluster of Ray: each part is a task of one CPU, and a task whose worker dies is done again elsewhere.

Every worker must have wavemore installed and see the job's folder and files under the same paths.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from wavemore.errors import FileError, UsageError, WavemoreError
from wavemore.scale.parts import Part, Runner
from wavemore.scale.with_ray import ray_data
from wavemore.threads import use_cores

__all__ = ["runner"]

_SECONDS = 10.0  # to reach an address
_RETRIES = 5  # of a part whose worker dies


def runner(address: str | None = None) -> Runner:
    """A `Runner` on a cluster; without an address the one that `RAY_ADDRESS` names, or a new one on this machine.
    Raises `MissingExtraError`; when it runs, `FileError` for an address that nothing answers at."""
    ray = ray_data()
    address = address or os.environ.get("RAY_ADDRESS") or None

    def run(parts: Sequence[Part], folder: str) -> Iterator[int]:
        if not parts:
            return
        with _cluster(ray, address):
            yield from _finished(ray, parts, os.path.abspath(folder))  # noqa: PTH100

    return run


def _finished(ray: Any, parts: Sequence[Part], folder: str) -> Iterator[int]:
    """The rows of each part as it is finished. Some more tasks are handed out than there are CPUs, and no more: what
    waits is not sent yet."""
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_written)
    shared = ray.put(parts[0].shared)  # each machine gets it once, and not with each part
    most = max(2, 2 * int(ray.cluster_resources().get("CPU", 1)))
    rest: Iterator[Any] = iter(parts)
    running: list[Any] = []
    try:
        while True:
            while len(running) < most and (part := next(rest, None)) is not None:
                running.append(task.remote(replace(part, shared=None), shared, folder))
            if not running:
                return
            ready, running = ray.wait(running)
            for one in ready:
                try:
                    yield ray.get(one)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause if isinstance(error.cause, WavemoreError) else error from None
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
                    raise FileError(
                        f"a worker of Ray died {_RETRIES + 1} times over one part; it may lack memory: give each task "
                        "more, or write smaller row groups"
                    ) from error
                except ray.exceptions.RayError as error:
                    reason = str(error).strip().partition("\n")[0].rstrip(".")
                    raise FileError(
                        f"the cluster of Ray did not finish a part: {reason}; what is finished stays"
                    ) from error
    finally:
        for one in running:
            ray.cancel(one)


def _written(part: Any, shared: Any, folder: str) -> int:
    """What a worker does."""
    use_cores(1)
    return replace(part, shared=shared).write(folder)


@contextmanager
def _cluster(ray: Any, address: str | None) -> Iterator[None]:
    """Within this context Ray is there; one that was there already stays."""
    if ray.is_initialized():
        yield
        return
    if address is not None:
        _check_reachable(address)
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    try:
        # Without "local" Ray would take whatever cluster was last started on this machine, by whomever.
        ray.init(address=address or "local", **quiet, **({} if address else {"include_dashboard": False}))
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
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
