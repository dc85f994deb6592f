"""The page is one file: its scripts follow the convention by which they are joined, and it names no other file."""

import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from in_node import APP, NODE
from packed_models import network_file

from wavemore.page.one_file import bundle, page_html

STARTS = ("start.js", "boot.js", "worker.js", "view/main.js")
MODULES = sorted(path for path in APP.rglob("*.js"))
_NAMES = re.compile(r"^(?:async function\*?|function\*?|class|const|let|var) (\w+|[\[{][^=\n]*)", re.MULTILINE)


def names(text: str) -> list[str]:
    """What a script declares at its top level."""
    return [name for found in _NAMES.findall(text) for name in re.findall(r"\w+", found)]


def _without_comments(text: str) -> str:
    return re.sub(r"/\*\*(?:(?!\*/).|\n)*\*/", "", text)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_modules_follow_the_convention(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    for line in _without_comments(text).splitlines():
        assert line.count("`") % 2 == 0, line  # a template of several lines would lose its indents
        if re.match(r"import\b", line):
            assert re.fullmatch(r'import (\{[^}]*\} from )?"\.{1,2}/[\w./]+\.js";', line), line
        elif re.match(r"export\b", line):
            assert re.match(r"export ((async )?function\*?|class|const) \w+", line), line
        else:
            assert not re.search(r"^\s*(import|export)\s|\bimport\(|^await\b", line), line


@pytest.mark.parametrize("start", STARTS)
def test_names_are_unique_in_a_bundle(start: str) -> None:
    found = names(bundle(start))
    assert len(found) >= (20 if "/" in start or start == "worker.js" else 2)
    assert sorted(set(found)) == sorted(found)


@pytest.mark.parametrize("start", STARTS)
def test_a_bundle_is_a_script(start: str, tmp_path: Path) -> None:
    text = bundle(start)
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert "/**" not in text
    script = tmp_path / "script.cjs"
    script.write_text(text, encoding="utf-8")
    told = subprocess.run([str(NODE), "--check", str(script)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_every_module_is_in_a_bundle() -> None:
    joined = "".join(map(bundle, STARTS))
    for path in MODULES:
        for name in re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", path.read_text(), re.MULTILINE):
            assert re.search(rf"^(?:async )?(?:function|class|const) {name}\b", joined, re.MULTILINE), (path, name)


def test_the_page_is_whole() -> None:
    page = page_html(network_file(groups=[2, 2, 2]))
    assert "{{" not in page.replace("{{}}", "")
    assert not re.search(r"^ ", page.split("</style>")[1], re.MULTILINE)
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:|//)""", page)
    assert page == page_html(network_file(groups=[2, 2, 2]))
    assert files("wavemore.page").joinpath("app", "engine", "kernel.wasm").is_file()
