"""A run's numbers as TensorBoard shows them: the records of a history as scalars, and its histograms. Needs the package
tensorboard."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import FileError, MissingExtraError
from wavemore.files import check_writable
from wavemore.runs.looks import Look
from wavemore.runs.measures import Histogram

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

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
_SECONDS_BETWEEN_FLUSHES = 5


class Board:
    """Writes events into a folder, where TensorBoard shows them while training goes on. A `Sink`.

    A teacher and the members of an ensemble have folders of their own in it, so that their curves lie over one another.
    """

    def __init__(self, folder: str | Path) -> None:
        """Raises `MissingExtraError`, and `FileError` where the folder cannot be had."""
        _summary_writer()
        self._folder = Path(folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError.of("make the folder", folder, error) from error
        check_writable(self._folder / "events")
        self._writers: list[SummaryWriter] = []

    def begin(self, about: dict[str, Any], done: Sequence[int] | None) -> float:
        """What an earlier run left in the folder is hidden; of a run that goes on, what it wrote of later steps."""
        folder = self._folder / "teacher" if about.get("role") == "teacher" else self._folder
        members = about["members"]
        folders = [folder] if members == 1 else [folder / f"network-{member + 1}" for member in range(members)]
        steps = [0] * members if done is None else [step + 1 for step in done]
        self._writers = [
            _summary_writer()(str(place), purge_step=step, flush_secs=_SECONDS_BETWEEN_FLUSHES)
            for place, step in zip(folders, steps, strict=True)
        ]
        return 0.0

    def write(self, record: dict[str, Any]) -> None:
        writer, step = self._writers[record.get("member", 0)], record["step"]
        for name, tag in _TAGS.items():
            if record.get(name) is not None:
                writer.add_scalar(tag, record[name], step)
        if record["record"] == "inside":
            look = Look.of(record)
            for tag, number in _scalars(look):
                writer.add_scalar(tag, number, step)
            for tag, histogram in _histograms(look):
                _add_histogram(writer, tag, histogram, step)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers = []


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


def _add_histogram(writer: "SummaryWriter", tag: str, histogram: Histogram, step: int) -> None:
    """TensorBoard also wants sums of the values; these are of the middles of the bins."""
    edges, shares = histogram
    middles = (edges[1:] + edges[:-1]) / 2
    writer.add_histogram_raw(
        tag,
        min=float(edges[0]),
        max=float(edges[-1]),
        num=float(shares.sum()),
        sum=float(shares @ middles),
        sum_squares=float(shares @ middles**2),
        bucket_limits=edges[1:].tolist(),
        bucket_counts=shares.tolist(),
        global_step=step,
    )


def _summary_writer() -> "type[SummaryWriter]":
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError as error:  # PyTorch's own where the package is too old
        raise MissingExtraError.of("writing for TensorBoard", "tensorboard", "tensorboard") from error
    return SummaryWriter
