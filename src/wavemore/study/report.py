"""What a study found, as one HTML page that opens without a network, as Markdown, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import isnan
from pathlib import Path
from typing import Any

from wavemore.errors import MissingExtraError
from wavemore.files import write_whole
from wavemore.study.claims import Chart, Claim, Finding, Table
from wavemore.study.trials import Plan
from wavemore.tables.printed import markdown

__all__ = ["Study", "write_report"]

_RULE = (
    "Each effect is a mean over seeds with its 95 % interval by Student's t, of differences on the same seed where two "
    "models are compared: same strings in the same batches. The smallest effect that matters was named before. "
    "Supported: the whole interval lies at or above it. Not supported: the whole interval lies below it. Undecided: "
    "the interval holds it. A claim is supported where every effect that decides it is, and not supported where one is "
    "not. The intervals are about other seeds, on this list and split; about other lists they say nothing. They are "
    "not widened for their number: of twenty intervals one is expected to leave out the truth."
)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A finished study."""

    list_name: str
    strings: int
    fingerprint: str
    split: str
    plan: Plan
    claims: Sequence[Claim]
    runs: int
    diverged: int
    training_seconds: float
    """The sum over all runs, those of earlier calls too."""
    seconds: float
    """Wall clock of this call."""
    places: Sequence[str]
    """Hardware, versions and dates of the runs."""
    quick: bool
    command: str

    def notes(self) -> list[str]:
        """What the figures are of."""
        plan = self.plan
        seeds = f"{len(plan.seeds)} seeds, {plan.seeds[0]} to {plan.seeds[-1]}"
        rates = ", ".join(f"{rate:g}" for rate in plan.rates)
        notes = [
            f"{self.list_name}: {self.strings:,} strings, {self.split} split; losses are of the validation part, nats "
            "per character, and nothing was chosen by it but learning rates and, for the flexibility claim, models, on "
            "other seeds than the one reported",
            f"{self.runs:,} runs, {seeds}; {plan.epochs:g} passes each ({plan.flow_epochs:g} for the gradients), the "
            "optimiser and the linear decay to 0 of the recipe fast, the last weights; learning rates times " + rates,
            f"{self.training_seconds:,.0f} s of processor time for training in all, one thread a run",
        ]
        if self.diverged:
            notes.append(f"{self.diverged} runs diverged; their loss counts as that of even guessing")
        if self.quick:
            notes.append(
                "a quick study: small models that have barely begun to learn; its verdicts tell how the study works, "
                "and not how the claims stand"
            )
        notes += [f"measured on {place}" for place in self.places]
        return notes + ([f"command: {self.command}"] if self.command else [])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "list": {"name": self.list_name, "strings": self.strings, "sha256": self.fingerprint, "split": self.split},
            "seeds": list(self.plan.seeds),
            "runs": self.runs,
            "quick": self.quick,
            "rule": _RULE,
            "notes": self.notes(),
            "command": self.command,
            "claims": [claim.to_dict() for claim in self.claims],
        }

    def to_text(self) -> str:
        """The verdicts, and what decides them, for a terminal."""
        lines = []
        for claim in self.claims:
            lines.append(f"{claim.name}: {claim.verdict.upper()}. {claim.claim}")
            lines += [
                f"  {one.effect}: {one.shown()}, {one.matters:g} matters" for one in claim.findings if one.decides
            ]
        return "\n".join(lines)

    def to_markdown(self) -> str:
        """The whole report but for its pictures."""
        lines = ["# Five claims about flattening in steps, measured", "", _RULE, ""]
        lines += [f"- {note}" for note in self.notes()]
        lines += ["", *markdown(_summary(self.claims).all_rows)]
        for claim in self.claims:
            lines += ["", f"## {claim.claim} {claim.verdict.capitalize()}.", "", f"**{claim.question}**"]
            lines += [line for paragraph in (*claim.done, *claim.facts) for line in ("", paragraph)]
            for table in (_findings(claim), *claim.tables):
                lines += ["", f"### {table.title}", "", *markdown(table.all_rows)]
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """One page: no scripts, nothing fetched."""
        body = [
            "<h1>Five claims about flattening in steps, measured</h1>",
            f"<p>{escape(_RULE)}</p>",
            "<ul>",
            *(f"<li>{escape(note)}</li>" for note in self.notes()),
            "</ul>",
            *_html_table(_summary(self.claims)),
        ]
        for claim in self.claims:
            body += _html_claim(claim)
        page = [*_HEAD, *body, "</body></html>"]
        return "\n".join(page) + "\n"


def write_report(study: Study, folder: Path) -> None:
    """study.html, study.md and study.json in the folder, each whole or not at all. Raises `FileError`."""
    write_whole(
        folder / "study.json", (json.dumps(_finite(study.to_dict()), ensure_ascii=False, indent=1) + "\n").encode()
    )
    write_whole(folder / "study.md", study.to_markdown().encode())
    write_whole(folder / "study.html", study.to_html().encode())


def _finite(value: Any) -> Any:
    """The same with None for NaN, which JSON has not; that is where every run of a model diverged."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and isnan(value) else value


def _summary(claims: Sequence[Claim]) -> Table:
    rows = [
        [claim.claim, claim.verdict, *(" / ".join(cells) for cells in zip(*_deciding(claim), strict=True))]
        for claim in claims
    ]
    return Table("Verdicts", ["claim", "verdict", "what decides", "effect [95 % interval]", "matters"], rows)


def _deciding(claim: Claim) -> list[tuple[str, str, str]]:
    return [(one.effect, one.shown(), f"{one.matters:g} {one.unit}") for one in claim.findings if one.decides]


def _findings(claim: Claim) -> Table:
    header = ["effect", "mean [95 % interval]", "matters", "unit", "verdict", "otherwise"]
    return Table("Findings (those in bold decide)", header, [_finding(one) for one in claim.findings])


def _finding(one: Finding) -> list[str]:
    effect = f"**{one.effect}**" if one.decides else one.effect
    return [effect, one.shown(), f"{one.matters:g}", one.unit, one.verdict, one.otherwise]


def _html_table(table: Table) -> Iterator[str]:
    yield "<table><thead><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in table.header) + "</tr></thead><tbody>"
    for row in table.rows:
        yield "<tr>" + "".join(f"<td>{_html_cell(cell)}</td>" for cell in row) + "</tr>"
    yield "</tbody></table>"


def _html_cell(cell: str) -> str:
    if cell.startswith("**") and cell.endswith("**") and len(cell) > 4:
        return f"<strong>{escape(cell[2:-2])}</strong>"
    if cell in ("supported", "not supported", "undecided"):
        return f'<span class="{cell.replace(" ", "-")}">{cell}</span>'
    return escape(cell)


def _html_claim(claim: Claim) -> Iterator[str]:
    yield f"<h2>{escape(claim.claim)} {_html_cell(claim.verdict)}</h2>"
    yield f"<p><strong>{escape(claim.question)}</strong></p>"
    yield from (f"<p>{escape(paragraph)}</p>" for paragraph in (*claim.done, *claim.facts))
    yield "<h3>Findings (those in bold decide)</h3>"
    yield from _html_table(_findings(claim))
    for chart in claim.charts:
        yield from _html_chart(chart)
    for table in claim.tables:
        yield f"<details><summary>{escape(table.title)}</summary>"
        yield from _html_table(table)
        yield "</details>"


def _html_chart(chart: Chart) -> Iterator[str]:
    """The chart with what to look for; without matplotlib its numbers as a table."""
    from wavemore.study.drawing import chart_drawn

    try:
        picture = chart_drawn(chart).decode()
        yield f"<figure>{picture[picture.index('<svg') :]}<figcaption>{escape(chart.look)}</figcaption></figure>"
    except MissingExtraError:
        rows = [[line.name, f"{x:g}", f"{y:.4g}"] for line in chart.lines for x, y in zip(line.x, line.y, strict=True)]
        yield f"<h3>{escape(chart.title)}</h3><p>{escape(chart.look)}</p>"
        yield from _html_table(Table(chart.title, ["", chart.across, chart.up], rows))


_HEAD = [
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    "<title>Five claims about flattening in steps, measured</title><style>",
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}",
    "table{border-collapse:collapse;margin:1rem 0;font-size:.85rem;display:block;overflow-x:auto}",
    "th,td{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}",
    "th{background:#f5f5f5}figure{margin:1rem 0}figure svg{max-width:100%;height:auto}figcaption{color:#555}",
    "summary{cursor:pointer;font-weight:600}",
    ".supported{color:#00663f;font-weight:700}.not-supported{color:#a32a00;font-weight:700}",
    ".undecided{color:#5c5c00;font-weight:700}",
    "</style></head><body>",
]
