"""What all pictures share: colours, letters, and a file that is written whole. Needs matplotlib."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import MissingExtraError, UsageError
from wavemore.files import check_writable, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "DPI", "canvas", "check_picture", "figure_type", "short"]

COLOURS = ("#0072b2", "#b34700", "#00795a", "#a8447f", "#4a4a4a", "#806000", "#5b3fb3")  # dark enough for names
DPI = 144
_STYLE: dict[Any, Any] = {
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # words stay words
    "svg.hashsalt": "wavemore",  # the same picture is the same bytes
}


def check_picture(path: str | Path) -> None:
    """Refuse before the work what `canvas` would refuse after it: another ending, a place that cannot be written, and
    matplotlib absent. Raises `UsageError`, `FileError` or `MissingExtraError`."""
    if Path(path).suffix.lower() not in (".svg", ".png"):
        raise UsageError(f"the picture is {path}; it must be a file that ends in .svg or .png")
    figure_type()
    check_writable(path)


@contextmanager
def canvas(path: str | Path, width: float, height: float) -> Iterator["Figure"]:
    """An empty figure of so many inches; when the block ends, it is written as SVG or PNG, whole or not at all. Raises
    what `check_picture` raises."""
    check_picture(path)
    import matplotlib

    kind = Path(path).suffix.lower().removeprefix(".")
    data = io.BytesIO()
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name may have characters that the font lacks
        figure = figure_type()(figsize=(width, height), dpi=DPI, layout="constrained")
        yield figure
        figure.savefig(data, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else {"Software": None})
    write_whole(path, data.getvalue())


def figure_type() -> "type[Figure]":
    """matplotlib's `Figure`, which draws without a window. Raises `MissingExtraError`."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("drawing a picture", "matplotlib", "plot") from error
    return Figure


def short(value: float) -> str:
    """A tick: 0.5, 20, 5k, 2M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
