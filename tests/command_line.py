"""What the tests of the command line share: where a command runs, what it said, and how a refusal is read."""

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from wavemore import progress

FAILED, WRONG_USAGE = 1, 2

KNOWN_LISTS = "brands, dinosaurs, drinks, names, people, places, plants, stars, surnames, towns, makemore-names"
"""As messages name them."""

Answer = Callable[..., tuple[str, str]]
Refused = Callable[..., str]
Said = Callable[..., tuple[str, str]]

RECIPE = """
[model]
groups = [2, 2]
embedding = 4
hidden = 8

[train]
steps = 60
batch = 32
evaluate_every = 20
"""

LONG_RECIPE = RECIPE.replace("steps = 60", "steps = 400").replace("evaluate_every = 20", "evaluate_every = 40")
"""Enough steps to stop the training in the middle."""


def prepare(folder: Path, strings: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "list.txt").write_text("\n".join(strings) + "\n")
    (folder / "tiny.toml").write_text(RECIPE)
    (folder / "long.toml").write_text(LONG_RECIPE)


def records(out: str) -> list[dict[str, Any]]:
    """Every line of the output as JSON."""
    assert out.endswith("\n")
    return [json.loads(line) for line in out.removesuffix("\n").split("\n")]


def tables(out: str) -> list[tuple[list[str], list[list[str]]]]:
    """The tables of the output: the words of the header, and of each row. Columns stand two spaces or more apart."""
    found = []
    for table in out.removesuffix("\n").split("\n\n"):
        lines = table.split("\n")
        assert len({len(line) for line in lines}) == 1  # the columns stand below one another
        header, *rows = (re.split(r" {2,}", line) for line in lines)
        found.append((header, rows))
    return found


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def error_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """From now on standard error is a terminal, and bars do not wait to be drawn."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_AFTER", 0.0)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    return terminal


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file under a folder, hidden ones included, and None for a folder."""
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


def sentence(out: str, err: str) -> str:
    """The one message on standard error, where that is all there is."""
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.startswith("wavemore: ")
    return err.removeprefix("wavemore: ").removesuffix("\n")


def in_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("there is no sh")
    script = f'wavemore() {{ {shlex.quote(sys.executable)} -m wavemore "$@"; }}\n{script}'
    return subprocess.run([shell, "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def without(package: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command line where a package is not installed."""
    code = f"import sys; sys.modules[{package!r}] = None; from wavemore.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def respoiled(path: Path, spoil: Callable[[dict[str, np.ndarray], dict[str, Any]], object]) -> None:
    """Write a model file again, its tensors and metadata changed by `spoil`."""
    with safetensors.safe_open(path, framework="np") as file:
        about = json.loads((file.metadata() or {})["wavemore"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    spoil(arrays, about)
    path.write_bytes(safetensors.numpy.save(arrays, {"wavemore": json.dumps(about)}))
