"""Arrays as the page reads them: laid end to end, numbers of two bytes where that is exact enough.

A float16 has 11 significant bits. Each array of them is first multiplied by a power of two that puts its largest number
between 2^13 and 2^14, so none overflows, and small ones keep their bits. The lower bytes of all of them come first and
then the upper ones: these are alike, and so gzip makes them smaller.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["Arrays", "unpacked"]

_LARGEST = 14  # a power of two, which stays below float16's largest, 65504


class Arrays:
    """Collects arrays; what they are called from then on is their number.

    The numbers of one kind follow one another: float16, float32, then bytes.
    """

    def __init__(self) -> None:
        self._told: list[dict[str, Any]] = []
        self._halves: list[np.ndarray] = []
        self._singles: list[np.ndarray] = []
        self._bytes: list[bytes] = []

    def half(self, array: np.ndarray) -> int:
        """Keep a float array of any shape as float16."""
        exponent = _exponent(array)
        self._halves.append(np.ldexp(array.astype(np.float64), exponent).astype("<f2").reshape(-1))
        return self._number("half", array.shape, exponent=exponent)

    def single(self, array: np.ndarray) -> int:
        """Keep a float array of any shape as float32."""
        self._singles.append(array.astype("<f4").reshape(-1))
        return self._number("single", array.shape)

    def raw(self, data: bytes) -> int:
        """Keep bytes."""
        self._bytes.append(data)
        return self._number("bytes", (len(data),))

    def _number(self, kind: str, shape: tuple[int, ...], **more: int) -> int:
        self._told.append({"kind": kind, "shape": [*shape], **more})
        return len(self._told) - 1

    @property
    def told(self) -> list[dict[str, Any]]:
        """Kind and shape of each array, for the header; of float16 also the exponent of its power of two."""
        return self._told

    def data(self) -> bytes:
        """All of them."""
        halves = np.concatenate([np.zeros(0, "<f2"), *self._halves]).view(np.uint8).reshape(-1, 2)  # (numbers, 2)
        singles = [array.tobytes() for array in self._singles]
        return b"".join([halves.T.tobytes(), *singles, *self._bytes])


def unpacked(told: Sequence[Mapping[str, Any]], data: bytes) -> list[np.ndarray]:
    """The arrays again, float32 or uint8, as the page has them."""
    sizes = {kind: sum(_size(one) for one in told if one["kind"] == kind) for kind in ("half", "single", "bytes")}
    halves = np.frombuffer(data, np.uint8, 2 * sizes["half"]).reshape(2, -1).T.copy().view("<f2")[:, 0]
    singles = np.frombuffer(data, "<f4", sizes["single"], 2 * sizes["half"])
    rest = np.frombuffer(data, np.uint8, sizes["bytes"], 2 * sizes["half"] + 4 * sizes["single"])
    every, starts, found = {"half": halves, "single": singles, "bytes": rest}, dict.fromkeys(sizes, 0), []
    for one in told:
        kind, size = one["kind"], _size(one)
        array = every[kind][starts[kind] : starts[kind] + size]
        starts[kind] += size
        if kind == "half":
            array = np.ldexp(array.astype(np.float64), -one["exponent"]).astype(np.float32)
        found.append(array.reshape(one["shape"]))
    return found


def _exponent(array: np.ndarray) -> int:
    """Of the power of two that the array is multiplied by."""
    largest = float(np.abs(array).max(initial=0))
    return int(_LARGEST - np.frexp(largest)[1]) if largest else 0


def _size(told: Mapping[str, Any]) -> int:
    return int(np.prod(told["shape"], dtype=np.int64))
