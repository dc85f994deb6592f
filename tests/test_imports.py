"""Imports point down only, and the light world does without PyTorch. Each check is shown what it must catch."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from house import CONTRIBUTING, PACKAGE, PLACES, SHOWN, drawn, violations
from imported import heavy, imported_by

from wavemore.cli import COMMANDS


def fake(root: Path, sources: Mapping[str, str]) -> Path:
    """A package in the folder `root` with these sources."""
    for name, source in sources.items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


def test_imports_point_down_and_only_the_torch_world_knows_torch():
    assert violations(PACKAGE) == []


def test_every_module_of_the_list_is_there():
    standing = {".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py")}
    assert set(PLACES) <= standing


def test_rooms_are_small():
    assert sum(1 for _ in PACKAGE.glob("*.py")) <= 12
    for room in filter(Path.is_dir, PACKAGE.iterdir()):
        commands = set(COMMANDS) if room.name == "cli" else set()  # each has a file of its own
        assert len({path.stem for path in room.glob("*.py")} - commands) <= 16, room.name


def test_contributing_shows_the_same_house():
    shown = SHOWN.search(CONTRIBUTING.read_text(encoding="utf-8"))
    assert shown is not None
    assert shown[0] == drawn(), "write it again with python tests/house.py"


@pytest.mark.parametrize(
    ("module", "source", "sentence"),
    [
        (
            "errors",
            "import wavemore.settings.config",
            "errors:1 imports wavemore.settings.config, which is not below it",
        ),
        (
            "lists/vocabulary",
            "from wavemore.lists import corpus",
            "lists.vocabulary:1 imports wavemore.lists.corpus, which is not below it in its room",
        ),
        (
            "judging/likelihood",
            "from wavemore import fit",
            "judging.likelihood:1 imports wavemore.fit, which is not below it",
        ),
        (
            "judging/likelihood",
            "from .evaluate import x",
            "judging.likelihood:1 imports wavemore.judging.evaluate.x, which is not below it in its room",
        ),
        (
            "judging/scored_table",
            "from wavemore import judging",
            None,
        ),
        (
            "judging/scored_table",
            "import wavemore.sampling",
            "judging.scored_table:1 imports wavemore.sampling, which holds nothing",
        ),
        (
            "sampling/source",
            "from .. import cli",
            "sampling.source:1 imports wavemore.cli, which is not below it",
        ),
        ("nn/wavenet", "from ..train import x", "nn.wavenet:1 imports wavemore.train.x, which is not below it"),
        (
            "sampling/sample",
            "def f():\n    import wavemore.cli",
            "sampling.sample:2 imports wavemore.cli, which is not below it",
        ),
        (
            "runs/history",
            "import wavemore.sampling.wish",
            "runs.history:1 imports wavemore.sampling.wish, which is not below it",
        ),
        (
            "lists/corpus",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from wavemore.estimator import StringModel",
            "lists.corpus:3 imports wavemore.estimator.StringModel, which is not below it",
        ),
        (
            "inspection/findings",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from wavemore.inspection.page import write",
            "inspection.findings:3 imports wavemore.inspection.page.write, which is not below it in its room",
        ),
        (
            "nn/layers",
            "from wavemore.lists import corpus",
            "nn.layers:1 imports wavemore.lists.corpus, of which it knows nothing",
        ),
        ("nn/layers", "import wavemore.files", "nn.layers:1 imports wavemore.files, of which it knows nothing"),
        (
            "train/loop",
            "import wavemore.lists.corpus",
            "train.loop:1 imports wavemore.lists.corpus, of which it knows nothing",
        ),
        ("progress", "import wavemore.errors", "progress:1 imports wavemore.errors, which is not below it in its room"),
        ("estimator", "from wavemore.nn import x", "estimator:1 imports wavemore.nn.x at module level"),
        ("cli/trace", "import wavemore.nn.trace", "cli.trace:1 imports wavemore.nn.trace at module level"),
        (
            "judging/evaluate",
            "try:\n    from wavemore.nn import x\nexcept ImportError:\n    pass",
            "judging.evaluate:2 imports wavemore.nn.x at module level",
        ),
        ("estimator", "class A:\n    import wavemore.nn", "estimator:2 imports wavemore.nn at module level"),
        (
            "predict/engine",
            "import torch",
            "predict.engine:1 imports torch, which belongs to nn and train.in_torch",
        ),
        (
            "predict/engine",
            "def f():\n    import torch",
            "predict.engine:2 imports torch, which belongs to nn and train.in_torch",
        ),
        (
            "models/modelfile",
            "import safetensors.torch",
            "models.modelfile:1 imports safetensors.torch, which belongs to nn and train.in_torch",
        ),
        (
            "train/run",
            "import torch",
            "train.run:1 imports torch, which belongs to nn and train.in_torch",
        ),
        (
            "runs/board",
            "def f():\n    from torch.utils import tensorboard",
            "runs.board:2 imports torch.utils.tensorboard, which belongs to nn and train.in_torch",
        ),
        ("train/forms", "import torch", "train.forms:1 imports torch at module level"),
        ("train/forms", "def f():\n    import torch", None),
        ("train/network", "from wavemore.nn import x", "train.network:1 imports wavemore.nn.x at module level"),
        (
            "train/loop",
            "from wavemore.train import in_torch",
            "train.loop:1 imports wavemore.train.in_torch at module level",
        ),
        (
            "train/__init__",
            "from wavemore.train.in_torch import x",
            "train.__init__:1 imports wavemore.train.in_torch.x at module level",
        ),
        ("train/in_torch", "import torch\nfrom wavemore.nn import x\nfrom wavemore.train import batches", None),
        ("lists/corpus", "import typer", "lists.corpus:1 imports typer, which belongs to cli"),
        ("tables/formats", "import pyarrow.parquet", "tables.formats:1 imports pyarrow.parquet at module level"),
        ("progress", "import rich.progress", "progress:1 imports rich.progress at module level"),
        ("helpers", "", "helpers has no place in the house"),
        ("rooms/__init__", "import wavemore.errors", "rooms.__init__ has no place in the house"),
    ],
)
def test_an_import_against_the_rules_is_caught(tmp_path: Path, module: str, source: str, sentence: str | None):
    assert violations(fake(tmp_path, {module: source})) == ([] if sentence is None else [sentence])


def test_imports_within_the_rules_are_left_alone(tmp_path: Path):
    tree = {
        "__init__": "from wavemore._version import __version__",
        "estimator": "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from wavemore.train import Monitor\n"
        "def fit():\n    from wavemore.train import train",
        "nn/layers": "import torch\nfrom wavemore.errors import ShapeError",
        "nn/wavenet": "from wavemore.nn.layers import Linear\nfrom . import layers\n"
        "from ..settings.config import ModelConfig",
        "progress": "def f():\n    import rich",
        "cli/info": "import typer\nfrom wavemore.cli import output\nfrom wavemore.cli.output import say",
    }
    assert violations(fake(tmp_path, tree)) == []


# --- what a fresh process has imported


def test_importing_wavemore_imports_its_version_alone():
    modules = imported_by("-c", "import wavemore")
    assert {name for name in modules if name.startswith("wavemore")} == {"wavemore", "wavemore._version"}
    assert "numpy" not in modules


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "import wavemore.estimator, wavemore.cli, wavemore.progress, wavemore.train, wavemore.runs.board"],
        ["-c", "import wavemore; wavemore.load, wavemore.fit, wavemore.read_corpus"],
        ["-m", "wavemore", "--help"],
        ["-m", "wavemore", "train", "--help"],
        ["-c", "import wavemore; wavemore.compare; import wavemore.comparison.picture"],
        ["-m", "wavemore", "compare", "--help"],
        ["-c", "import wavemore.study, wavemore.inspection"],
        ["-c", "import wavemore.runs.picture"],
        ["-m", "wavemore", "plot", "--help"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(arguments: list[str]):
    modules = imported_by(*arguments)
    assert "wavemore._version" in modules
    assert heavy(modules) == set()


def test_help_does_not_even_import_numpy():
    modules = imported_by("-m", "wavemore", "--help")
    assert "numpy" not in modules
    assert {name for name in modules if name.startswith("wavemore.")} == {
        *("wavemore._version", "wavemore.errors", "wavemore.tables", "wavemore.tables.visible"),
        *("wavemore.cli", "wavemore.cli.output"),
    }
    assert "json" not in modules


@pytest.mark.parametrize(
    ("words", "imported"),
    [
        ("sample --help", {"sample"}),
        ("train -h", {"train"}),
        ("info --nonsense", {"info"}),
        ("sampel", set()),
        ("--version", set()),
        ("--nonsense", set()),
        ("", set()),
    ],
)
def test_only_the_command_that_is_named_is_imported(words: str, imported: set[str]):
    script = f"import sys; from wavemore.cli import run; run({words.split()!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    commands = {f"wavemore.cli.{name}" for name in COMMANDS}
    assert commands & set(done.stdout.splitlines()[-1].split()) == {f"wavemore.cli.{name}" for name in imported}


def test_sampling_and_scoring_from_a_file_import_nothing_heavy(tiny_path: Path):
    modules = imported_by("-m", "wavemore", "sample", str(tiny_path), "-n", "3")
    assert "wavemore.predict.engine" in modules
    assert heavy(modules) == set()
    script = f"import wavemore; wavemore.load({str(tiny_path)!r}).score_samples(['ba'])"
    assert heavy(imported_by("-c", script)) == set()


def test_inspecting_and_a_run_of_the_study_import_nothing_heavy(tiny_path: Path, tmp_path: Path):
    (tmp_path / "list.txt").write_text("ba\nbabe\nbaba\n")
    modules = imported_by("-m", "wavemore", "inspect", str(tiny_path), str(tmp_path / "list.txt"), "--chunk", "ba")
    assert "wavemore.inspection.onestep" in modules
    assert heavy(modules) == set()
    script = (
        "from wavemore.study.measuring import Data, Trial, Workplace\n"
        "from wavemore.settings.config import load_recipe\n"
        "place = Workplace(Data('a', '', ['ba', 'ab'] * 4, ['ba'], 'ab'), load_recipe('fast'))\n"
        "trial = Trial(groups=(2, 2, 2), widths=(3, 4, 5), embedding=2, epochs=2.0, probes=True)\n"
        "assert place.measure(trial)['validation'] > 0"
    )
    modules = imported_by("-c", script)
    assert "wavemore.train.network" in modules
    assert heavy(modules) == set()


@pytest.mark.parametrize(
    ("recipe", "needed"),
    [
        *(("fast", False), ("best", False), ("lecture", True)),
        *(pytest.param(name, True, marks=pytest.mark.slow) for name in ("lstm", "bow")),  # importing PyTorch is slow
    ],
)
def test_a_comparison_imports_what_a_run_needs_before_it_measures(recipe: str, needed: bool):
    script = (
        "from wavemore.settings.config import load_recipe\n"
        "from wavemore.train.forms import made_ready\n"
        f"made_ready(load_recipe({recipe!r}))"
    )
    modules = imported_by("-c", script)
    assert {"wavemore.train.network", "wavemore.train.loop"} <= modules
    if needed:  # and a heavy import is caught
        assert {"torch", "wavemore.train.in_torch", "wavemore.nn"} <= heavy(modules)
    else:
        assert heavy(modules) == set()
