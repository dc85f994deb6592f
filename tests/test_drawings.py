"""The pictures of README.md and docs/ are what the code draws now."""

import draw
import draw_page
import numpy as np
import pytest

import wavemore
from wavemore.inspection import inspect


@pytest.mark.parametrize("name", draw.PICTURES)
def test_the_pictures_are_what_the_code_draws(name: str):
    picture = draw.FOLDER / f"{name}.svg"
    assert picture.read_text(encoding="utf-8") == draw.PICTURES[name]().svg(), "make drawings draws them again"


def test_there_is_no_picture_that_nothing_draws():
    assert {path.stem for path in draw.FOLDER.glob("*.svg")} == set(draw.PICTURES)
    assert {path.name for path in draw.FOLDER.iterdir() if path.suffix != ".svg"} == {
        f"{name}.webp" for name in draw_page.SCREENSHOTS
    }


def test_the_picture_of_the_folded_form_has_the_numbers_of_the_windowed_one():
    tree = inspect(wavemore.load().file_, ["emma", "emily"], string="emma").tree
    assert tree is not None
    drawn = draw.folded_nodes()
    found = {node.text: node.values for node in tree.nodes if node.text in drawn}
    assert found.keys() == drawn.keys()
    for text, values in found.items():
        assert np.allclose(values, drawn[text]["node"], atol=1e-5), text
