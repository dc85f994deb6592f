"""Regular expressions as conditions: finite automata over a vocabulary's ids.

Python's own parser reads a pattern, so it means here what it means to `re.fullmatch`. Its automaton is Glushkov's: each
place in the pattern that stands for one character is a position, and `follow` holds which positions can come next.

    (a|b)*abb        positions 1 to 5: a b a b b       first {1 2 3}       follow(1) = follow(2) = {1 2 3}
                                                       last {5}            follow(3) = {4}   follow(4) = {5}

A state of the finished automaton is a set of positions, a Python int with one bit for each: where the last character of
the string may stand. Counts are written out, `a{3}` as `aaa`, but how long the pattern becomes is computed before that.
All work is bounded, and a pattern that needs more is refused.
"""

import importlib
import re
import warnings
from array import array
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, NamedTuple, final

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import Vocabulary, normalise
from wavemore.sampling.automaton import DEAD, Automaton, check_size
from wavemore.sampling.constraints import Condition

__all__ = ["Matches"]

_LONGEST = 10_000  # pieces of a pattern whose counts are written out
_STATES = 50_000  # sets of positions
_WORK = 1 << 22  # positions and classes of characters that are looked at, in all states together
_FLAGS = re.IGNORECASE | re.ASCII | re.DOTALL  # what changes which characters one piece stands for
_REFUSED = {
    "ASSERT": "look-around",
    "ASSERT_NOT": "look-around",
    "FAILURE": "look-around",
    "GROUPREF": "a back-reference",
    "GROUPREF_EXISTS": "a condition on a group",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repeat",
    "AT_BOUNDARY": "a word boundary",
    "AT_NON_BOUNDARY": "a word boundary",
}
_ANCHORS = {"AT_BEGINNING": "^", "AT_BEGINNING_STRING": "^", "AT_END": "$", "AT_END_STRING": "$"}
_CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w", "NOT_DIGIT": r"\D", "NOT_SPACE": r"\S", "NOT_WORD": r"\W"}


@final
@dataclass(frozen=True)
class Matches(Condition):
    r"""Matches a regular expression as a whole, as `re.fullmatch` says. The syntax is Python's without look-around,
    back-references, conditions on groups, atomic groups, possessive repeats and word boundaries."""

    pattern: str

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        try:
            tree = _parsed(normalise(self.pattern))
            if (pieces := _pieces(tree)) > _LONGEST:
                raise UsageError(
                    f"{self.pattern!r} has {pieces:,} pieces when its counts are written out; they must be at most "
                    f"{_LONGEST:,}"
                )
            positions = _Positions(ends_in_newline="\n" in vocabulary.characters)
            whole = positions.sequence(tree, tree.state.flags)
        except _Refusal as refusal:
            raise UsageError(
                f"{self.pattern!r} has {refusal}; a pattern must do without look-around, back-references, conditions "
                "on groups, atomic groups, possessive repeats and word boundaries"
            ) from None
        except (re.error, FutureWarning, OverflowError) as error:
            raise UsageError(f"{self.pattern!r} cannot be used as a regular expression: {error}") from error
        except RecursionError:
            raise UsageError(f"{self.pattern!r} is nested too deeply; use fewer brackets inside brackets") from None
        return _determined(positions, whole, vocabulary, self.pattern)

    def __str__(self) -> str:
        return f"matches {self.pattern!r}"


class _Refusal(Exception):  # noqa: N818 - never leaves this file
    """What a pattern has that no automaton here can follow."""


def _parsed(pattern: str) -> Any:
    """Python's syntax tree of a pattern: a list of pairs of an operation and what it works on."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)  # such as "[[a]": other syntax in a later Python
        return importlib.import_module("re._parser").parse(pattern)


def _pieces(tree: Any) -> int:
    """How many pieces a pattern has when its counts are written out."""
    count = 0
    for operation, what in tree:
        match str(operation):
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = what
                copies = max(least, 1) if str(most) == "MAXREPEAT" else most
                count += copies * max(1, _pieces(inner))
            case "BRANCH":
                count += sum(_pieces(inner) for inner in what[1])
            case "SUBPATTERN":
                count += _pieces(what[3])
            case _:
                count += 1
    return count


class _Part(NamedTuple):
    """A part of a pattern. Sets of positions are ints with one bit for each."""

    first: int = 0
    """The positions that can begin it."""
    last: int = 0
    """The positions that can end it."""
    empty: bool = True
    """Whether it matches the empty string."""


@dataclass
class _Positions:
    """The positions of a pattern, numbered from 0, which stands before the string and for no character."""

    ends_in_newline: bool
    """Whether a string can have a line end, before which `$` matches."""
    kinds: dict[tuple[str, int], int] = field(default_factory=dict)
    """The positions by what may stand there: the pattern of one character and its flags, or "^" or "$"."""
    follow: list[int] = field(default_factory=lambda: [0])
    """The positions that can come after each."""

    def sequence(self, tree: Any, flags: int) -> _Part:
        """One piece after the other."""
        whole = _Part()
        for operation, what in reversed(list(tree)):
            whole = self._joined(self._piece(str(operation), what, flags), whole)
        return whole

    def _piece(self, operation: str, what: Any, flags: int) -> _Part:
        match operation:
            case "BRANCH":
                parts = [self.sequence(inner, flags) for inner in what[1]]
                first, last = (reduce(or_, (part[which] for part in parts)) for which in (0, 1))
                return _Part(first, last, any(part.empty for part in parts))
            case "SUBPATTERN":
                return self.sequence(what[3], (flags | what[1]) & ~what[2])
            case "MAX_REPEAT" | "MIN_REPEAT":  # a lazy one matches the same strings
                return self._repeated(what[0], what[1], what[2], flags)
            case "AT":
                return self._anchor(str(what), flags)
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return self._position(_one_character(operation, what), int(flags & _FLAGS))
            case _:
                raise _Refusal(_REFUSED.get(operation, operation))

    def _position(self, kind: str, flags: int) -> _Part:
        bit = 1 << len(self.follow)
        self.follow.append(0)
        self.kinds[kind, flags] = self.kinds.get((kind, flags), 0) | bit
        return _Part(bit, bit, empty=False)

    def _anchor(self, where: str, flags: int) -> _Part:
        if where not in _ANCHORS:
            raise _Refusal(_REFUSED.get(where, where))
        if self.ends_in_newline and (where == "AT_END" or flags & re.MULTILINE):
            raise _Refusal(r"^ or $ where strings can have line ends: write \A and \Z")
        return self._position(_ANCHORS[where], 0)

    def _repeated(self, least: int, most: Any, inner: Any, flags: int) -> _Part:
        endless = str(most) == "MAXREPEAT"
        whole = _Part()
        if endless:
            whole = self.sequence(inner, flags)
            self._join(whole.last, whole.first)
            whole = whole._replace(empty=whole.empty or least == 0)
        for number in range((max(least, 1) - 1) if endless else most, 0, -1):
            whole = self._joined(self.sequence(inner, flags), whole)
            if number > least:  # as (x(x)?)?
                whole = whole._replace(empty=True)
        return whole

    def _joined(self, left: _Part, right: _Part) -> _Part:
        self._join(left.last, right.first)
        first = left.first | (right.first if left.empty else 0)
        last = right.last | (left.last if right.empty else 0)
        return _Part(first, last, left.empty and right.empty)

    def _join(self, before: int, after: int) -> None:
        for position in _bits(before):
            self.follow[position] |= after


def _one_character(operation: str, what: Any) -> str:
    """The pattern of one character that a piece stands for."""
    if operation == "ANY":
        return "."
    items = [(operation, what)] if operation != "IN" else [(str(name), value) for name, value in what]
    out = []
    for name, value in items:
        match name:
            case "LITERAL":
                out.append(rf"\U{value:08x}")
            case "NOT_LITERAL":
                out.append(rf"^\U{value:08x}")
            case "RANGE":
                out.append(rf"\U{value[0]:08x}-\U{value[1]:08x}")
            case "NEGATE":
                out.append("^")
            case "CATEGORY":
                out.append(_CATEGORIES[str(value).removeprefix("CATEGORY_")])
            case _:
                raise _Refusal(name)
    return f"[{''.join(out)}]"


def _bits(numbers: int) -> list[int]:
    """The numbers in a set."""
    out = []
    while numbers:
        lowest = numbers & -numbers
        out.append(lowest.bit_length() - 1)
        numbers ^= lowest
    return out


def _determined(positions: _Positions, whole: _Part, vocabulary: Vocabulary, pattern: str) -> Automaton:
    """The deterministic automaton whose states are sets of positions. Raises `UsageError` where it takes too much."""
    follow, final = positions.follow, whole.last | whole.empty
    follow[0] = whole.first
    begins, ends = (positions.kinds.get((sign, 0), 0) for sign in "^$")
    classes, class_of = _classes(positions, vocabulary)

    def after(states: int) -> int:
        reached = 0
        for position in _bits(states):
            reached |= follow[position]
        return reached

    def past(states: int, signs: int) -> int:
        """The set with the positions of anchors that hold here, and what can come after these."""
        while signs and (more := after(states) & signs & ~states):
            states |= more
        return states

    start = past(1, begins)
    numbers, queue = {start: 0}, [start]
    rows, accepting, work = array("i"), [], 0
    for states in queue:
        accepting.append(bool(past(states, ends | begins if states == start else ends) & final))
        following = after(states)
        for members in classes:
            reached = following & members
            number = numbers.setdefault(reached, len(numbers)) if reached else DEAD
            if number == len(queue):
                queue.append(reached)
            rows.append(number)
        work += states.bit_count() * (1 + len(follow) // 512) + len(classes)  # long ints take longer
        if work > _WORK or len(queue) > _STATES:
            raise UsageError(f"{pattern!r} needs too large an automaton; write it with smaller counts or alternatives")
        check_size(len(queue), len(vocabulary))
    table = np.frombuffer(rows, dtype=np.intc).reshape(len(queue), len(classes))
    return Automaton.of(np.where(class_of >= 0, table[:, class_of], DEAD), np.array(accepting))


def _classes(positions: _Positions, vocabulary: Vocabulary) -> tuple[list[int], np.ndarray]:
    """Ids that every piece of the pattern treats alike form a class. For each class the positions where one of its
    characters may stand, and (V,) for each id its class; -1 for the boundary."""
    kinds = [kind for kind in positions.kinds if kind[0] not in ("", "^", "$")]
    fitting: list[list[int]] = [[] for _ in vocabulary.characters]  # for each character the kinds it is of
    for text, flags in kinds:
        for match in re.compile(text, flags).finditer(vocabulary.characters):
            fitting[match.start()].append(positions.kinds[text, flags])
    numbers = {some: number for number, some in enumerate(dict.fromkeys(map(tuple, fitting)))}
    classes = [reduce(or_, some, 0) for some in numbers]
    return classes, np.array([-1, *(numbers[tuple(some)] for some in fitting)])
