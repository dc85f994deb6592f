"""The wheel alone, in a new environment without PyTorch: it learns, samples, scores, evaluates and explains."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES = 150
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True)
    venv.create(folder / "venv", with_pip=True)
    (wheel,) = folder.glob("wavemore-*.whl")
    own = [str(folder / "venv/bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*own, "install", "--no-compile", "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    return folder / "venv"


def run(environment: Path, folder: Path, *words: str) -> str:
    """What `wavemore` prints there."""
    done = subprocess.run(
        [environment / "bin/wavemore", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_learns_towns_without_pytorch(environment: Path, tmp_path: Path):
    assert not [*environment.glob("lib/*/site-packages/torch")]
    run(environment, tmp_path, "train", "towns", "--recipe", "fast", "-o", "towns.safetensors")
    assert len(run(environment, tmp_path, "sample", "towns.safetensors", "-n", "5").split("\n")) == 6
    for words in (["score", "-s", "Walford"], ["explain", "Walford"], ["evaluate", "towns.safetensors", "towns"]):
        model = [] if words[0] == "evaluate" else ["towns.safetensors"]
        assert run(environment, tmp_path, words[0], *model, *words[1:])


def test_the_environment_is_small(environment: Path):
    size = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < MEGABYTES * 1e6
