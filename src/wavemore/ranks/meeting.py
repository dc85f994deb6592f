"""The ranks that the environment names meet, for a command or for a fit. PyTorch is imported when they do."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING

from wavemore.errors import MissingExtraError
from wavemore.ranks.place import place_of

if TYPE_CHECKING:
    from wavemore.ranks.together import Ranks

__all__ = ["in_ranks", "ranks_here"]


def in_ranks(command: Callable[..., None]) -> Callable[..., None]:
    """The command, which under torchrun meets the other ranks before anything else, so that all end together and one
    of them says why."""

    @wraps(command)
    def together(*arguments: object, **options: object) -> None:
        place = place_of(os.environ)
        if place is None:
            command(*arguments, **options)
            return
        _check_torch()
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # it would print its own stack when a rank has ended
        from wavemore.ranks.world import one_voice

        with one_voice(place):
            command(*arguments, **options)

    return together


@contextmanager
def ranks_here(*, wanted: bool) -> "Iterator[Ranks | None]":
    """The ranks that the environment names, met already or now, where they are wanted; None where there are none.
    Raises as `place_of` does, and `TrainingError` where they do not meet."""
    place = place_of(os.environ) if wanted else None
    if place is None:
        yield None
        return
    _check_torch()
    from wavemore.ranks.together import Ranks
    from wavemore.ranks.world import joined

    with joined(place) as world:
        yield Ranks(world)


def _check_torch() -> None:
    if find_spec("torch") is None:
        raise MissingExtraError.of("training on several ranks", "PyTorch", "torch")
