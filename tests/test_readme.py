"""Nothing is shown that is not run: the README's blocks, executed in order in an empty folder."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_python_blocks_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = blocks("python")
    assert found
    for block in found:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block, "README.md", "exec"), {})
        samples, scores = out.getvalue().strip().split("\n")
        assert samples.count("'An") == 5
        better, worse = map(float, scores.strip("[]").split())
        assert better > worse


def test_console_blocks_run(tmp_path):
    commands = [line[2:] for block in blocks("console") for line in block.split("\n") if line.startswith("$ ")]
    assert len(commands) >= 5
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in commands:
        done = subprocess.run(
            command, check=False, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout, command
        assert "Traceback" not in done.stderr, command


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = [line for line in README.split("\n") if line.startswith("make ")]
    assert len(lines) == 2
    for line in lines:
        assert re.search(rf"^{shlex.split(line, comments=True)[1]}:", makefile, flags=re.MULTILINE), line


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/forms.md", "docs/model-file.md", "docs/log.md"]
)
def test_links_to_files_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_every_module_is_in_the_map():
    package = ROOT / "src" / "wavemore"
    for module in package.glob("*.py"):
        if not module.name.startswith("_"):
            assert f"(src/wavemore/{module.name})" in README or module.name == "progress.py", module.name
