"""The picture of a comparison: written whole, with every row's name where it covers no other."""

import re
import sys
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from wavemore.comparison.picture import draw_comparison, unbeaten
from wavemore.comparison.results import Comparison, FinishedRun, Result
from wavemore.errors import FileError, MissingExtraError, UsageError
from wavemore.runs.canvas import short


def result(name: str, parameters: int, seconds: float | None, nats: float) -> Result:
    runs = [
        FinishedRun(
            seed, parameters, seconds and seconds * (1 + seed / 5), {"validation": {"nats_per_character": nats + off}}
        )
        for seed, off in enumerate((0.0, 0.01, -0.01))
    ]
    return Result(name, name, runs)


ROWS = [
    result("fast", 76579, 2.4, 1.985),
    result("lecture", 76579, 460, 1.994),
    result("lecture-22k", 22397, 460, 2.020),
    result("flat-22k", 22097, 245, 2.029),
    result("a rnn", 22097, 245, 2.029),
    result("an $odd$ 名", 40000, None, 1.97),
    Result("wild", "wild.toml", [], ["the loss is nan"]),
]


@pytest.fixture
def comparison() -> Comparison:
    return Comparison("names", 32033, "", "lecture", (0, 1, 2), ("validation",), ROWS)


def words(path: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))


def test_svg_has_names_axes_and_what_to_look_for(comparison, tmp_path):
    draw_comparison(comparison, tmp_path / "a.svg")
    found = words(tmp_path / "a.svg")
    for name in ("fast", "lecture", "lecture-22k", "flat-22k", "a rnn"):
        assert found.count(name) == 2, name  # one in each panel
    assert found.count("an $odd$ 名") == 1  # a model file has no seconds
    assert "wild" not in found
    assert {"parameters (log scale)", "training, seconds (log scale)"} <= set(found)
    assert "validation loss, nats per character" in found
    assert any("Look for rows on the grey line" in word for word in found)
    draw_comparison(comparison, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_png_is_one(comparison, tmp_path):
    draw_comparison(comparison, tmp_path / "a.PNG")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG\r\n")


def test_names_cover_no_other_name(comparison, tmp_path, monkeypatch):
    figures: list[Figure] = []

    class Kept(Figure):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # pyright: ignore[reportArgumentType]
            figures.append(self)

    monkeypatch.setattr("wavemore.runs.canvas.figure_type", lambda: Kept)
    draw_comparison(comparison, tmp_path / "a.png")
    assert len(figures) == 1
    names = {row.name for row in ROWS}
    for axes in figures[0].axes:
        boxes = [text.get_window_extent() for text in axes.texts if isinstance(text, Text) and text.get_text() in names]
        assert len(boxes) >= 5
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_the_grey_line_joins_what_nothing_beats():
    assert unbeaten([(3, 1.0), (1, 2.0), (2, 2.5), (3, 0.9), (1, 3.0), (9, 0.9)]) == [(1, 2.0), (3, 0.9)]


@pytest.mark.parametrize(
    ("value", "text"), [(0.05, "0.05"), (2, "2"), (500, "500"), (5e3, "5k"), (1e6, "1M"), (2e9, "2G")]
)
def test_ticks_are_short(value, text):
    assert short(value) == text


def test_one_row_with_one_seed(comparison, tmp_path):
    alone = Comparison("names", 32033, "", "lecture", (0,), ("validation",), [Result("x", "x", ROWS[0].runs[:1])])
    draw_comparison(alone, tmp_path / "a.svg")
    assert words(tmp_path / "a.svg").count("x") == 2
    assert any(word.startswith("Each point is one run.") for word in words(tmp_path / "a.svg"))


def test_what_cannot_be_drawn_is_refused(comparison, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"^the picture is a\.pdf; it must be a file that ends in \.svg or \.png$"):
        draw_comparison(comparison, "a.pdf")
    with pytest.raises(FileError, match=r"^cannot write .*nosuch/a\.svg: No such file or directory$"):
        draw_comparison(comparison, tmp_path / "nosuch" / "a.svg")
    failed = Comparison("names", 1, "", "lecture", (0,), ("validation",), ROWS[-1:])
    with pytest.raises(UsageError, match=r"^there is nothing to draw: every row failed$"):
        draw_comparison(failed, tmp_path / "a.svg")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError) as error:
        draw_comparison(comparison, tmp_path / "a.svg")
    assert str(error.value) == (
        "drawing a picture needs matplotlib, which is not installed; install it with: pip install 'wavemore[plot]'"
    )
    assert list(tmp_path.iterdir()) == []
