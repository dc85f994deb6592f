"""What a model file keeps of its list: fingerprints of the strings, and how likely held-out strings are.

A fingerprint is 4 or 8 bytes of a keyed hash of a string (BLAKE2b, RFC 7693), from which the string cannot be read.
Anyone who has the file can test a guess, as this module does; `data.remember = false` leaves all of it out.

With n fingerprints in the file, a string that was not on the list is taken for one of them with probability n / 2**32.
Lists of up to about four million strings have fingerprints of 32 bits, so that happens to one new string in a thousand
at worst; longer lists have 64 bits. A string of the list is never taken for a new one.

How likely a string is says little by itself, since long strings are unlikely. So the file keeps quantiles of the
log-likelihoods of the validation strings, and any string has a rank among them.

Shapes in this file
    N  strings asked about   T  distinct training strings   H  distinct held-out strings   Q  quantiles
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import ModelFileError, UsageError
from wavemore.lists.vocabulary import normalise

__all__ = [
    "LOG_LIKELIHOODS",
    "OF_THE_LIST",
    "SALT_BYTES",
    "SURPRISE",
    "Fingerprints",
    "log_likelihoods_of",
    "quantiles",
    "ranks",
]

SALT_BYTES = 16
LOG_LIKELIHOODS, SURPRISE = "held_out.log_likelihoods", "held_out.surprise"
_SALT, _TRAIN, _HELD_OUT = "seen.salt", "seen.train", "seen.held_out"
OF_THE_LIST = (_SALT, _TRAIN, _HELD_OUT, LOG_LIKELIHOODS, SURPRISE)
"""The names in a model file of all that is kept here."""

_MOST_OF_32_BITS = 1 << 22  # strings
_QUANTILES = 1001


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Those of a model's strings. In each part they rise and none stands twice; both parts have one type."""

    __repr__ = brief

    salt: bytes
    """The key of the hash, 16 bytes: the same string has another fingerprint in the model of another list."""
    training: np.ndarray
    """(T,) uint32 or uint64: those of the training part."""
    aside: np.ndarray
    """(H,): those of the validation and the test part. A string may stand in both, as in the lecture's split."""

    @classmethod
    def of(cls, train: Iterable[str], held_out: Iterable[str], salt: bytes) -> "Fingerprints":
        """The fingerprints of the strings of both parts."""
        parts = [np.unique(_hashes(strings, salt)) for strings in (train, held_out)]
        if sum(map(len, parts)) <= _MOST_OF_32_BITS:
            parts = [np.unique(_halved(part)) for part in parts]
        return cls(salt, *parts)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], model: str) -> "Fingerprints | None":
        """Those of a model file, None where it has none. `model` names it. Raises `ModelFileError`."""
        present = [name for name in (_SALT, _TRAIN, _HELD_OUT) if name in arrays]
        if not present:
            return None
        for name in (_SALT, _TRAIN, _HELD_OUT):
            if name not in present:
                raise ModelFileError(f"{model} lacks {name}; train it or copy it again")
        salt, train = arrays[_SALT], arrays[_TRAIN]
        if salt.dtype != np.uint8 or salt.shape != (SALT_BYTES,):
            raise _unfit(model, _SALT, salt, f"uint8 of shape ({SALT_BYTES},)")
        if train.dtype not in (np.uint32, np.uint64):
            raise _unfit(model, _TRAIN, train, "uint32 or uint64 of one axis")
        for name in (_TRAIN, _HELD_OUT):
            array = arrays[name]
            if array.dtype != train.dtype or array.ndim != 1:
                raise _unfit(model, name, array, f"{train.dtype} of one axis")
            if (array[1:] <= array[:-1]).any():
                raise ModelFileError(
                    f"{model} holds fingerprints in {name} that do not rise; train it or copy it again"
                )
        return cls(salt.tobytes(), train, arrays[_HELD_OUT])

    def arrays(self) -> dict[str, np.ndarray]:
        """As a model file holds them."""
        return {_SALT: np.frombuffer(self.salt, dtype=np.uint8), _TRAIN: self.training, _HELD_OUT: self.aside}

    @property
    def bits(self) -> int:
        """How many bits a fingerprint has."""
        return self.training.dtype.itemsize * 8

    def train(self, strings: Iterable[str]) -> np.ndarray:
        """Whether each string stands in the training part: truth values, (N,). In any Unicode form, since strings are
        brought to NFC as a list's are. Raises `UsageError` for a single string in place of several."""
        return _among(self._fingerprints(strings), self.training)

    def held_out(self, strings: Iterable[str]) -> np.ndarray:
        """The same of the held-out parts."""
        return _among(self._fingerprints(strings), self.aside)

    def any(self, strings: Iterable[str]) -> np.ndarray:
        """The same of the list as a whole."""
        fingerprints = self._fingerprints(strings)
        return _among(fingerprints, self.training) | _among(fingerprints, self.aside)

    def covered(self, strings: Iterable[str]) -> bool:
        """Whether these strings have all of the fingerprints, so that the whole list is among them."""
        found = np.unique(self._fingerprints(strings))
        return bool(_among(self.training, found).all() and _among(self.aside, found).all())

    def _fingerprints(self, strings: Iterable[str]) -> np.ndarray:
        """(N,), of the type that is kept."""
        if isinstance(strings, str):
            raise UsageError(f"a list of strings is needed, and {strings!r} is a single one; write [{strings!r}]")
        hashes = _hashes(strings, self.salt)
        return hashes if self.bits == 64 else _halved(hashes)


def ranks(quantiles: np.ndarray, log_likelihoods: np.ndarray) -> np.ndarray:
    """The share of the held-out strings that are less likely, interpolated: float64, (N,).

    quantiles          (Q,) float32, none lower than the one before
    log_likelihoods    (N,), nats; minus infinity has rank 0
    """
    scores = np.asarray(log_likelihoods).astype(np.float32)  # (N,), as the quantiles are, so that equal ones stay equal
    below, upto = (np.searchsorted(quantiles, scores, side=side) for side in ("left", "right"))  # (N,)
    low, high = quantiles[np.maximum(below - 1, 0)], quantiles[np.minimum(below, len(quantiles) - 1)]  # (N,)
    between = (below == upto) & (low < scores) & (scores < high)
    share = np.zeros(len(scores))
    share[between] = (scores[between] - low[between]) / (high[between] - low[between]) - 1
    places = np.maximum(below + share, 0) / max(1, len(quantiles) - 1)
    return np.where(below == len(quantiles), 1.0, places)


def quantiles(log_likelihoods: np.ndarray) -> np.ndarray:
    """Those of at least one held-out string that a model file keeps: float32, rising, at most 1,001, (Q,)."""
    kept = np.sort(log_likelihoods)
    if len(kept) > _QUANTILES:
        kept = np.quantile(kept, np.linspace(0, 1, _QUANTILES))
    return kept.astype(np.float32)


def log_likelihoods_of(arrays: Mapping[str, np.ndarray], model: str) -> np.ndarray | None:
    """The quantiles of a model file, (Q,), None where it has none. `model` names it. Raises `ModelFileError`."""
    if LOG_LIKELIHOODS not in arrays:
        return None
    scores = arrays[LOG_LIKELIHOODS]
    if scores.dtype != np.float32 or scores.ndim != 1 or not len(scores):
        raise _unfit(model, LOG_LIKELIHOODS, scores, "float32 of one axis, and not empty")
    if not np.isfinite(scores).all() or (scores[1:] < scores[:-1]).any():
        raise ModelFileError(
            f"{model} holds numbers in {LOG_LIKELIHOODS} that are not finite or fall; train it or copy it again"
        )
    return scores


def _hashes(strings: Iterable[str], salt: bytes) -> np.ndarray:
    """The first 64 bits of each string's hash: uint64, (N,)."""
    from hashlib import blake2b  # here: it takes longer to import than a small model to answer

    texts = list(strings)
    if not "".join(texts).isascii():
        texts = [normalise(text) for text in texts]
    keyed, digests = blake2b(digest_size=8, key=salt), []
    for text in texts:
        digest = keyed.copy()  # half the time of a new one
        digest.update(text.encode("utf-8", "surrogatepass"))
        digests.append(digest.digest())
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def _halved(hashes: np.ndarray) -> np.ndarray:
    """The upper 32 of 64 bits, in the same order: uint32."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


def _among(fingerprints: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which of the fingerprints, (N,), stand among the known ones, which rise: truth values, (N,)."""
    if not len(known):
        return np.zeros(len(fingerprints), dtype=bool)
    return known.take(np.searchsorted(known, fingerprints), mode="clip") == fingerprints


def _unfit(model: str, name: str, array: np.ndarray, rule: str) -> ModelFileError:
    return ModelFileError(
        f"{model} holds {name} as {array.dtype} of shape {array.shape}; it must be {rule}; train it or copy it again"
    )
