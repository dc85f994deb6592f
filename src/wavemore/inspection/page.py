"""An inspection written down, of a model or of its training: pictures as files, or everything in one HTML file that
needs nothing else."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

from wavemore.canvas import check_picture, draw, drawn, figure_type
from wavemore.errors import FileError
from wavemore.files import check_writable, write_whole
from wavemore.inspection.course import Course
from wavemore.inspection.course_pictures import course_pictures
from wavemore.inspection.course_report import course_text
from wavemore.inspection.inspecting import Inspection
from wavemore.inspection.pictures import Picture, pictures_of
from wavemore.inspection.report import text_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_output", "write", "write_courses"]

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


def write(seen: Inspection, path: str | Path) -> list[Path]:
    """Write an inspection and return what was written: one page where the name ends in .html; pictures beside one
    another, x-activations.png and so on, where it is x.png or x.svg; else a folder of SVG pictures, which is made."""
    title = f"Inside a model of {seen.list_name}"
    return _write(_Shown(title, seen.findings, pictures_of(seen), list(text_of(seen))), path)


def write_courses(courses: Sequence[Course], path: str | Path) -> list[Path]:
    """Write what was inside of networks through their training, in the same way."""
    named = len(courses) > 1
    findings = [f"{course.name}: {one}" if named else one for course in courses for one in course.findings]
    pictures = [picture for course in courses for picture in course_pictures(course)]
    text = [line for course in courses for line in (*course_text(course), "")]
    return _write(_Shown(f"Inside through training: {courses[-1].name}", findings, pictures, text), path)


class _Shown(NamedTuple):
    """What is written."""

    title: str
    findings: Sequence[str]
    pictures: Sequence[Picture]
    text: Sequence[str]


def _write(shown: _Shown, path: str | Path) -> list[Path]:
    path = Path(path)
    check_output(path)
    if path.suffix.lower() == ".html":
        write_whole(path, "\n".join(_page(shown)).encode("utf-8"))
        return [path]
    written = []
    if path.suffix.lower() not in _PICTURES:
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise FileError.of("make the folder", path, error) from error
    for picture in shown.pictures:
        own = path / f"{picture.name}.svg" if path.suffix.lower() not in _PICTURES else _beside(path, picture.name)
        draw(own, *picture.size, partial(_fill, picture))
        written.append(own)
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


def _page(shown: _Shown) -> Iterator[str]:
    title = shown.title
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{escape(title)}</h1>"
    yield "<h2>Findings</h2>"
    if shown.findings:
        yield f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in shown.findings)}</ul>"
    else:
        yield "<p>Nothing wants attention.</p>"
    for picture in shown.pictures:
        data = b64encode(drawn("svg", *picture.size, partial(_fill, picture))).decode()
        alternative = escape(f"{picture.title}. {picture.look_for}", quote=True)
        yield f'<figure><img alt="{alternative}" src="data:image/svg+xml;base64,{data}"></figure>'
    yield f"<h2>Numbers</h2><pre>{escape(chr(10).join(shown.text))}</pre>"
    yield "</body></html>"
    yield ""
