"""The documentation builds without a warning, opens without the internet, and a page that is wrong is noticed."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import docstrings
import draw
import numpy as np
import pytest
import references

import wavemore
from wavemore.cli import app
from wavemore.inspection import inspect
from wavemore.settings.config import Recipe, recipe_names

ROOT = Path(__file__).resolve().parents[1]

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}  # by a browser, of itself


def built(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "properdocs", "build", "--strict", "-d", str(site)]
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = built(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_no_page_loads_anything_from_the_internet(site: Path):
    loaded = []

    class Loads(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            loaded.append(dict(attrs).get(FETCHED.get(tag, "")) or "")

    for page in site.rglob("*.html"):
        Loads().feed(page.read_text(encoding="utf-8"))
    assert any(address.endswith(".css") for address in loaded)
    assert not [address for address in loaded if "//" in address]


def test_every_command_recipe_setting_and_public_name_has_its_place(site: Path):
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html")}
    for command in app.registered_commands:
        assert f'id="wavemore-{command.name}"' in pages["command-line"], command.name
    for recipe in recipe_names():
        assert f'id="{recipe}"' in pages["settings"], recipe
    for key in (key for table in Recipe().to_dict().values() if isinstance(table, dict) for key in table):
        assert re.search(rf"<td><code>{key}</code></td>.*\n.*\n.*\n<td>[^<]", pages["settings"]), key
    for name in (name for name in wavemore.__all__ if not name.startswith("_")):
        assert re.search(rf'id="wavemore\.(\w+\.)?{name}"', pages["python"]), name


def test_wrong_pages_are_noticed(tmp_path: Path):
    for name in ("docs", "properdocs.yml", "README.md"):
        copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copied(ROOT / name, tmp_path / name)
    for name in ("src", "benchmarks"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "docs" / "reference" / "parts.md").write_text("# Left out, to save time\n", encoding="utf-8")
    (tmp_path / "docs" / "omitted.md").write_text("# A page that no menu has\n", encoding="utf-8")
    with open(tmp_path / "docs" / "forms.md", "a", encoding="utf-8") as page:
        page.write("[file](nowhere.md) [place](log.md#nowhere) [code](../src/wavemore/nowhere.py)\n")
    done = built(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    for wrong in ("omitted.md", "'nowhere.md'", "'#nowhere'", "nowhere.py"):
        assert wrong in done.stderr, wrong


def test_docstrings_become_markdown():
    source = "Text.\n\none    the first\n       of two\ntwo    the other\n\nShapes\n    B  rows\n\n    already apart"
    assert docstrings.as_markdown(source) == (
        "Text.\n\n- `one`: the first of two\n- `two`: the other\n\nShapes\n\n    B  rows\n\n    already apart"
    )


def test_settings_are_shown_as_recipes_write_them():
    tables = references.settings()
    assert "| `seed` | `int` | `42` | Seeds the split. |" in tables
    assert "| `groups` | `[int, ...]` | `[2, 2, 2]` |" in tables
    assert "| `rate_steps` | `[[int, float], ...]` | `[]` |" in tables
    assert "| `residual` | `true, false` | `false` |" in tables
    assert '| `keep` | `"best", "last"` | `"best"` |' in tables


@pytest.mark.parametrize("name", draw.PICTURES)
def test_the_pictures_are_what_the_code_draws(name: str):
    picture = draw.FOLDER / f"{name}.svg"
    assert picture.read_text(encoding="utf-8") == draw.PICTURES[name]().svg(), "make drawings draws them again"


def test_there_is_no_picture_that_nothing_draws():
    assert {path.stem for path in draw.FOLDER.iterdir()} == set(draw.PICTURES)


def test_the_picture_of_the_folded_form_has_the_numbers_of_the_windowed_one():
    tree = inspect(wavemore.load().file_, ["emma", "emily"], string="emma").tree
    assert tree is not None
    drawn = draw.folded_nodes()
    found = {node.text: node.values for node in tree.nodes if node.text in drawn}
    assert found.keys() == drawn.keys()
    for text, values in found.items():
        assert np.allclose(values, drawn[text]["node"], atol=1e-5), text
