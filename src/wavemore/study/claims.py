"""What a claim of the study is: a question, what was done, what was found, and a verdict by a rule named before."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np

from wavemore.study.statistics import Interval, Verdict, verdict, verdict_of_all
from wavemore.study.trials import Plan, Results, Trial

__all__ = ["NATS", "Chart", "Claim", "Experiment", "Finding", "Line", "Table", "cell"]

NATS = 0.005
"""The smallest difference of losses that matters, nats per character: two to three times the spread between seeds that
docs/log.md reports, and half of what the log's useful changes gain."""


class Finding(NamedTuple):
    """One effect, its interval over seeds, and what it says."""

    effect: str
    """What is measured, so that a larger number speaks for the claim."""
    interval: Interval
    matters: float
    """The smallest effect that would support the claim."""
    unit: str
    decides: bool
    """Whether the claim's verdict depends on it; otherwise it is told and decides nothing."""
    digits: int = 4

    @classmethod
    def of(
        cls,
        effect: str,
        values: np.ndarray,
        *,
        matters: float = NATS,
        unit: str = "nats per character",
        decides: bool = False,
        digits: int = 4,
    ) -> Self:
        """The finding of one value a seed, (seeds,): paired differences."""
        return cls(effect, Interval.of(values), matters, unit, decides, digits)

    @property
    def verdict(self) -> Verdict:
        """By the rule of `statistics.py`."""
        return verdict(self.interval, self.matters)

    @property
    def otherwise(self) -> str:
        """What would have made another verdict of it."""
        m = f"{self.matters:g}"
        sentences = {
            "supported": f"not supported, had all of the interval lain below {m}; undecided, had it held {m}",
            "not supported": f"supported, had all of the interval lain at {m} or above; undecided, had it held {m}",
            "undecided": f"supported, had all of the interval lain at {m} or above; not supported, had all lain below",
        }
        return sentences[self.verdict]

    def shown(self) -> str:
        """'+0.0123 [+0.0100, +0.0146]'."""
        return cell(self.interval, self.digits, sign="+")


class Table(NamedTuple):
    """Cells of text below a header."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def all_rows(self) -> list[Sequence[str]]:
        """The header, and the rows."""
        return [self.header, *self.rows]


class Line(NamedTuple):
    """Points of a chart that are joined, with bars where there are intervals."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None

    @classmethod
    def of(cls, name: str, x: Sequence[float], intervals: Sequence[Interval]) -> Self:
        """Means, and their intervals as bars."""
        return cls(name, x, *([interval[i] for interval in intervals] for i in range(3)))


class Chart(NamedTuple):
    """A picture, as numbers."""

    title: str
    across: str
    up: str
    lines: Sequence[Line]
    log_across: bool = False
    log_up: bool = False
    look: str = ""
    """What to look for."""


@dataclass(frozen=True)
class Claim:
    """What was found of one claim."""

    name: str
    claim: str
    question: str
    done: Sequence[str]
    """Paragraphs."""
    findings: Sequence[Finding]
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    facts: Sequence[str] = field(default=())
    """What is certain, and needs no interval."""

    @property
    def verdict(self) -> Verdict:
        """Of the findings that decide: all of them support the claim, or one does not, or it is open."""
        return verdict_of_all([finding.verdict for finding in self.findings if finding.decides])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "claim": self.name,
            "says": self.claim,
            "question": self.question,
            "done": list(self.done),
            "verdict": self.verdict,
            "facts": list(self.facts),
            "findings": [
                {
                    **one._asdict(),
                    "interval": one.interval._asdict(),
                    "verdict": one.verdict,
                    "otherwise": one.otherwise,
                }
                for one in self.findings
            ],
            "tables": [table._asdict() for table in self.tables],
            "charts": [{**chart._asdict(), "lines": [line._asdict() for line in chart.lines]} for chart in self.charts],
        }


class Experiment(NamedTuple):
    """A claim before anything is run."""

    name: str
    trials: Callable[[Plan], Iterable[Trial]]
    """Every model that it needs, with seed 0; each is trained with every seed of the plan."""
    judged: Callable[[Results], Claim]


def cell(interval: Interval, digits: int = 4, sign: str = "") -> str:
    """'2.0123 [2.0100, 2.0146]'."""
    mean, low, high = (f"{number:{sign}.{digits}f}" for number in interval[:3])
    return f"{mean} [{low}, {high}]"
