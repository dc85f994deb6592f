"""Imports point down only, and the light world does without PyTorch. Each check is shown what it must catch."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

import wavemore

PACKAGE = Path(wavemore.__file__).parent

LAYERS = [
    ["errors", "_version", "progress", "threads"],
    ["files", "vocabulary", "fetch", "strict", "measures"],
    ["architecture", "seen", "streams", "columns", "canvas", "history"],
    ["config"],
    ["shapes"],
    ["sources", "modelfile", "sizing", "parquet", "linetable"],
    ["corpus", "tables", "chunks", "windows", "curves"],
    ["activation", "predictor", "automaton", "shaping"],
    ["folding"],
    ["engine", "ngram", "nn", "constraints"],
    ["ensemble", "mixture", "lookahead", "patterns"],
    ["kinds", "guide"],
    ["draw"],
    ["conditional"],
    ["sample", "search", "score", "bootstrap", "calibration", "likeness", "comparison"],
    ["wish", "evaluate", "memory", "train", "keeping", "rows", "picture", "curve_picture", "guessing", "explanation"],
    ["fitting", "scoring", "inspection"],
    ["estimator", "comparing", "study"],
    ["cli"],
    ["__init__", "__main__"],
]
"""From the bottom up. A part is a module or a package. It imports from the layers below, and a package from itself."""

ALONE = {
    "progress": set[str](),
    "threads": set[str](),
    "nn": {"predictor", "chunks", "vocabulary", "config", "errors"},
    "train": {
        "nn",
        "predictor",
        "modelfile",
        "chunks",
        "windows",
        "vocabulary",
        "config",
        "errors",
        "files",
        "threads",
        "measures",
    },
    "__init__": {"_version", "comparing", "config", "corpus", "errors", "estimator", "evaluate"},
    "__main__": {"cli"},
}
"""Parts that may import these and nothing else of the package."""

TORCH_WORLD = {"nn", "train"}

LAZY = {"matplotlib", "outlines_core", "pyarrow", "rich", "pooch", "requests", "scipy", "sklearn"}
"""Packages that no module may import when it is itself imported."""


class Import(NamedTuple):
    """One module that another names."""

    line: int
    module: str
    when: str
    """"import" of the naming module, a "call" of one of its functions, or "never", for type checkers alone."""


def imports_of(source: str, package: str) -> Iterator[Import]:
    """Every import in a module's source, wherever it stands; `package` is what its relative imports start from."""

    def visit(node: ast.AST, when: str) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name, when) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(node.lineno, f"{base}.{alias.name}", when) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for child in node.body:
                yield from visit(child, "never")
            for child in node.orelse:
                yield from visit(child, when)
        else:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and when == "import":
                when = "call"
            for child in ast.iter_child_nodes(node):
                yield from visit(child, when)

    yield from visit(ast.parse(source), "import")


def violations(root: Path) -> list[str]:
    """What the modules of a package named wavemore, in the folder `root`, import against the rules of this file."""
    rank = {part: i for i, parts in enumerate(LAYERS) for part in parts}
    found = []
    for path in sorted(root.rglob("*.py")):
        module = path.relative_to(root).with_suffix("")
        package = ".".join(["wavemore", *module.parts[:-1]])
        part = module.parts[0]
        if part not in rank:
            found.append(f"{module} has no layer")
            continue
        for line, name, when in imports_of(path.read_text(encoding="utf-8"), package):
            where = f"{module}:{line} imports {name}"
            top, *rest = name.split(".")
            if top == "wavemore":
                other = rest[0] if rest and rest[0] in rank else "__init__"
                if other == part and len(module.parts) > 1:
                    continue
                if rank[other] >= rank[part]:
                    found.append(f"{where}, which is not below it")
                elif other not in ALONE.get(part, {other}):
                    found.append(f"{where}, of which it knows nothing")
                elif other in TORCH_WORLD and part not in TORCH_WORLD and when == "import":
                    found.append(f"{where} at module level")
            elif "torch" in name.split(".") and part not in TORCH_WORLD:
                found.append(f"{where}, which belongs to nn and train")
            elif top == "typer" and part != "cli":
                found.append(f"{where}, which belongs to cli")
            elif top in LAZY and when == "import":
                found.append(f"{where} at module level")
    return found


def fake(root: Path, sources: Mapping[str, str]) -> Path:
    """A package in the folder `root` with these sources."""
    for name, source in sources.items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


def test_imports_point_down_and_only_nn_and_train_know_torch():
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("module", "source", "sentence"),
    [
        ("errors", "import wavemore.config", "errors:1 imports wavemore.config, which is not below it"),
        ("vocabulary", "from wavemore import files", "vocabulary:1 imports wavemore.files, which is not below it"),
        ("score", "from wavemore import fit", "score:1 imports wavemore.fit, which is not below it"),
        ("score", "from .evaluate import x", "score:1 imports wavemore.evaluate.x, which is not below it"),
        ("score", "from . import cli", "score:1 imports wavemore.cli, which is not below it"),
        ("nn/wavenet", "from ..train import x", "nn/wavenet:1 imports wavemore.train.x, which is not below it"),
        ("sample", "def f():\n    import wavemore.cli", "sample:2 imports wavemore.cli, which is not below it"),
        (
            "corpus",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from wavemore.estimator import StringModel",
            "corpus:3 imports wavemore.estimator.StringModel, which is not below it",
        ),
        ("nn/layers", "from wavemore import corpus", "nn/layers:1 imports wavemore.corpus, of which it knows nothing"),
        ("nn/layers", "import wavemore.files", "nn/layers:1 imports wavemore.files, of which it knows nothing"),
        ("train/loop", "import wavemore.corpus", "train/loop:1 imports wavemore.corpus, of which it knows nothing"),
        ("progress", "import wavemore.errors", "progress:1 imports wavemore.errors, which is not below it"),
        ("estimator", "from wavemore.nn import x", "estimator:1 imports wavemore.nn.x at module level"),
        ("cli/trace", "import wavemore.nn.trace", "cli/trace:1 imports wavemore.nn.trace at module level"),
        (
            "evaluate",
            "try:\n    from wavemore.nn import x\nexcept ImportError:\n    pass",
            "evaluate:2 imports wavemore.nn.x at module level",
        ),
        ("estimator", "class A:\n    import wavemore.nn", "estimator:2 imports wavemore.nn at module level"),
        ("engine", "import torch", "engine:1 imports torch, which belongs to nn and train"),
        ("engine", "def f():\n    import torch", "engine:2 imports torch, which belongs to nn and train"),
        (
            "modelfile",
            "import safetensors.torch",
            "modelfile:1 imports safetensors.torch, which belongs to nn and train",
        ),
        ("corpus", "import typer", "corpus:1 imports typer, which belongs to cli"),
        ("tables", "import pyarrow.parquet", "tables:1 imports pyarrow.parquet at module level"),
        ("progress", "import rich.progress", "progress:1 imports rich.progress at module level"),
        ("helpers", "", "helpers has no layer"),
    ],
)
def test_an_import_against_the_rules_is_caught(tmp_path: Path, module: str, source: str, sentence: str):
    assert violations(fake(tmp_path, {module: source})) == [sentence]


def test_imports_within_the_rules_are_left_alone(tmp_path: Path):
    tree = {
        "__init__": "from wavemore._version import __version__",
        "estimator": "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from wavemore.train import Monitor\n"
        "def fit():\n    from wavemore.train import train",
        "nn/layers": "import torch\nfrom wavemore.errors import ShapeError",
        "nn/wavenet": "from wavemore.nn.layers import Linear\nfrom . import layers\nfrom ..config import ModelConfig",
        "progress": "def f():\n    import rich",
        "cli/info": "import typer\nfrom wavemore.cli import output\nfrom wavemore.cli.output import say",
    }
    assert violations(fake(tmp_path, tree)) == []


# --- what a fresh process has imported


def imported_by(*arguments: str) -> set[str]:
    """The modules that a fresh Python with these arguments imports before it ends."""
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, env=environment)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def heavy(modules: set[str]) -> set[str]:
    """Those of the modules that the light world does without."""
    return modules & {
        "torch",
        "wavemore.nn",
        "wavemore.train",
        "safetensors.torch",
        "pooch",
        "rich",
        "matplotlib",
        "pyarrow",
    }


def test_importing_wavemore_imports_its_version_alone():
    modules = imported_by("-c", "import wavemore")
    assert {name for name in modules if name.startswith("wavemore")} == {"wavemore", "wavemore._version"}
    assert "numpy" not in modules


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "import wavemore.estimator, wavemore.cli, wavemore.progress"],
        ["-c", "import wavemore; wavemore.load, wavemore.fit, wavemore.read_corpus"],
        ["-m", "wavemore", "--help"],
        ["-m", "wavemore", "train", "--help"],
        ["-c", "import wavemore; wavemore.compare; import wavemore.picture"],
        ["-m", "wavemore", "compare", "--help"],
        ["-c", "import wavemore.curve_picture"],
        ["-m", "wavemore", "plot", "--help"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(arguments: list[str]):
    modules = imported_by(*arguments)
    assert "wavemore._version" in modules
    assert heavy(modules) == set()


def test_help_does_not_even_import_numpy():
    assert "numpy" not in imported_by("-m", "wavemore", "--help")


def test_sampling_and_scoring_from_a_file_import_nothing_heavy(tiny_path: Path):
    modules = imported_by("-m", "wavemore", "sample", str(tiny_path), "-n", "3")
    assert "wavemore.engine" in modules
    assert heavy(modules) == set()
    script = f"import wavemore; wavemore.load({str(tiny_path)!r}).score_samples(['ba'])"
    assert heavy(imported_by("-c", script)) == set()


def test_a_heavy_import_is_caught():
    assert {"torch", "wavemore.nn"} <= heavy(imported_by("-c", "import wavemore.nn"))
