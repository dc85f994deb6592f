"""What the rows of a column usually look like, and how odd a row is: by models that have not seen it.

A model that was trained on a typo knows it by heart. So rows are put into folds, and each row is scored by an n-gram
model that has counted the rows of the other folds alone. All rows with the same string, or of the same group, are in
one fold. The models count each string once, however often it stands in the column.

The oddness of a row is in bits, the higher the odder:

    surprise    the geometric mean of its three most surprising predictions (weight 2/3) and of all (weight 1/3). One
                wrong letter shows in the first, a wrong language in the second, and neither grows with the length.
    copies      a value that other rows have too is explained by them: the surprise is multiplied by r to the power
                2/3, where r is the log-probability with "copied from another row" over that without. The column itself
                says how much that explains: much in a column of 500 towns, nothing where no value repeats.
    encoding    a string that is UTF-8 read in another encoding, such as "MÃ¼ller", has twice the surprise.
    length      an eighth of the bits of its length is added: where 1 row in 1,024 is as long, or as short, that is an
                eighth of ten bits.

Its rarity is the N of "1 in N rows is as odd". Above the oddest row that was learned it goes on as an exponential tail.

Shapes in this file
    n  rows      d  distinct strings
"""

from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import numpy as np

from wavemore.errors import CorpusError, UsageError
from wavemore.judging.likelihood import blended, surprises
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.settings.config import NgramConfig

__all__ = ["STRANGE", "Usual", "repaired"]

_FEWEST_ROWS = 20
STRANGE = "\uffff"
"""Stands for each character that was not in the column when it was learned. It is itself no character."""

_NGRAMS = NgramConfig(kind="ngram", order=5)
_MANY = 20_000  # distinct strings; a column with fewer has more folds, as its models need every string
_TAIL = 0.01
_FEW_KEYS = 100


class Usual:
    """A column that was learned from its rows, or from a sample of them. Raises `CorpusError` for fewer than 20 rows.

    strings    those of the rows
    groups     where given, the group of each row: rows are then scored by models of the other groups, and a value
               counts as a copy where another group has it
    where      how messages call the column
    """

    def __init__(self, strings: Sequence[str], groups: Sequence[str] | None = None, where: str = "the column") -> None:
        if len(strings) < _FEWEST_ROWS:
            raise CorpusError(
                f"{where} has {len(strings)} strings, too few to tell what is usual; give {_FEWEST_ROWS} or more"
            )
        pairs = None if groups is None else dict.fromkeys(zip(strings, groups, strict=True))
        if pairs is not None and len({group for _, group in pairs}) < 2:
            raise UsageError("all rows are of one group, which do not vouch for each other; groups must be two or more")
        items = strings if pairs is None else [string for string, _ in pairs]
        self._pairs = pairs
        self._holders, self._items = Counter(items), len(items)
        times = Counter(self._holders.values())
        self._discount = times[1] / (times[1] + 2 * times[2]) if times[1] else 0.5
        self.own_values = 100 * times[1] / self._items
        """The percentage of rows that have a value of their own."""
        self.vocabulary = Vocabulary("".join(sorted({STRANGE}.union(*self._holders))))
        self._folds = 4 if len(self._holders) >= _MANY else 10
        keys = sorted(set(strings if groups is None else groups), key=_digest)
        # Where there are few, digests could put them all into one fold.
        self._fold_of = {key: i % self._folds for i, key in enumerate(keys)} if len(keys) < _FEW_KEYS else {}
        own = self.folds(strings, groups)
        inside = [{strings[i] for i in np.flatnonzero(own == fold).tolist()} for fold in range(self._folds)]
        outside = (set[str]().union(*inside[:fold], *inside[fold + 1 :]) for fold in range(self._folds))
        self.models = [Ngram.fit([*(others or self._holders)], self.vocabulary, _NGRAMS) for others in outside]
        """One for each fold, which has counted the others; of a column with a single value, that value."""
        self.lengths = np.sort(np.fromiter(map(len, strings), np.int64, len(strings)))  # (n,)
        self._oddness = np.sort(self.oddness(strings, groups))  # (n,)

    def folds(self, strings: Sequence[str], groups: Sequence[str] | None = None) -> np.ndarray:
        """The fold of each row, (n,): a digest of its string or group, so that it is the same for a row that comes
        later; few strings or groups are spread evenly."""
        keys = strings if groups is None else groups
        known = self._fold_of
        folds = (known[key] if key in known else _digest(key)[0] % self._folds for key in keys)
        return np.fromiter(folds, np.int64, len(keys))

    def oddness(
        self, strings: Sequence[str], groups: Sequence[str] | None = None, *, learned: np.ndarray | None = None
    ) -> np.ndarray:
        """The oddness of each row in bits, (n,).

        learned    (n,) whether each row is one of those that the column was learned from; without it, all are
        """
        folds, texts = self.folds(strings, groups), self.readable(strings)
        total, worst, mean = np.empty((3, len(strings)))
        for fold, model in enumerate(self.models):
            rows = np.flatnonzero(folds == fold).tolist()
            number = {text: i for i, text in enumerate(dict.fromkeys(texts[row] for row in rows))}
            distribution = Distribution(model, self.vocabulary)
            found, of = surprises(distribution, list(number)), [number[texts[row]] for row in rows]
            total[rows], worst[rows] = found.total[of], found.worst()[of]
            mean[rows] = (found.total / np.log(2) / found.predictions)[of]
        worst *= self._copied(strings, groups, total, learned)
        broken = np.fromiter((repaired(string) is not None for string in strings), bool, len(strings))
        return blended(worst, mean) * (1 + broken) + self.length_bits(strings) / 8

    def rarity(self, oddness: np.ndarray) -> np.ndarray:
        """The N of "1 in N rows is as odd", 1 or more: (n,)."""
        known = len(self._oddness)
        as_odd = known - np.searchsorted(self._oddness, oddness, side="left")  # (n,) of the rows that were learned
        tail = self._oddness[-max(1, round(_TAIL * known)) :]
        spread = max(float(tail.mean() - tail[0]), 1e-9)
        beyond = np.maximum(oddness - self._oddness[-1], 0) / spread
        return known / np.maximum(as_odd, 1) * np.exp(np.minimum(beyond, 100))

    def length_bits(self, strings: Sequence[str]) -> np.ndarray:
        """Minus the log2 of the share of rows that are as long, or as short if these are fewer: (n,)."""
        own = np.fromiter(map(len, strings), np.int64, len(strings))
        as_short = np.searchsorted(self.lengths, own, side="right")
        as_long = len(self.lengths) - np.searchsorted(self.lengths, own, side="left")
        return np.log2(len(self.lengths) / np.maximum(np.minimum(as_short, as_long), 1))

    def readable(self, strings: Sequence[str]) -> list[str]:
        """The strings, with `STRANGE` for the characters that the column did not have."""
        if (self.vocabulary.encode_known("".join(strings)) >= 0).all():
            return list(strings)
        known = {*self.vocabulary.characters}
        return ["".join(c if c in known else STRANGE for c in string) for string in strings]

    def others(
        self, strings: Sequence[str], groups: Sequence[str] | None = None, learned: np.ndarray | None = None
    ) -> np.ndarray:
        """How many other rows, or groups, have each string: (n,). `learned` as in `oddness`."""
        holders = np.fromiter((self._holders[string] for string in strings), np.int64, len(strings))
        if groups is None or self._pairs is None:
            return holders - (1 if learned is None else learned)
        pairs = zip(strings, groups, strict=True)
        return holders - np.fromiter((pair in self._pairs for pair in pairs), np.int64, len(strings))

    def known(self, string: str) -> bool:
        """Whether the column had this string when it was learned."""
        return string in self._holders

    def cut(self, count: int) -> float:
        """The oddness of the oddest rows that were learned, down to this many."""
        return float(self._oddness[-min(count, len(self._oddness))])

    def _copied(
        self, strings: Sequence[str], groups: Sequence[str] | None, total: np.ndarray, learned: np.ndarray | None
    ) -> np.ndarray:
        """The log-probability with "copied from another row" over that without it: (n,).

        The whole string is one more, longest n-gram: copies count as those do, with a discount that is left to new
        values (see `predict/ngram.py`).

        total    (n,) nats, minus the log-probability without
        """
        copies = np.maximum(self.others(strings, groups, learned) - self._discount, 0) / self._items
        new = self._discount * len(self._holders) / self._items
        with np.errstate(divide="ignore"):
            return -np.logaddexp(np.log(new) - total, np.log(copies)) / np.maximum(total, 1e-9)


def _digest(key: str) -> tuple[int, str]:
    """What orders keys without regard to what they say."""
    return crc32(key.encode("utf-8", "surrogatepass")), key


def repaired(string: str) -> str | None:
    """What the string was before its UTF-8 was read in a Western encoding, "Müller" of "MÃ¼ller"; None where that did
    not happen."""
    if string.isascii():
        return None
    try:
        mended = b"".join(map(_byte, string)).decode("utf-8")
    except UnicodeError:
        return None
    return mended if mended != string else None


def _byte(character: str) -> bytes:
    """Of Windows-1252, and of ISO 8859-1 where that has none. Raises `UnicodeEncodeError`."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
