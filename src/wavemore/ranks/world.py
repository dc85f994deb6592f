"""The ranks of one training, and what they tell each other, over `torch.distributed`: gloo between processors, NCCL
between GPUs.

Every rank makes the same calls in the same order. When one has ended, the others' next call raises `RankLostError`.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from wavemore.errors import FileError, TrainingError, UsageError, WavemoreError
from wavemore.ranks.place import Place, RankLostError

__all__ = ["World", "joined", "one_voice"]

_MEETING = timedelta(minutes=5)
"""How long ranks wait for all to come."""
_ANSWERING = timedelta(minutes=10)
"""How long a rank waits for another in the midst of a run: a machine that is switched off does not say so."""
_SPEAKING = timedelta(seconds=3)
"""How long another rank waits for rank 0 to say what may have gone wrong with both."""
_SAID, _LEFT, _ALL_LEFT = "wavemore/said", "wavemore/left", "wavemore/all left"


class World:
    """The ranks, as one of them sees them. All exchanges raise `RankLostError` where another rank has ended."""

    def __init__(self, place: Place) -> None:
        self.rank, self.size, self.local = place

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which prints, records and writes."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """This rank's of so many rows: all shares together are all rows, and differ by one row at most."""
        return slice(self.rank * rows // self.size, (self.rank + 1) * rows // self.size)

    def total(self, own: Tensor) -> Tensor:
        """The sum of all ranks' tensors, in place, the same bits on all."""
        with _exchanging():
            dist.all_reduce(own)
        return own

    def total_on_first(self, own: Tensor) -> Tensor:
        """The sum of all ranks' tensors, in place of rank 0's; in those of the others is anything."""
        with _exchanging():
            dist.reduce(own, 0)
        return own

    def from_first(self, own: Tensor) -> Tensor:
        """Rank 0's tensor, in place."""
        with _exchanging():
            dist.broadcast(own, 0)
        return own

    def any(self, asked: bool) -> bool:
        """Whether any rank says so."""
        return bool(self.total(torch.tensor([int(asked)])).item())

    def sums(self, *own: float) -> list[float]:
        """The sum of each of the numbers over all ranks."""
        return self.total(torch.tensor(own, dtype=torch.float64)).tolist()

    def bytes_of_first(self, own: bytes | None) -> bytes:
        """Rank 0's bytes."""
        length = int(self.from_first(torch.tensor([len(own or b"")])).item())
        sent = np.frombuffer(own, np.uint8).copy() if self.is_first and own else np.empty(length, np.uint8)
        return self.from_first(torch.from_numpy(sent)).numpy().tobytes()

    @contextmanager
    def file_of_first(self, path: str | Path) -> Iterator[str | Path]:
        """This file of rank 0's machine; elsewhere a copy of it. Raises `FileError` where it cannot be read."""
        if self.is_first:
            try:
                content = Path(path).read_bytes()
            except OSError as error:
                raise FileError.of("read", path, error) from error
            self.bytes_of_first(content)
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy"
            copy.write_bytes(self.bytes_of_first(None))
            yield copy

    def check_same(self, about: Mapping[str, Any]) -> None:
        """Raise `UsageError`, on all ranks, for what is not the same on all."""
        for name, value in about.items():
            digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
            if self.any(self.bytes_of_first(digest) != digest):
                raise UsageError(
                    f"the {self.size} ranks have not the same {name}; give all of them the same list and settings"
                )


@contextmanager
def joined(place: Place) -> Iterator[World]:
    """The ranks: those that met already, or met now and left at the end. Raises `TrainingError` where they do not
    meet."""
    if dist.is_initialized():
        yield World(place)
        return
    _meet(place)
    try:
        yield World(place)
    finally:
        _part()


@contextmanager
def one_voice(place: Place) -> Iterator[None]:
    """The ranks met for a command: where it fails, one rank raises the error, and the others leave without a word with
    its exit code."""
    store = _meet(place)
    try:
        yield
    except WavemoreError as error:
        speaks = _may_speak(store, place, error)
        _part()  # so that the others see it
        _leave(store, place, waiting=not (speaks and isinstance(error, RankLostError)))
        if not speaks:
            raise SystemExit(error.exit_code) from None
        if place.rank and not isinstance(error, RankLostError):
            error.args = (f"rank {place.rank} of {place.size}: {error}",)
        raise
    except KeyboardInterrupt:
        if place.rank:
            raise SystemExit(130) from None
        raise
    finally:
        _part()


def _meet(place: Place) -> Any:
    """Returns the store that the ranks met at, a `torch.distributed.Store`."""
    try:
        store, rank, size = next(iter(rendezvous("env://", timeout=_MEETING)))
        store.set_timeout(_MEETING)
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_ANSWERING)
        return store
    except (RuntimeError, ValueError) as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise TrainingError(
            f"rank {place.rank} of {place.size} did not meet the others at {where} ({_reason(error)}); start all "
            "ranks, and see that this address can be reached from each machine"
        ) from error


def _part() -> None:
    if dist.is_initialized():
        with suppress(RuntimeError):  # what is left of a lost connection
            dist.destroy_process_group()


def _may_speak(store: Any, place: Place, error: WavemoreError) -> bool:
    """Whether this rank is the one that says what is wrong."""
    with suppress(RuntimeError):  # the store has gone with its rank, or rank 0 has nothing to say
        if place.rank and not isinstance(error, RankLostError):
            store.wait([_SAID], _SPEAKING)  # rank 0 has met the same error
    try:
        return store.add(_SAID, 1) == 1
    except RuntimeError:
        return True


def _leave(store: Any, place: Place, *, waiting: bool) -> None:
    """Tell rank 0, which may hold the store, that this one has left; it leaves last."""
    with suppress(RuntimeError):
        if place.rank and store.add(_LEFT, 1) == place.size - 1:
            store.set(_ALL_LEFT, "")
        elif place.rank == 0 and waiting:
            store.wait([_ALL_LEFT], _SPEAKING)


@contextmanager
def _exchanging() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise RankLostError(
            f"another rank ended, or cannot be reached ({_reason(error)}), so that this one ends too"
        ) from error


def _reason(error: Exception) -> str:
    """The first sentence, without where in PyTorch's source it was."""
    line = str(error).strip().partition("\n")[0].partition(". ")[0]
    return line.rpartition("] ")[2][:200] if line.startswith("[") else line[:200]
