"""Which process of several this is, that train one network together: torchrun tells each in its environment.

A rank is one such process. Rank 0 prints, records and writes; the others compute.
"""

from collections.abc import Mapping
from typing import NamedTuple

from wavemore.errors import TrainingError, UsageError

__all__ = ["Place", "RankLostError", "place_of"]


class RankLostError(TrainingError):
    """Another rank has ended, or cannot be reached."""


class Place(NamedTuple):
    """Where this process stands among the ranks."""

    rank: int
    """From 0."""
    size: int
    """How many ranks there are: 2 or more."""
    local: int
    """Its number on its own machine, which is that of its GPU."""


def place_of(environ: Mapping[str, str]) -> Place | None:
    """What RANK, WORLD_SIZE and LOCAL_RANK say; None where they say nothing, or that this is the only rank. Raises
    `UsageError` where they cannot be, or where MASTER_ADDR or MASTER_PORT is missing."""
    if "RANK" not in environ or "WORLD_SIZE" not in environ:
        return None
    size = _number(environ, "WORLD_SIZE", 1, None)
    rank = _number(environ, "RANK", 0, size - 1)
    if size == 1:
        return None
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if not environ.get(name):
            raise UsageError(
                f"WORLD_SIZE = {size} names {size} ranks, and {name} does not say where they meet; start them with "
                "torchrun, or unset WORLD_SIZE to train in this process alone"
            )
    return Place(rank, size, _number(environ, "LOCAL_RANK", 0, size - 1) if "LOCAL_RANK" in environ else rank)


def _number(environ: Mapping[str, str], name: str, least: int, most: int | None) -> int:
    text = environ[name]
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number < least or (most is not None and number > most):
        bounds = f"from {least} to {most}" if most is not None else f"of {least} or more"
        raise UsageError(f'the environment says {name} = "{text}"; it must be a whole number {bounds}')
    return number
