"""An inspection written down, of a model or of its training: pictures as files, or everything in one HTML file that
needs nothing else."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from wavemore.errors import FileError
from wavemore.files import check_writable, write_whole
from wavemore.inspection.inspection import Inspection
from wavemore.inspection.pictures import Picture, pictures_of
from wavemore.inspection.report import text_of
from wavemore.runs.canvas import check_picture, draw, drawn, figure_type

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_output", "write"]

_PICTURES = (".svg", ".png")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
pre { overflow-x: auto; background: #f6f6f6; padding: 1rem; line-height: 1.35; }
figure { margin: 2.5rem 0; } img { max-width: 100%; height: auto; }
"""


def check_output(path: str | Path) -> None:
    """Refuse before the work what `write` would refuse after it. Raises `FileError` or `MissingExtraError`."""
    path = Path(path)
    figure_type()
    if path.suffix.lower() == ".html":
        check_writable(path)
    elif path.suffix.lower() in _PICTURES:
        check_picture(_beside(path, "activations"))
    elif path.exists() and not path.is_dir():
        raise FileError(f"cannot write pictures into {path}: it is a file; name a folder, or a file that ends in .html")
    elif not path.parent.is_dir():
        raise FileError(f"cannot make the folder {path}: {path.parent} is no folder")


def write(inspections: Sequence[Inspection], path: str | Path) -> list[Path]:
    """Write inspections and return what was written: one page where the name ends in .html; pictures beside one
    another, x-activations.png and so on, where it is x.png or x.svg; else a folder of SVG pictures, which is made."""
    path = Path(path)
    check_output(path)
    if path.suffix.lower() == ".html":
        write_whole(path, "\n".join(_page(inspections)).encode("utf-8"))
        return [path]
    beside = path.suffix.lower() in _PICTURES
    if not beside:
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise FileError.of("make the folder", path, error) from error
    written = []
    for picture in (picture for seen in inspections for picture in pictures_of(seen)):
        written.append(_beside(path, picture.name) if beside else path / f"{picture.name}.svg")
        draw(written[-1], *picture.size, partial(_fill, picture))
    return written


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.stem}-{name}{path.suffix}")


def _fill(picture: Picture, figure: "Figure") -> None:
    picture.draw(figure)
    figure.suptitle(picture.title, parse_math=False)
    figure.supxlabel(_lines(picture.look_for, int(10 * picture.size[0])), fontsize="medium", parse_math=False)


def _lines(text: str, width: int) -> str:
    """The text in as few lines as there can be, of about one length."""
    lines = -(-len(text) // width)
    return fill(text, min(width, len(text) // lines + 10))


def _page(inspections: Sequence[Inspection]) -> Iterator[str]:
    title = escape(inspections[-1].title)
    findings = [(seen.name, sentence) for seen in inspections for sentence in seen.findings]
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield "<h2>Findings</h2>"
    if findings:
        named = len(inspections) > 1
        sentences = [f"{name}: {sentence}" if named else sentence for name, sentence in findings]
        yield f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"
    else:
        yield "<p>Nothing wants attention.</p>"
    for picture in (picture for seen in inspections for picture in pictures_of(seen)):
        data = b64encode(drawn("svg", *picture.size, partial(_fill, picture))).decode()
        alternative = escape(f"{picture.title}. {picture.look_for}", quote=True)
        yield f'<figure><img alt="{alternative}" src="data:image/svg+xml;base64,{data}"></figure>'
    text = "\n\n".join("\n".join(text_of(seen)) for seen in inspections)
    yield f"<h2>Numbers</h2><pre>{escape(text)}</pre>"
    yield "</body></html>"
    yield ""
