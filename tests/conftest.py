"""What several tests share: a tiny list, a tiny recipe, and one model trained on them."""

import signal
from pathlib import Path

import one_thread  # noqa: F401 - importing it is what it is for
import pytest
from on_engine import Clock, Cluster
from recorded import Fit
from tiny import tiny_strings

from wavemore.estimator import StringModel
from wavemore.settings.config import Recipe

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in whatever a shell starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests press Ctrl-C

NAMES_TXT = Path(__file__).resolve().parents[2] / "shared" / "data" / "names.txt"


@pytest.fixture(scope="session")
def strings() -> list[str]:
    return tiny_strings()


@pytest.fixture(scope="session")
def tiny_recipe() -> Recipe:
    """A recipe that trains in well under a second."""
    return Recipe.from_dict(
        {
            "model": {"groups": [2, 2], "embedding": 4, "hidden": 8},
            "train": {
                "form": "windowed",
                "optimizer": "adamw",
                "rate": 0.01,
                "steps": 60,
                "batch": 32,
                "evaluate_every": 20,
                "warmup": 0.1,
                "decay": "cosine",
            },
        }
    )


@pytest.fixture(scope="session")
def tiny_model(strings: list[str], tiny_recipe: Recipe) -> StringModel:
    return StringModel(tiny_recipe).fit(strings)


@pytest.fixture
def tiny_path(tiny_model: StringModel, tmp_path: Path) -> Path:
    """A model file of its own for a test that may spoil it."""
    path = tmp_path / "tiny.safetensors"
    tiny_model.save(path)
    return path


@pytest.fixture(scope="session")
def names_txt() -> Path:
    """The list that the published numbers are about; it lies beside the checkout and is not part of it."""
    if not NAMES_TXT.exists():
        pytest.skip(f"names.txt is not at {NAMES_TXT}")
    return NAMES_TXT


@pytest.fixture
def fit(tiny_recipe: Recipe, strings: list[str], tmp_path: Path) -> Fit:
    return Fit(tiny_recipe, strings, tmp_path)


@pytest.fixture
def folder(tmp_path: Path, strings: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))
    Path("tiny.toml").write_text(
        "[model]\ngroups = [2, 2]\nembedding = 4\nhidden = 8\n[train]\nsteps = 30\nbatch = 32\n"
    )
    return tmp_path


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The workers that `on="ray"` of a fit, and `--on ray` of `train`, name from now on. A task is some steps long."""
    found = Cluster()
    monkeypatch.setattr("wavemore.fitting.engine_of", lambda on, here, what: here if on == "here" else found)
    monkeypatch.setattr("wavemore.train.as_tasks._SECONDS", 8.0)
    monkeypatch.setattr("wavemore.train.as_tasks.time", Clock())
    return found
