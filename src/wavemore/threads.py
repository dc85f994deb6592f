"""Portions of work side by side on all cores. NumPy lets other threads run while it computes."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["cores", "side_by_side"]

_FEW = 4  # portions up to which handing them over gains nothing


def side_by_side(work: Callable[[int], object], starts: Sequence[int]) -> None:
    """Call `work` with each start, in any order. Raises the first of their errors."""
    if len(starts) <= _FEW or cores() < 2:
        for start in starts:
            work(start)
        return
    for _ in _pool().map(work, starts):
        pass


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor  # which takes longer to import than a small model to answer

    return ThreadPoolExecutor(cores(), "wavemore")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child process has none of its parent's threads
