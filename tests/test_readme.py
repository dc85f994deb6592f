"""Nothing is shown that is not run: the README's blocks, executed in order in an empty folder."""

import os
import re
import shlex
from pathlib import Path

import pytest
from documented import said, streams

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


FIT = 'wavemore.fit("dinosaurs")'


@pytest.mark.parametrize(
    "fit",
    [
        FIT.replace(")", ', settings={"train.steps": 40, "model.members": 1})'),
        pytest.param(FIT, marks=pytest.mark.slow),
    ],
)
def test_python_blocks_run(tmp_path, fit):
    """As shown, and with a shorter training."""
    found = blocks("python")
    assert "".join(found).count(FIT) == len(found) > 0
    for block in found:
        samples, scores = said(block.replace(FIT, fit), tmp_path).strip().split("\n")
        assert samples.count("'An") == 5
        better, worse = map(float, scores.strip("[]").split())
        assert better > worse


def test_console_blocks_run(tmp_path):
    commands = [line[2:] for block in blocks("console") for line in block.split("\n") if line.startswith("$ ")]
    assert len(commands) >= 5
    for command in commands:
        out, err = streams(command, tmp_path)
        assert out or "-o" in shlex.split(command), command
        assert "Traceback" not in err, command


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = [line for line in README.split("\n") if line.startswith("make ")]
    assert len(lines) == 2
    for line in lines:
        assert re.search(rf"^{shlex.split(line, comments=True)[1]}:", makefile, flags=re.MULTILINE), line


PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (ROOT, *(ROOT / name for name in ("docs", "benchmarks", "src")))
    for path in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
)
HOSTS = {"github.com", "www.youtube.com"}
"""Where links may lead to outside the repository. Whether they do is not tested: tests run offline."""
MADE = "docs/reference/"  # pages whose anchors come from the code; `make docs` checks links to those


def anchors(page: Path) -> set[str]:
    """What a page's headings are called in links, on GitHub."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def wrong_links(page: Path, text: str) -> list[str]:
    """The links of a page's text that lead nowhere, or to a host that is not named above."""
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)):
        if "//" in link:
            wrong += [link] if link.split("/")[2] not in HOSTS else []
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        made = target.resolve().as_posix().startswith((ROOT / MADE).as_posix())
        if not target.exists() or (anchor and not made and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert not wrong_links(ROOT / page, (ROOT / page).read_text(encoding="utf-8"))


def test_a_link_that_leads_nowhere_is_noticed():
    text = "[a](docs/forms.md) [b](docs/no.md) [c](#results) [d](#no) [e](docs/log.md#no) [f](https://no.example/x)"
    assert wrong_links(ROOT / "README.md", text) == ["docs/no.md", "#no", "docs/log.md#no", "https://no.example/x"]


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROOMS = CONTRIBUTING[CONTRIBUTING.index("## The rooms") : CONTRIBUTING.index("## Dependencies")]
MAP = dict(re.findall(r"^\| ([\w ]+)/? \| (.*`.*) \|$", ROOMS, flags=re.MULTILINE))
PACKAGE = ROOT / "src" / "wavemore"


def row(folder: str) -> str:
    """What the map says of a folder of the package; of its top there are two rows."""
    return MAP[folder] if folder != "." else MAP["the top"] + MAP["the ground"]


def test_the_map_has_a_row_for_each_room():
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")} - {"."}
    assert MAP.keys() == folders | {"the top", "the ground"}
    assert len(MAP) <= 24


@pytest.mark.parametrize("module", sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")))
def test_every_module_is_in_the_map(module):
    folder, name = os.path.split(module)
    if not name.startswith("_"):
        assert re.search(rf"`{name.removesuffix('.py')}(\.py)?`", row(folder or ".")), module


def test_the_map_names_no_file_that_is_not_there():
    for folder, text in MAP.items():
        for name in re.findall(r"`(\w+\.py)`", text):
            assert (PACKAGE / ("" if folder.startswith("the ") else folder) / name).exists(), name
