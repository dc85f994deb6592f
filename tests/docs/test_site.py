"""The documentation builds without a warning, opens without the internet, and a page that is wrong is noticed."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import docstrings
import make_lesson
import pytest
import references

import wavemore
from wavemore.cli import COMMANDS
from wavemore.settings.config import Recipe, recipe_names

ROOT = Path(__file__).resolve().parents[2]

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
    for command in COMMANDS:
        assert f'id="wavemore-{command}"' in pages["command-line"], command
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
    for page in ("parts", "python"):  # which read all docstrings
        (tmp_path / "docs" / "reference" / f"{page}.md").write_text("# Left out, to save time\n", encoding="utf-8")
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


def test_the_notebook_is_what_its_source_generates():
    notebook = (ROOT / "docs" / "lesson.ipynb").read_text(encoding="utf-8")
    assert notebook.strip() == make_lesson.notebook().strip(), "run `make lesson`"
