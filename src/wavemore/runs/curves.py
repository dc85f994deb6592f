"""The curves of past runs, computed from their histories: what `wavemore plot` draws, tells and prints as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wavemore.errors import FileError, UsageError
from wavemore.models.modelfile import is_model_file
from wavemore.runs.history import NUMBERS, PastRun, history_path, read_history

__all__ = ["Curve", "curves_of", "smoothed", "table"]

_SMOOTH_OVER = 0.05  # of the steps of a run


@dataclass(frozen=True)
class Curve:
    """One network's way through training."""

    run: str
    """The run's name; the networks of an ensemble share it."""
    network: int | None
    """Its number in an ensemble, from 0; None of a single network."""
    about: Mapping[str, Any]
    """What the run is, as its history says."""
    columns: Mapping[str, np.ndarray]
    """A figure at each record, float64 of shape (n,), NaN where the record does not say it: "step", those of
    `history.NUMBERS`, and "smooth_loss", the mean batch loss of the steps around."""

    @property
    def name(self) -> str:
        """What tells the curve from the others."""
        return self.run if self.network is None else f"{self.run}, network {self.network + 1}"

    @property
    def taught(self) -> bool:
        """Whether its batch losses are against what a teacher expects."""
        return bool(self.about.get("recipe", {}).get("train", {}).get("teacher"))

    def points(self, figure: str, over: str = "step") -> tuple[np.ndarray, np.ndarray]:
        """Where a figure is known: "step", "passes" or "seconds", (m,), and the figure, (m,)."""
        values = self.columns[figure]
        known = np.isfinite(values)
        return self.columns[over][known], values[known]

    @property
    def best(self) -> tuple[float, float] | None:
        """The step and the value of the lowest validation loss; None where there is none."""
        steps, losses = self.points("validation_loss")
        return (float(steps[losses.argmin()]), float(losses.min())) if len(losses) else None

    @property
    def last_validation_loss(self) -> float | None:
        """None where there is none."""
        _, losses = self.points("validation_loss")
        return float(losses[-1]) if len(losses) else None

    @property
    def steps_per_second(self) -> float | None:
        """Over all recorded steps, without evaluating; None where they took no time that the clock saw."""
        counts, speeds = self.columns["steps"], self.columns["steps_per_second"]
        known = np.isfinite(speeds) & (speeds > 0)
        seconds = (counts[known] / speeds[known]).sum()
        return float(counts[known].sum() / seconds) if seconds else None

    def to_dict(self) -> dict[str, Any]:
        """The curve for JSON: what the run is, the figures of the table, and all points, null where unknown."""
        best_step, best_loss = self.best or (None, None)
        return {
            "run": self.run,
            "network": self.network,
            "role": self.about.get("role"),
            "list": self.about.get("list"),
            "seed": self.about.get("seed"),
            "parameters": self.about.get("parameters"),
            "steps": int(self.columns["step"][-1]),
            "seconds": _plain(self.columns["seconds"][-1:])[0],
            "smooth_loss": _plain(self.columns["smooth_loss"][-1:])[0],
            "best_validation_loss": best_loss,
            "best_step": None if best_step is None else int(best_step),
            "last_validation_loss": self.last_validation_loss,
            "steps_per_second": self.steps_per_second,
            "points": {name: _plain(values) for name, values in self.columns.items() if np.isfinite(values).any()},
        }


def curves_of(sources: Sequence[str | Path]) -> list[Curve]:
    """The curves of history files, or of model files that have their histories beside them.

    Raises `UsageError` for a file that is named twice, and `FileError` for a history that cannot be read, is not there,
    or has no steps.
    """
    paths = [_history_of(source) for source in sources]
    for i, path in enumerate(paths):
        if path in paths[:i]:
            raise UsageError(f"the history {path} is named twice; name it once")
    names = [path.name.removesuffix(".history.jsonl") for path in paths]
    shown = [name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True)]
    found = []
    for path, name in zip(paths, shown, strict=True):
        curves = [curve for run in read_history(path) for curve in _curves(run, name)]
        if not curves:
            raise FileError(f"the history {path} has no steps yet; draw it later")
        found += curves
    return found


def smoothed(ends: np.ndarray, counts: np.ndarray, means: np.ndarray, share: float = _SMOOTH_OVER) -> np.ndarray:
    """The mean over the steps around each record, float64 of shape (n,).

    `means` (n,) are the means over the `counts` (n,) steps up to `ends` (n,). The steps around are a `share` of all, as
    many before as after, so that a falling curve is not moved: at the beginning, where it falls most, they are the
    record's own steps alone. At the end, where there is only noise, the steps before stay as many.
    """
    known = np.isfinite(means)
    if not known.any():
        return np.full(len(means), np.nan)
    counts, ends = counts[known], ends[known]
    edges = np.concatenate([ends[:1] - counts[:1], ends])
    total = np.concatenate([[0.0], np.cumsum(counts * means[known])])  # over all steps up to each edge
    middle = ends - counts / 2
    half = np.maximum(counts / 2, np.minimum(share / 2 * (ends[-1] - edges[0]), middle - edges[0]))
    low, high = middle - half, np.minimum(middle + half, ends[-1])
    result = np.full(len(means), np.nan)
    result[known] = (np.interp(high, edges, total) - np.interp(low, edges, total)) / (high - low)
    return result


def table(curves: Sequence[Curve]) -> list[list[str]]:
    """A row for each curve beneath a row of headings: how far it went, what it reached, how fast."""
    rows = [["run", "parameters", "steps", "passes", "seconds", "batch loss", "best validation", "at step", "last"]]
    rows[0].append("steps/s")
    for curve in curves:
        best, last, speed = curve.best, curve.last_validation_loss, curve.steps_per_second
        passes, seconds, loss = (curve.columns[name][-1] for name in ("passes", "seconds", "smooth_loss"))
        rows.append(
            [
                curve.name,
                f"{curve.about.get('parameters', 0):,}",
                f"{int(curve.columns['step'][-1]):,}",
                f"{passes:,.1f}",
                f"{seconds:,.1f}",
                _loss(loss),
                "-" if best is None else _loss(best[1]),
                "-" if best is None else f"{int(best[0]):,}",
                "-" if last is None else _loss(last),
                "-" if speed is None else f"{speed:,.0f}",
            ]
        )
    return rows


def _history_of(source: str | Path) -> Path:
    """The history that an argument names, by itself or by its model."""
    if not (str(source).endswith(".safetensors") or is_model_file(source)):
        return Path(source)
    path = history_path(source)
    if Path(source).exists() and not path.exists():
        raise FileError(f"there is no history beside {source}: {path} does not exist; train the model with a record")
    return path


def _curves(run: PastRun, name: str) -> list[Curve]:
    """One curve for each network that has taken a step."""
    members = run.about.get("members", 1)
    label = name if run.role == "model" else f"{name}, {run.role}"
    found = []
    for member in range(members):
        records = [record for record in run.records if record.get("member", 0) == member]
        if records:
            found.append(Curve(label, None if members == 1 else member, run.about, _columns(records)))
    return found


def _columns(records: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """The records of one network, a column for each figure, (n,)."""
    columns = {
        name: np.array([np.nan if record.get(name) is None else record[name] for record in records], dtype=np.float64)
        for name in ("step", *NUMBERS)
    }
    counts = np.where(columns["steps"] > 0, columns["steps"], 1.0)
    columns["steps"] = counts
    columns["smooth_loss"] = smoothed(columns["step"], counts, columns["mean_loss"])
    return columns


def _loss(nats: float) -> str:
    """To four digits; a run that diverges has losses of any size."""
    return f"{nats:.4f}" if nats < 1000 else f"{nats:.3g}"


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
