"""A run's numbers as TensorBoard shows them: the records of a history as scalars, and its histograms. Needs the package
tensorboard, and PyTorch not: the messages are those that PyTorch's `SummaryWriter` writes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from wavemore.errors import FileError, MissingExtraError
from wavemore.files import check_writable
from wavemore.runs.looks import Look
from wavemore.runs.measures import Histogram

__all__ = ["Board"]

_TAGS = {
    "batch_loss": "loss/batch",
    "mean_loss": "loss/mean",
    "validation_loss": "loss/validation",
    "rate": "rate/rate",
    "matrix_rate": "rate/matrix_rate",
    "gradient_norm": "gradient_norm",
    "steps_per_second": "steps_per_second",
    "passes": "passes",
}
_WAITING = 10  # events at most that are not in the file yet
_SECONDS_BETWEEN_FLUSHES = 5


class Board:
    """Writes events into a folder, where TensorBoard shows them while training goes on. A `Sink`.

    A teacher and the members of an ensemble have folders of their own in it, so that their curves lie over one another.
    """

    def __init__(self, folder: str | Path) -> None:
        """Nothing is left in the folder, or of it, before a run begins. Raises `MissingExtraError`, and `FileError`
        where the folder cannot be had."""
        _check_installed()
        self._folder = Path(folder)
        made = [place for place in (self._folder, *self._folder.parents) if not place.exists()]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            check_writable(self._folder / "events")
        except FileError:
            raise
        except OSError as error:
            raise FileError.of("make the folder", folder, error) from error
        finally:
            with suppress(OSError):
                for place in made:
                    place.rmdir()
        self._events: list[_Events] = []

    def begin(self, about: dict[str, Any], done: Sequence[int] | None) -> float:
        """What an earlier run left in the folder is hidden; of a run that goes on, what it wrote of later steps. Raises
        `FileError`."""
        folder = self._folder / "teacher" if about.get("role") == "teacher" else self._folder
        members = about["members"]
        folders = [folder] if members == 1 else [folder / f"network-{member + 1}" for member in range(members)]
        steps = [0] * members if done is None else [step + 1 for step in done]
        try:
            self._events = [_Events(place, step) for place, step in zip(folders, steps, strict=True)]
        except OSError as error:
            raise FileError.of("write events into", folder, error) from error
        return 0.0

    def write(self, record: dict[str, Any]) -> None:
        events, step = self._events[record.get("member", 0)], record["step"]
        for name, tag in _TAGS.items():
            if record.get(name) is not None:
                events.add(step, tag, simple_value=record[name])
        if record["record"] == "inside":
            look = Look.of(record)
            for tag, number in _scalars(look):
                events.add(step, tag, simple_value=number)
            for tag, histogram in _histograms(look):
                events.add(step, tag, histo=_message(histogram))

    def close(self) -> None:
        for events in self._events:
            events.close()
        self._events = []


class _Events:
    """One network's file of events."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """A new file in the folder, which hides what older ones tell of `first_step` and later steps."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportMissingImports]
        from tensorboard.summary.writer.event_file_writer import (  # pyright: ignore[reportMissingImports]
            EventFileWriter,
        )

        self._new = Event
        self._file = EventFileWriter(str(folder), _WAITING, _SECONDS_BETWEEN_FLUSHES)
        self._write(step=first_step, file_version="brain.Event:2")  # TensorBoard heeds a start in files of this version
        self._write(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def add(self, step: int, tag: str, **value: Any) -> None:
        """What a tag has at a step: `simple_value`, a number, or `histo`, a histogram."""
        self._write(step=step, summary={"value": [{"tag": tag, **value}]})

    def close(self) -> None:
        """All events are in the file."""
        self._file.close()

    def _write(self, **what: Any) -> None:
        self._file.add_event(self._new(wall_time=time.time(), **what))


def _scalars(look: Look) -> Iterator[tuple[str, float]]:
    """The numbers of a look by their tags."""
    for level in look.levels:
        place = f"level_{level.level}"
        yield f"activation_deviation/{place}", level.deviation
        yield f"dead_units/{place}", len(level.dead)
        yield from ((f"saturated_{part}/{place}", share) for part, share in level.flat.items())
    for parameter in look.matrices:
        if parameter.update_ratio is not None:
            yield f"log10_update_to_weight/{parameter.name}", parameter.update_ratio
    for norm in look.norms:
        yield f"running_mean_off/{norm.name}", norm.shift_size


def _histograms(look: Look) -> Iterator[tuple[str, Histogram]]:
    for level in look.levels:
        yield f"given_to_activation/level_{level.level}", level.normed
        yield f"activations/level_{level.level}", level.activated
    for parameter in look.matrices:
        yield f"log10_gradients/{parameter.name}", parameter.magnitudes


def _message(histogram: Histogram) -> dict[str, Any]:
    """TensorBoard also wants sums of the values; these are of the middles of the bins."""
    edges, shares = histogram
    middles = (edges[1:] + edges[:-1]) / 2
    return {
        "min": float(edges[0]),
        "max": float(edges[-1]),
        "num": float(shares.sum()),
        "sum": float(shares @ middles),
        "sum_squares": float(shares @ middles**2),
        "bucket_limit": edges[1:].tolist(),
        "bucket": shares.tolist(),
    }


def _check_installed() -> None:
    """Raises `MissingExtraError` where tensorboard is missing."""
    try:
        import tensorboard.compat.proto.event_pb2  # pyright: ignore[reportMissingImports]
        import tensorboard.summary.writer.event_file_writer  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError.of("writing for TensorBoard", "tensorboard", "tensorboard") from error
