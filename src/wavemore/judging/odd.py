"""The odd rows of a column, without a model of it before: what `wavemore odd` does.

A column of up to 200,000 rows is learned whole, a longer one from that many rows drawn at random; all are scored.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import repeat
from pathlib import Path
from typing import cast

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import UsageError
from wavemore.judging.reasons import reasons_of
from wavemore.judging.scored_table import ScoredTable, Tally, spread
from wavemore.judging.usual import Usual
from wavemore.lists.containers import is_missing
from wavemore.lists.given import Listed, given
from wavemore.lists.layout import Layout
from wavemore.lists.streams import is_read_once, place
from wavemore.lists.vocabulary import normalise
from wavemore.settings.strict import whole_number
from wavemore.tables.columns import Part, Portion, Table
from wavemore.tables.formats import open_table
from wavemore.tables.ranking import ranked

__all__ = ["OddRows", "odd", "odd_table"]

_SAMPLE = 200_000
_SEED = 0
_NAMES = ("oddness", "one_in", "reasons")
_SHARE, _FEWEST = 0.01, 50  # of the rows get reasons, the oddest ones


@dataclass(frozen=True)
class OddRows:
    """How odd the strings of a column are."""

    __repr__ = brief

    scores: np.ndarray
    """(strings,) float64, bits: the higher, the odder; NaN of a missing string. In the order of the strings; see
    `judging/usual.py`."""
    one_in: np.ndarray
    """(strings,) float64: the N of "1 in N rows is as odd"; NaN of a missing string."""
    strings: Sequence[str]
    """In NFC, and "" where one is missing."""
    groups: Sequence[str] | None
    learned: np.ndarray
    """(strings,) bool: which of them the column was learned from."""
    usual: Usual
    """What was learned of the column."""

    @cached_property
    def reasons(self) -> list[str]:
        """Why each string is odd, in words; "" where it is not among the oddest 1 %, or the oddest 50."""
        return _reasons(self.usual, self.strings, self.groups, self.learned, self.scores)

    def oddest(self, n: int = 20) -> list[int]:
        """The places of the `n` oddest strings, the oddest first. Raises `UsageError` for an `n` that is none."""
        whole_number("the number of rows", n, 0)
        places = np.argsort(-self.scores, kind="stable")[:n]  # NaN comes last
        return places[~np.isnan(self.scores[places])].tolist()


def odd(strings: Listed, *, groups: Iterable[object] | None = None) -> OddRows:
    """How odd each string of a column is, by models that have not seen it. Missing strings have no score.

    groups    of each string, such as a customer's number: rows of one group do not vouch for each other. Equal texts
              are one group, and a missing one is a group of its own

    Raises `CorpusError` for fewer than 20 strings, and `UsageError` for what is no string.
    """
    found = given(strings)
    places: list[int] = (np.arange(found.given) if found.places is None else found.places).tolist()
    names = None if groups is None else _names(groups)
    if names is not None and len(names) != found.given:
        raise UsageError(f"there are {found.given} strings and {len(names)} groups; each string must have one group")
    texts, kinds = list(map(normalise, found.strings)), None if names is None else [names[i] for i in places]
    sample = _Sample()
    sample.add(texts, kinds)
    usual, rows = sample.learned()
    learned = _among(0, len(texts), rows)
    scores = usual.oddness(texts, kinds, learned=learned)
    return OddRows(
        found.spread(scores),
        found.spread(usual.rarity(scores)),
        _placed(texts, places, found.given),
        None if kinds is None else _placed(kinds, places, found.given),
        np.isin(np.arange(found.given), np.array(places)[learned]),
        usual,
    )


def _names(groups: Iterable[object]) -> list[str]:
    """The keys of groups. Raises `UsageError` for a single text."""
    if isinstance(groups, str | bytes):
        raise UsageError(f"the groups are {groups!r}; they must be a list with one for each string")
    return [f"row {i}" if is_missing(name) else _group(str(name)) for i, name in enumerate(groups)]


def _placed(texts: Sequence[str], places: Sequence[int], rows: int) -> list[str]:
    """The texts at their places, and "" at the others."""
    at = dict(zip(places, texts, strict=True))
    return [at.get(place, "") for place in range(rows)]


@contextmanager
def odd_table(
    source: str | Path | Sequence[str],
    *,
    most: int | None = None,
    layout: Layout | None = None,
    group: str | None = None,
    progress: bool = False,
    printed: bool = False,
) -> Iterator[ScoredTable]:
    """A list or table with the oddness of its rows, how many rows are as odd, and reasons; see `open_table` for the
    source and its layout.

    most        how many rows, the oddest first; None for all rows in their order
    group       a column: rows of one group do not vouch for each other
    progress    a bar on standard error where it takes longer than a second
    printed     whether rows go to standard output

    A file is read twice; standard input and a pipe are held in memory. Raises what reading the table raises, and
    `UsageError` and `CorpusError` as `odd` does.
    """
    from wavemore.progress import counted, waiting

    if most is not None:
        whole_number("the number of rows", most, 1)
    layout = layout or Layout()
    if layout.format == "counted":
        raise UsageError(
            "counted lines have each value once, and odd looks at how often values come; give it the list itself"
        )
    read, size = partial(open_table, source, layout=layout), lambda pair: len(pair[0].texts)
    once = is_read_once(source)
    if once and group is not None:
        raise UsageError(
            f"{place(cast(str, source))} is read once, and groups need a second reading; write the table to a file"
        )
    with read(_NAMES) as table:
        held = list(table.portions()) if once else None

        @contextmanager
        def pairs(portions: Iterable[Portion], doing: str) -> Iterator[Iterator[tuple[Portion, Portion | None]]]:
            """The portions of the strings, and of the groups where there are some."""
            with nullcontext() if group is None else read([], layout=beside_it(table, group)) as grouped:
                beside = repeat(None) if grouped is None else grouped.portions()
                both = zip(portions, beside, strict=grouped is not None)
                yield counted(both, None, doing, quiet=not progress, printed=streamed, size=size)

        def beside_it(table: Table, group: str) -> Layout:
            """How the groups are read: as the strings are, from another column."""
            return replace(layout, column=group, numbers=True, **table.found)

        sample, streamed = _Sample(), False
        with (
            nullcontext(table) if once else read([]) as first,
            pairs(held or first.portions(), "learning") as rows,
        ):
            for portion, beside in rows:
                sample.add(*_strings(portion, beside, Tally().places(portion)))
        with waiting("learning what is usual", quiet=not progress):
            usual, learned = sample.learned(table.source)
        tally, streamed = Tally(), printed and most is None
        with pairs(held or table.portions(), "scoring") as rows:
            parts = _scored(usual, rows, learned, tally, most or 0)
            yield ScoredTable(
                table, parts if most is None else ranked(table, parts, _NAMES[0], most=most, reverse=True), tally
            )


def _strings(portion: Portion, beside: Portion | None, places: Sequence[int]) -> tuple[list[str], list[str] | None]:
    """The strings at these places of a portion, and their groups; a row without one is a group of its own."""
    texts = [normalise(portion.texts[i]) for i in places]
    if beside is None:
        return texts, None
    return texts, [f"row {portion.numbers[i]}" if i in beside.problems else _group(beside.texts[i]) for i in places]


def _group(name: str) -> str:
    """The key of a group, which no row without one can have."""
    return f"group {name}"


def _scored(
    usual: Usual, rows: Iterable[tuple[Portion, Portion | None]], learned: np.ndarray, tally: Tally, most: int
) -> Iterator[Part]:
    first = 0
    for portion, beside in rows:
        places = tally.places(portion)
        texts, groups = _strings(portion, beside, places)
        among = _among(first, len(texts), learned)
        scores = usual.oddness(texts, groups, learned=among)
        reasons = _reasons(usual, texts, groups, among, scores, most)
        columns = zip(_NAMES, (scores, usual.rarity(scores).round(), reasons), strict=True)
        rest = len(portion.texts)
        yield Part(
            portion.kept,
            portion.texts,
            {name: spread(column, places, rest) for name, column in columns},
            portion.numbers,
        )
        first += len(texts)


class _Sample:
    """At most 200,000 rows of a stream, each as likely to be among them as any other."""

    def __init__(self) -> None:
        self._draw, self._seen = np.random.default_rng(_SEED), 0
        self._keys, self._numbers = np.zeros(0), np.zeros(0, dtype=np.int64)  # the rows with the lowest keys are kept
        self._rows: list[tuple[str, str]] = []
        self._grouped = False

    def add(self, strings: Sequence[str], groups: Sequence[str] | None = None) -> None:
        """The next rows."""
        self._grouped = groups is not None
        keys = np.append(self._keys, self._draw.random(len(strings)))
        numbers = np.append(self._numbers, np.arange(self._seen, self._seen + len(strings)))
        self._seen += len(strings)
        rows = [*self._rows, *zip(strings, groups or strings, strict=True)]
        kept = np.arange(len(keys)) if len(keys) <= _SAMPLE else np.sort(np.argpartition(keys, _SAMPLE)[:_SAMPLE])
        self._keys, self._numbers, self._rows = keys[kept], numbers[kept], [rows[i] for i in kept.tolist()]

    def learned(self, where: str = "the column") -> tuple[Usual, np.ndarray]:
        """The column as they show it, and their numbers, rising."""
        strings = [string for string, _ in self._rows]
        return Usual(strings, [group for _, group in self._rows] if self._grouped else None, where), self._numbers


def _among(first: int, rows: int, learned: np.ndarray) -> np.ndarray:
    """Which of these rows were learned: (rows,) bool."""
    among = np.zeros(rows, dtype=bool)
    low, high = learned.searchsorted([first, first + rows])
    among[learned[low:high] - first] = True
    return among


def _reasons(
    usual: Usual,
    strings: Sequence[str],
    groups: Sequence[str] | None,
    learned: np.ndarray,
    scores: np.ndarray,
    most: int = 0,
) -> list[str]:
    """Those of the oddest 1 % of these rows, or the oddest 50, or the oddest `most` if these are more, as far as they
    are among as many oddest ones of the column; "" for the others."""
    many = max(most, _FEWEST)
    oddest = np.argsort(-scores, kind="stable")[: max(many, round(_SHARE * len(scores)))]
    cut = usual.cut(max(many, round(_SHARE * len(usual.lengths))))
    rows: list[int] = np.sort(oddest[scores[oddest] >= cut]).tolist()  # not those without a score
    own = None if groups is None else [groups[row] for row in rows]
    found = [""] * len(strings)
    reasons = reasons_of(usual, [strings[row] for row in rows], own, learned=learned[rows])
    for row, reason in zip(rows, reasons, strict=True):
        found[row] = reason
    return found
