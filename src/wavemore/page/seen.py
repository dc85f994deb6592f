"""The list's strings as the page tells them from new ones: fingerprints, shortened and packed.

A string's fingerprint is the first 32 bits of a keyed hash (`models/fingerprints.py`). Of n fingerprints the page keeps
the first ceil(log2 n) + 11 bits each. So a new string is taken for one of the list with a probability of at most
1 in 2,048 (more only where 32 bits are too few, from two million strings on), and one of the list never for a new one.

Sorted, each is stored as its difference from the one before it (the first from -1), less 1: the quotient by 2^k in
unary, that many ones and a zero, then the k bits of the remainder, the highest first (Golomb 1966; Rice 1979). That
takes about k + 1.5 bits for a string, and k = 11 here.
"""

from typing import Any

import numpy as np

from wavemore.models.fingerprints import Fingerprints
from wavemore.page.arrays import Arrays

__all__ = ["seen_told", "shortened"]

_REMAINDER = 11  # bits
_BITS = 32


def seen_told(fingerprints: Fingerprints | None, arrays: Arrays) -> dict[str, Any] | None:
    """What the header says of the fingerprints; None where the file keeps none."""
    if fingerprints is None:
        return None
    kept, bits = shortened(fingerprints)
    return {
        "salt": fingerprints.salt.hex(),
        "bits": bits,
        "count": len(kept),
        "remainder": min(_REMAINDER, bits),
        "codes": arrays.raw(_codes(kept, min(_REMAINDER, bits))),
        "mistaken": len(kept) / 2**bits,
    }


def shortened(fingerprints: Fingerprints) -> tuple[np.ndarray, int]:
    """The first bits of all fingerprints, of the training part and of the others: int64, rising, none twice; and how
    many bits that are."""
    every = np.concatenate([fingerprints.training, fingerprints.aside]).astype(np.uint64)
    every >>= np.uint64(fingerprints.bits - _BITS)
    bits = min(_BITS, max(1, int(np.ceil(np.log2(max(1, len(np.unique(every))))))) + _REMAINDER)
    return np.unique(every >> np.uint64(_BITS - bits)).astype(np.int64), bits


def _codes(kept: np.ndarray, remainder: int) -> bytes:
    """Rising numbers as bits, the first in the highest bit of the first byte."""
    gaps = np.diff(kept, prepend=-1) - 1  # (n,)
    quotients = gaps >> remainder
    ends = np.cumsum(quotients + 1 + remainder)  # (n,) where each code ends
    total = int(ends[-1]) if len(ends) else 0
    found = np.zeros(total, dtype=np.uint8)
    ones = np.repeat(ends - remainder - 1 - quotients, quotients)  # where each unary part begins
    within = np.arange(len(ones)) - np.repeat(np.cumsum(quotients) - quotients, quotients)
    found[ones + within] = 1
    for bit in range(remainder):
        found[ends - 1 - bit] = gaps >> bit & 1
    return np.packbits(found).tobytes()
