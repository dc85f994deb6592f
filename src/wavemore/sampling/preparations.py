"""What was found out about conditions and distances, kept for the next call that asks for the same."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from wavemore.predict.predictor import Distribution
from wavemore.sampling.shape import Shape

if TYPE_CHECKING:
    from wavemore.sampling.conditional import Preparation
    from wavemore.sampling.constraints import Condition

__all__ = ["Preparations"]

Kept = TypeVar("Kept")

_MOST = 4  # each may take some ten megabytes


class Preparations:
    """The last few preparations for one distribution, for any number of threads. Copies and pickles of it are empty."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Any] = {}
        self._lock = Lock()

    def __reduce__(self) -> "tuple[type[Preparations], tuple[()]]":
        return Preparations, ()

    def of(
        self, distribution: Distribution, conditions: "Sequence[Condition]", shape: Shape, longest: int
    ) -> "Preparation":
        """The preparation for these conditions. Raises what `conjunction` and `Preparation.of` raise."""
        key = (tuple(conditions), shape, longest)
        try:
            hash(key)
        except TypeError:  # a condition of the user's own that has no hash
            return self._new(distribution, conditions, shape, longest)
        return self.kept(key, lambda: self._new(distribution, conditions, shape, longest))

    def kept(self, key: "tuple[object, ...]", make: Callable[[], Kept]) -> Kept:
        """What was made for this key, or else what is made now."""
        with self._lock:
            found = self._known.pop(key, None)
            if found is not None:
                self._known[key] = found  # the latest stands last
                return found
        made = make()  # without the lock: it may take a second
        with self._lock:
            found = self._known.setdefault(key, made)  # another thread may have made the same meanwhile
            while len(self._known) > _MOST:
                self._known.pop(next(iter(self._known)))
        return found

    @staticmethod
    def _new(
        distribution: Distribution, conditions: "Sequence[Condition]", shape: Shape, longest: int
    ) -> "Preparation":
        from wavemore.sampling.conditional import Preparation  # here: a plain sample needs nothing of it
        from wavemore.sampling.constraints import conjunction

        automaton = conjunction(conditions, distribution.vocabulary)
        assert automaton is not None
        return Preparation.of(distribution, automaton, shape, longest)
