"""What a run needs of the network that it trains, whoever computes it: NumPy (`network.py`) or PyTorch (`in_torch.py`).

Shapes in this file
    n  rows of a level: distinct chunks, or nodes of windows     W  channels before the activation     H  channels
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from wavemore.predict.chunks import Chunks
from wavemore.threads import Team

__all__ = ["MOMENTUM", "Learner", "Rows", "generator_of", "state_of"]

MOMENTUM = 0.1
"""How far a BatchNorm's running statistics move towards those of a batch."""


class Rows(NamedTuple):
    """The rows of one level that are looked at in a step."""

    activation: str
    """Its name."""
    normed: np.ndarray
    """(n, W): what the activation was given."""
    activated: np.ndarray
    """(n, H): what it gave."""
    uses: np.ndarray
    """(n,): how many nodes of all windows each row stands for."""

    @classmethod
    def of(
        cls,
        activation: str,
        uses: np.ndarray,
        most: int,
        look: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    ) -> Self:
        """All rows where they are no more than `most`; else those of `most` nodes of the windows at even distances, so
        that a chunk is taken as often as it is used. `look` gives `normed` and `activated` of the rows of these
        numbers."""
        if len(uses) <= most:
            return cls(activation, *look(np.arange(len(uses))), uses)
        ends = np.cumsum(uses, dtype=np.float64)
        rows = np.searchsorted(ends, (np.arange(most) + 0.5) * (ends[-1] / most))  # (most,)
        return cls(activation, *look(rows), np.ones(most, np.float32))


class Learner(Protocol):
    """A network that learns."""

    adjusted: list[str]
    """The names of those that an optimiser adjusts, from the bottom up."""
    matrices: list[str]
    """Of these the matrices between embedding and head."""
    team: Team
    """Where it and its optimiser leave work that is not needed at once."""

    @property
    def weights(self) -> Mapping[str, Any]:
        """Its weights by name, running statistics among them, as they are now: arrays, or tensors on a device."""
        ...

    def loss(self, batch: Any) -> tuple[float, Any]:
        """Forward: the mean loss of the batch in training mode, nats per character, and the way to it. Running
        statistics move."""
        ...

    def gradients(self, batch: Any, way: Any) -> Iterable[tuple[str, Any]]:
        """Backward: the gradient of each weight that is adjusted, with its name, one after the other. A weight may be
        adjusted as soon as its gradient has come, and a gradient may still be worked out (`Later`). It can be called
        once for each way."""
        ...

    def inside(self, batch: Any, way: Any, most: int) -> list[Rows]:
        """What went through each level on the way, at most this many rows of each, before `gradients` is called; empty
        for a baseline."""
        ...

    def chunk_logits(self, chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
        """In evaluation mode the (n, V) logits of the distinct contexts, in slices."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the weights."""
        ...

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Put such a copy in place of the weights. Raises `ValueError` or `KeyError` where it does not fit."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What the next steps depend on beside weights and batches: the generator."""
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` gave."""
        ...


_HALF = (1 << 64) - 1


def state_of(generator: np.random.Generator) -> np.ndarray:
    """Where a PCG64 generator stands: uint64, (6,)."""
    state: Any = generator.bit_generator.state
    numbers = [state["state"][name] >> shift & _HALF for name in ("state", "inc") for shift in (64, 0)]
    return np.array([*numbers, state["has_uint32"], state["uinteger"]], dtype=np.uint64)


def generator_of(state: np.ndarray) -> np.random.Generator:
    """The generator that stands there. Raises `ValueError` for anything else than such a state."""
    if state.shape != (6,) or state.dtype != np.uint64:
        raise ValueError(f"the state of a generator has shape {state.shape} and type {state.dtype}")
    high, low, inc_high, inc_low, has, uinteger = (int(number) for number in state)
    if not inc_low & 1 or has > 1 or uinteger >> 32:
        raise ValueError("the state of a generator is none of PCG64")
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": high << 64 | low, "inc": inc_high << 64 | inc_low},
        "has_uint32": has,
        "uinteger": uinteger,
    }
    return np.random.Generator(bits)
