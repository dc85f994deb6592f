"""ONNX files in the oldest and the newest onnxruntime that install here, in environments without wavemore: of every
kind 10,000 contexts, and their strings, in batches of all sizes."""

import json
import subprocess
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_kinds import FILES, expected_of, strings_for

from wavemore.export.onnx_file import onnx_bytes

EXPORTED = Path(__file__).resolve().parents[1] / "exported.py"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of every kind, and what the engine says beside it."""
    folder = tmp_path_factory.mktemp("files")
    for kind, make in FILES.items():
        file = make()
        (folder / f"{kind}.onnx").write_bytes(onnx_bytes(file))
        expected = expected_of(file, strings_for(1700))
        assert len(expected["contexts"]) >= 10_000
        np.savez(folder / f"{kind}.npz", **expected)  # pyright: ignore[reportArgumentType]
    return folder


@pytest.mark.parametrize("wanted", [["onnxruntime==1.15.0", "numpy<2"], ["onnxruntime==1.32.0", "numpy"]])
def test_every_kind(files: Path, tmp_path: Path, wanted: list[str]):
    """1.15.0 asks for any NumPy, and was built for NumPy 1."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv/bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted], check=True)
    done = subprocess.run([python, str(EXPORTED), str(files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["version"] == wanted[0].partition("==")[2]
    assert set(told["found"]) == set(FILES)
    for kind, found in told["found"].items():
        assert max(found.values()) < 1, (kind, found)
