"""How like a list samples are: what is new, what repeats, and whether lengths and characters are distributed alike.

No figure says much alone, so the same figures of held-out strings stand beside those of samples: real strings that the
model has not learned from are the best that samples can be. A model that learned its list by heart has few new samples,
a model that learned little has distances far above those of the held-out strings.

Two finite sets of strings always differ, and repeat themselves the more, the larger they are. So what depends on the
number of strings is taken over equally many samples and held-out strings.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wavemore.models.neighbours import Neighbours

__all__ = ["Likeness", "compare", "divergence", "length_distance"]

_CHOOSING_SEED = 3
_STRINGS_AT_ONCE = 32768
_LOOKED_AT = 1000  # strings of which it is told how near they are; two edits take some time
_WORK = 3e7  # look-ups for that, some seconds
_INDEXED_AT_ONCE = 1 << 19  # strings; bounds the memory
_CODE_POINTS = 0x110000


@dataclass(frozen=True)
class Likeness:
    """How like the strings of a list, the reference, some other strings are."""

    strings: int
    new: float
    """The share of the strings that do not stand in the reference."""
    held_out: float | None
    """The share that stand among the held-out strings; None for these themselves, and where there are none."""
    looked_at: int
    """How many of the new strings the next two figures are about: a thousand at most, chosen at random with a fixed
    seed, and fewer where they are long or have many different characters."""
    one_edit: float | None
    """The share of these that are one edit (a character put in, taken out or changed) from a string of the reference;
    None where none is looked at."""
    two_edits: float | None
    """The same of two edits."""
    compared: int
    """How many of the strings the following figures are about."""
    distinct: float
    """How many different strings there are, as a share of those compared."""
    length_distance: float
    """By how many characters lengths would have to change on average to be distributed as in the reference (the
    Wasserstein-1 distance)."""
    character_divergence: float
    """The Jensen-Shannon divergence of the characters, the boundary that ends a string among them, from those of the
    reference, in bits: 0 for equal shares, 1 where none is in common."""
    pair_divergence: float
    """The same of pairs of neighbours, the boundary before and after each string among them."""

    def to_dict(self) -> dict[str, int | float | None]:
        """For JSON."""
        return asdict(self)


def compare(samples: Sequence[str], reference: Sequence[str], held_out: Sequence[str] = ()) -> dict[str, Likeness]:
    """The likeness of "samples" to a reference, then, where there are some, that of the "held out" strings.

    samples      at least one string, in random order, as independent draws are
    reference    at least one string: those that the model learned from, or a list of the same kind
    held_out     strings that the model did not learn from; as many of them as there are samples are compared, chosen at
                 random with a fixed seed
    """
    compared = min(len(samples), len(held_out)) or len(samples)
    known, aside = set(reference), set(held_out)
    like = _Distributions(reference)
    result = {"samples": _likeness(samples, samples[:compared], known, aside, like)}
    if held_out:
        chosen = np.random.default_rng(_CHOOSING_SEED).choice(len(held_out), compared, replace=False)
        result["held out"] = _likeness(held_out, [held_out[int(i)] for i in chosen], known, None, like)
    return result


def length_distance(a: Counter[int], b: Counter[int]) -> float:
    """The Wasserstein-1 distance of two distributions of lengths, each given as counts that are not all 0."""
    longest = max(*a, *b)
    shares = [np.array([counts[length] for length in range(longest + 1)]) / counts.total() for counts in (a, b)]
    return float(np.abs(np.cumsum(shares[0] - shares[1])).sum())


def divergence(a: Counter[Any], b: Counter[Any]) -> float:
    """The Jensen-Shannon divergence of two distributions in bits (Lin 1991), each given as counts, not all 0."""
    keys = list(a | b)
    p, q = (np.array([counts[key] for key in keys]) / counts.total() for counts in (a, b))
    middle = (p + q) / 2
    return max(0.0, sum(float((x[x > 0] * np.log2(x[x > 0] / middle[x > 0])).sum()) / 2 for x in (p, q)))


class _Distributions:
    """Counts of lengths, of characters and of pairs of neighbours.

    The boundary after each string is one of the characters, and it stands before the first one in a pair. A character
    is its code point plus one here, the boundary 0.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self.lengths: Counter[int] = Counter(map(len, strings))
        self.characters: Counter[int] = Counter()
        self.pairs: Counter[int] = Counter()
        for ids in _ids(strings):
            _count(self.characters, ids[1:])
            _count(self.pairs, ids[:-1] * (_CODE_POINTS + 1) + ids[1:])


def _near(new: Sequence[str], reference: Sequence[str]) -> tuple[int, float | None, float | None]:
    """How many of the new strings were looked at, and the shares of these that are one edit and two edits from one of
    the reference."""
    # Each string that is one edit away is looked up, once for each of its characters.
    characters = len(set().union(*reference))
    work = sum(characters * (2 * len(string) + 1) * (len(string) + 1) for string in new)
    count = min(len(new), _LOOKED_AT, int(_WORK * len(new) / max(1, work)))
    if not count:
        return 0, None, None
    if count < len(new):
        chosen = np.random.default_rng(_CHOOSING_SEED).choice(len(new), count, replace=False)
        new = [new[int(i)] for i in chosen]
    within = np.zeros((2, count), dtype=bool)
    for start in range(0, len(reference), _INDEXED_AT_ONCE):
        part = Neighbours(reference[start : start + _INDEXED_AT_ONCE])
        for edits in (1, 2):
            left = np.flatnonzero(~within[edits - 1]).tolist()
            within[edits - 1, left] |= part.within(edits, [new[i] for i in left])
    one, two = within.sum(axis=1)
    return count, float(one / count), float((two - one) / count)


def _ids(strings: Sequence[str]) -> Iterator[np.ndarray]:
    """Some thousand strings at once, end to end with a boundary before, between and after them: int64."""
    for start in range(0, len(strings), _STRINGS_AT_ONCE):
        portion = strings[start : start + _STRINGS_AT_ONCE]
        points = np.frombuffer("".join(portion).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
        ends = np.cumsum([0, *map(len, portion)])
        yield np.insert(points + 1, ends, 0)


def _count(counts: Counter[int], keys: np.ndarray) -> None:
    found, times = np.unique(keys, return_counts=True)
    counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))


def _likeness(
    strings: Sequence[str],
    compared: Sequence[str],
    known: Collection[str],
    held_out: Collection[str] | None,
    reference: _Distributions,
) -> Likeness:
    own = _Distributions(compared)
    new = [string for string in strings if string not in known]
    looked_at, one_edit, two_edits = _near(new, list(known))
    return Likeness(
        strings=len(strings),
        new=len(new) / len(strings),
        held_out=sum(string in held_out for string in strings) / len(strings) if held_out else None,
        looked_at=looked_at,
        one_edit=one_edit,
        two_edits=two_edits,
        compared=len(compared),
        distinct=len(set(compared)) / len(compared),
        length_distance=length_distance(own.lengths, reference.lengths),
        character_divergence=divergence(own.characters, reference.characters),
        pair_divergence=divergence(own.pairs, reference.pairs),
    )
