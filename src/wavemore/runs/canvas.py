"""What all pictures share: colours, letters, axes, and a file that is written whole. Needs matplotlib."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import MissingExtraError, UsageError
from wavemore.files import check_writable, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "DPI",
    "GREY",
    "MARKS",
    "Fill",
    "check_picture",
    "draw",
    "drawn",
    "figure_type",
    "legend_above",
    "log_across",
    "short",
]

Fill = Callable[["Figure"], None]
"""What fills an empty figure."""

COLOURS = ("#0072b2", "#b34700", "#00795a", "#a8447f", "#4a4a4a", "#806000", "#5b3fb3")  # dark enough for names
MARKS = "osD^vPX"  # as many as colours
GREY = "0.45"
DPI = 144
_STYLE: dict[Any, Any] = {
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # words stay words
}


def check_picture(path: str | Path) -> None:
    """Refuse before the work what `draw` would refuse after it: another ending, a place that cannot be written, and
    matplotlib absent. Raises `UsageError`, `FileError` or `MissingExtraError`."""
    if Path(path).suffix.lower() not in (".svg", ".png"):
        raise UsageError(f"the picture is {path}; it must be a file that ends in .svg or .png")
    figure_type()
    check_writable(path)


def draw(path: str | Path, width: float, height: float, fill: Fill) -> None:
    """Write a picture as SVG or PNG, whole or not at all; the sizes are inches. Raises what `check_picture` raises."""
    check_picture(path)
    write_whole(path, drawn(Path(path).suffix.lower().removeprefix("."), width, height, fill))


def drawn(kind: str, width: float, height: float, fill: Fill, *, salt: str = "wavemore") -> bytes:
    """A picture as "svg" or "png". The same picture is the same bytes; several SVGs inside one page need a `salt` each,
    or parts of them would have the same names. Raises `MissingExtraError`."""
    make = figure_type()
    import matplotlib

    data = io.BytesIO()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name may have characters that the font lacks
        figure = make(figsize=(width, height), dpi=DPI, layout="constrained")
        fill(figure)
        figure.savefig(data, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return data.getvalue()


def figure_type() -> "type[Figure]":
    """matplotlib's `Figure`, which draws without a window. Raises `MissingExtraError`."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("drawing a picture", "matplotlib", "plot") from error
    return Figure


def log_across(axes: "Axes") -> None:
    """A logarithmic scale from left to right, with few and short ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def legend_above(axes: "Axes", *, columns: int = 1, height: float = 1.01) -> None:
    """A legend that covers nothing; `height` is where it begins, in heights of the axes."""
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, height), "borderaxespad": 0}
    axes.legend(**place, frameon=False, fontsize="small", ncols=columns)


def short(value: float) -> str:
    """A tick: 0.5, 20, 5k, 2M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
