"""Pictures have axes, units and what to look for; a page holds all of them, and needs no other file."""

import re
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from inspected import drawn, labels

from wavemore.errors import FileError, MissingExtraError
from wavemore.inspection import inspect
from wavemore.inspection.page import check_output, write
from wavemore.inspection.pictures import pictures_of
from wavemore.inspection.report import text_of
from wavemore.runs.looks import Look
from wavemore.runs.measures import Histogram

NAMES = ["levels", "activations", "gradients", "gradient-sizes", "steps", "norms"]


def images(page: Path) -> list[bytes]:
    """The pictures that a page holds."""
    found = re.findall(r'<img alt="[^"]+" src="data:image/svg\+xml;base64,([^"]*)">', page.read_text(encoding="utf-8"))
    return [b64decode(data) for data in found]


def say_what_to_look_for(pictures: list[bytes]) -> bool:
    words = [re.findall(r"<text[^>]*>([^<]*)</text>", picture.decode()) for picture in pictures]
    return all(any(word.startswith("Look ") for word in own) for own in words)


def test_pictures_and_page_of_a_model(tiny_model, strings, tmp_path):
    weights = {name: array.copy() for name, array in tiny_model.file_.weights.items()}
    weights["levels.0.norm.gamma"][3] = 0
    file = replace(tiny_model.file_, weights=weights)
    found = inspect(file, strings, list_name="a $list$", chunk="ba", string="bado")
    written = write([found], tmp_path / "seen")
    names = [*NAMES, "embedding", "neighbours", "tree"]
    assert [path.name for path in written] == [f"{name}.svg" for name in names]
    (page,) = write([found], tmp_path / "x.html")
    text = page.read_text(encoding="utf-8")
    assert images(page) == [path.read_bytes() for path in written]  # the same bytes again
    assert say_what_to_look_for(images(page))
    assert "<li>level 1: 1 of 8 units is dead (standard deviation below 0.01): 3</li>" in text
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)


@pytest.mark.slow
def test_a_page_through_training_of_a_teacher_and_its_pupil(trained, tmp_path):
    course = trained(train__rate=1.0, model__activation="gated")
    teacher = replace(course, name="m, teacher", about={"role": "teacher"})
    assert [picture.name for picture in pictures_of(course)] == NAMES
    assert [picture.name for picture in pictures_of(teacher)] == [f"teacher-{name}" for name in NAMES]
    (page,) = write([teacher, course], tmp_path / "x.html")
    text = page.read_text(encoding="utf-8")
    assert "<h1>Inside through training: m</h1>" in text
    assert len(images(page)) == 12
    assert say_what_to_look_for(images(page))
    assert "-3, the lecture's rule of thumb" in images(page)[4].decode()
    assert "<li>m, teacher: level 1: " in text
    assert "<li>m: level 1: " in text


def test_a_single_look_through_training_can_be_drawn(trained, tmp_path):
    course = trained(steps=1)
    assert len(course.looks) == 1
    first, *others = write([course], tmp_path / "x.png")
    assert first == tmp_path / "x-levels.png"
    assert first.read_bytes().startswith(b"\x89PNG")
    assert len(others) == 5
    assert next(text_of(course)).startswith("m: 1 step, one look inside, at a step of training and on its batch")


def test_the_peaks_of_all_looks_are_within_the_axes(course):
    """Those of later looks may be higher than the first's, with which they share an axis."""
    first, last = course.looks[0], course.looks[-1]
    peak = np.zeros_like(last.levels[0].activated.shares)
    peak[3] = 1.0
    level = last.levels[0]._replace(activated=Histogram(last.levels[0].activated.edges, peak))
    course = replace(course, looks=(first, last._replace(levels=(level, *last.levels[1:]))))
    figure = drawn(course, "activations")
    gives = figure.axes[len(figure.axes) // 2 :]
    assert max(line.get_ydata().max() for axes in gives for line in axes.lines) == pytest.approx(100)
    assert all(axes.get_ylim()[1] >= 100 for axes in gives)
    assert all(axes.get_ylim()[0] == 1e-2 for axes in gives)


def test_gradient_norms_of_zero_are_told_where_they_cannot_be_drawn(course):
    assert not any(label.startswith("0 ") for label in labels(drawn(course, "gradients")))

    def still(look: Look, *groups: str) -> Look:
        parameters = (replace(p, gradient=0.0) if p.group in groups else p for p in look.parameters)
        return look._replace(parameters=tuple(parameters))

    one, two, three, four = course.looks
    looks = (one, still(two, "level 1"), still(three, "level 2", "head"), still(four, "level 2", "head"))
    notes = [label for label in labels(drawn(replace(course, looks=looks), "gradients")) if label.startswith("0 ")]
    assert notes == ["0 at step 31: level 1", "0 from step 60 on: level 2, head"]


def test_the_panels_of_gradients_are_named_by_their_steps(course):
    assert [axes.get_title() for axes in drawn(course, "gradient-sizes").axes] == ["step 1", "step 60", "step 90"]
    assert "At step 1 the head's ratio is large by design" in pictures_of(course)[4].look_for
    later = replace(course, looks=course.looks[1:])
    assert "by design" not in pictures_of(later)[4].look_for


def test_what_cannot_be_written_is_refused(tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="it is a file; name a folder"):
        check_output(tmp_path / "file")
    with pytest.raises(FileError, match=r"^cannot make the folder .*: .*nosuch is no folder$"):
        check_output(tmp_path / "nosuch" / "x")
    with pytest.raises(FileError, match=r"^cannot write .*x\.html: "):
        check_output(tmp_path / "nosuch" / "x.html")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'wavemore\[plot\]'"):
        check_output(tmp_path / "x.html")
