"""What a comparison found: of each row its runs, their medians, ranges and intervals, as records, text or Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple, Self

from wavemore.conventions import brief
from wavemore.provenance import place_of
from wavemore.tables.printed import aligned, markdown

__all__ = ["Comparison", "FinishedRun", "Result", "Spread"]


class Spread(NamedTuple):
    """A figure over the runs of a row."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """The spread of one figure or more."""
        return cls(median(figures), min(figures), max(figures))


@dataclass(frozen=True)
class FinishedRun:
    """One model: fitted with one seed, or read from a file."""

    __repr__ = brief

    seed: int | None
    """None of a model file that names none."""
    parameters: int
    seconds: float | None
    """Wall clock of fitting; None of a model file."""
    losses: Mapping[str, Mapping[str, Any]]
    """What `Evaluation.to_dict` says of each part."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """Hardware, versions and date of fitting; empty of a model file."""


@dataclass(frozen=True)
class Result:
    """A row: its finished runs, and a sentence for each that failed."""

    __repr__ = brief

    name: str
    source: str
    """A recipe's name, or a file."""
    runs: Sequence[FinishedRun]
    problems: Sequence[str] = ()

    @property
    def parameters(self) -> int:
        """Of the median run."""
        return self.median_run.parameters

    @property
    def seconds(self) -> Spread | None:
        """Of fitting; None of a model file."""
        found = [run.seconds for run in self.runs if run.seconds is not None]
        return Spread.of(found) if found else None

    @property
    def median_run(self) -> FinishedRun:
        """The run with the median validation loss; of an even number the lower one of the middle."""
        return sorted(self.runs, key=lambda run: _nats(run, "validation"))[(len(self.runs) - 1) // 2]

    def loss(self, part: str) -> Spread | None:
        """In nats per character; None where the list has no such part."""
        found = [_nats(run, part) for run in self.runs if part in run.losses]
        return Spread.of(found) if found else None

    def interval(self, part: str) -> tuple[float, float] | None:
        """The 95 % interval over strings of the median run's loss; None of fewer than 10 strings."""
        found = self.median_run.losses.get(part, {}).get("nats_per_character_interval")
        return None if found is None else (found[0], found[1])


@dataclass(frozen=True)
class Comparison:
    """Several rows on one list and one split."""

    __repr__ = brief

    list_name: str
    strings: int
    fingerprint: str
    split: str
    seeds: Sequence[int]
    parts: Sequence[str]
    """The columns of losses: held-out parts, as `parts_of` names them."""
    results: Sequence[Result]
    command: str = ""

    @property
    def failed(self) -> bool:
        """Whether a run of any row failed."""
        return any(result.problems for result in self.results)

    def to_records(self) -> list[dict[str, Any]]:
        """One record a row, for JSON: medians, ranges, intervals, and each run by itself."""
        about = {"list": self.list_name, "sha256": self.fingerprint, "split": self.split}
        return [{**about, **_record(result, self.parts)} for result in self.results]

    def to_text(self) -> str:
        """A table for a terminal, a line each for medians, ranges and intervals, and what the figures mean."""
        lines = [["", "parameters", "seconds", *self.parts]]
        for result in self.results:
            if not result.runs:
                lines.append([result.name, f"failed: {result.problems[0]}"])
                continue
            losses = [result.loss(part) for part in self.parts]
            shown = [_middle(loss, _nats_shown) for loss in losses]
            lines.append([result.name, f"{result.parameters:,}", _middle(result.seconds, _seconds_shown), *shown])
            if len(result.runs) > 1:
                shown = [_range(loss, _nats_shown) for loss in losses]
                lines.append([f"  {len(result.runs)} seeds", "", _range(result.seconds, _seconds_shown), *shown])
            shown = [_ends(result.interval(part), _nats_shown) for part in self.parts]
            lines.append(["  95 % interval", "", "", *shown])
        return "\n".join([*aligned(lines), "", *self.notes()])

    def to_markdown(self) -> str:
        """A table for a document, and what the figures mean."""
        rows = [["", "parameters", "seconds", *self.parts]]
        for result in self.results:
            name = " ".join(result.name.split())
            if not result.runs:
                rows.append([name, "", "", f"failed: {result.problems[0]}", *[""] * (len(self.parts) - 1)])
                continue
            seconds = _middle(result.seconds, _seconds_shown)
            if len(result.runs) > 1 and result.seconds is not None:
                seconds += f" ({_range(result.seconds, _seconds_shown)})"
            rows.append([name, f"{result.parameters:,}", seconds, *(_cell(result, part) for part in self.parts)])
        shown = "(lowest - highest over seeds) [95 % interval over strings]"
        notes = [f"each cell: median {shown}", *self.notes(), *([f"command: `{self.command}`"] if self.command else [])]
        return "\n".join([*markdown(rows, others="---:"), "", *(f"- {note}" for note in notes)])

    def notes(self) -> list[str]:
        """What the figures are, and what failed."""
        done = [result for result in self.results if result.runs]
        fitted = [run for result in done for run in result.runs if run.seconds is not None]
        notes = [f"{self.list_name}: {self.strings:,} strings, {self.split} split; losses in nats per character"]
        if fitted:
            several = (
                f"the median over seeds {', '.join(map(str, self.seeds))}; a model file and an n-gram model are one run"
            )
            notes.append(
                f"each figure is {several if len(self.seeds) > 1 else f'that of one run, seed {self.seeds[0]}'}"
            )
        if done:
            notes.append(
                "the 95 % interval is a bootstrap over strings, of the run with the median validation loss: how much "
                "other strings would change it, not other seeds"
            )
        if fitted:
            notes.append(
                "seconds are wall clock of fitting: splitting, chunks, training, a teacher's too, evaluating while "
                "training and checkpoints; reading the list is not in them"
            )
        notes += [f"fitted on {place}" for place in sorted({place_of(run.measured) for run in fitted if run.measured})]
        for result in done:
            notes += [f"{result.name} failed: {problem}" for problem in result.problems]
        return notes


def _record(result: Result, parts: Iterable[str]) -> dict[str, Any]:
    record: dict[str, Any] = {"row": result.name, "source": result.source, "problems": list(result.problems)}
    if not result.runs:
        return record
    record |= {"parameters": result.parameters, "seconds": None, "seconds_range": None}
    if result.seconds is not None:
        record |= {"seconds": result.seconds.median, "seconds_range": list(result.seconds[1:])}
    losses = {part: (result.loss(part), result.interval(part)) for part in parts}
    record["losses"] = {
        part: {
            "nats_per_character": loss.median,
            "nats_per_character_range": list(loss[1:]),
            "nats_per_character_interval": interval and list(interval),
        }
        for part, (loss, interval) in losses.items()
        if loss is not None
    }
    record["median_seed"] = result.median_run.seed
    record["runs"] = [
        {
            "seed": run.seed,
            "seconds": run.seconds,
            **{part: _nats(run, part) for part in record["losses"] if part in run.losses},
            **run.measured,
        }
        for run in result.runs
    ]
    return record


def _nats(run: FinishedRun, part: str) -> float:
    return run.losses[part]["nats_per_character"]


def _cell(result: Result, part: str) -> str:
    loss, interval = result.loss(part), result.interval(part)
    spread = f" ({_range(loss, _nats_shown)})" if len(result.runs) > 1 else ""
    return _middle(loss, _nats_shown) + spread + ("" if interval is None else f" [{_ends(interval, _nats_shown)}]")


def _middle(spread: Spread | None, shown: Callable[[float], str]) -> str:
    return "-" if spread is None else shown(spread.median)


def _range(spread: Spread | None, shown: Callable[[float], str]) -> str:
    return _ends(spread and (spread.low, spread.high), shown)


def _ends(ends: tuple[float, float] | None, shown: Callable[[float], str]) -> str:
    return "-" if ends is None else f"{shown(ends[0])} - {shown(ends[1])}"


def _nats_shown(nats: float) -> str:
    return f"{nats:.4f}"


def _seconds_shown(seconds: float) -> str:
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.2f}"
