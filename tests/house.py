"""The rooms of the house, and which imports may run between and inside them: down only.

python tests/house.py    writes the list of rooms into CONTRIBUTING.md again
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import wavemore

PACKAGE = Path(wavemore.__file__).parent
CONTRIBUTING = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"

GROUND, FACE = "ground", "face"
"""Rooms without a folder of their own: what all others stand on, and what stands on top of all."""

HOUSE: list[dict[str, str]] = [
    {GROUND: "errors _version progress threads > conventions files provenance"},
    {"settings": "strict > architecture > config > sizing", "tasks": "task > on_ray processes > engines"},
    {
        "lists": "compression containers counts embedded encodings fetch vocabulary > labelled layout rows > streams "
        "> json_rows > sources > corpus > given",
    },
    {
        "tables": "columns printed visible > lines parquet ranking > formats",
        "predict": "activation chunks predictor windows > conditioning counts > folding nodes > network ngram "
        "> steps > engine > ensemble",
    },
    {
        "mixtures": "any_label leaning mixture",
        "nn": "layers packing > bow recurrent transformer wavenet > ensemble sequence trace > __init__ "
        "> sequence_predictor",
    },
    {
        "models": "conditioned fingerprints neighbours soundness > origin plausible > modelfile "
        "> apart disclosure kinds start > contents",
    },
    {
        "sampling": "automaton shape > constraints lookahead search > guide patterns > source > sampler "
        "> guided pruning > conditional > preparations > sample > wish",
        "runs": "canvas checkpoint measures history > looks curves > board picture",
    },
    {
        "judging": "bootstrap calibration likelihood likeness posterior > evaluate explanation guessing memorisation "
        "> report row_scores usual > reasons scored_table > odd",
        "train": "activations gradients learner optimisers > batches level watch "
        "> in_torch network run > forms record > workers > as_tasks > loop > __init__",
    },
    {"ranks": "place > world > layers > learners > together > meeting"},
    {"fitting": "fitting", "page": "arrays > networks ngrams seen > packing > one_file"},
    {"export": "graph parameters > strings trie > network > onnx_file > formats > notebook"},
    {
        "estimator": "judged > estimator",
    },
    {
        "comparison": "classifier contenders results > folder picture > making > running",
        "inspection": "findings nodes onestep > inspection node_drawing > drawing of_history of_model report "
        "> pictures > page > __init__",
        "study": "probes statistics trial > trials > claims > drawing flow hierarchy > flexibility information "
        "processing report > measuring > pool > running > __init__",
        "scale": "carried texts > drawing scorer > parts with_duckdb with_pandas with_polars with_ray with_spark "
        "> runners with_dask > jobs",
    },
    {
        "serve": "answers asks bodies limits pages work > guards protocol worker > crew > metrics > log service "
        "> app > server",
    },
    {
        "cli": "options output > reading > compare evaluate explain export info inspect odd plot sample score serve "
        "study trace train > __init__",
    },
    {FACE: "__init__ > __main__"},
]
"""From the bottom up, a floor a row. A module imports from the floors below its room and, inside its room, from those
left of a ">" that stands before it."""

ALONE = {
    "nn": {"predict", "lists.vocabulary", "settings", "errors"},
    "train": {
        *(
            "nn",
            "predict",
            "models.soundness",
            "models.modelfile",
            "lists.labelled",
            "models.start",
            "lists.vocabulary",
            "settings",
            "runs.checkpoint",
            "runs.looks",
            "runs.measures",
        ),
        *("tasks.task", "errors", "files", "threads"),
    },
}
"""Rooms that may import these rooms and modules, beside their own, and nothing else of the package."""

TORCH_WORLD = {"nn", "train.in_torch", *(f"ranks.{name}" for name in ("world", "layers", "learners", "together"))}
"""The rooms and modules that import PyTorch when they are themselves imported."""

ASKS_FOR_TORCH = {"train.forms"}
"""The modules beside these that import it in a function."""

LAZY = {
    *("matplotlib", "onnx", "pyarrow", "rich", "pooch", "requests", "scipy", "sklearn"),
    *("dask", "duckdb", "pandas", "polars", "pyspark", "ray"),
}
"""Packages that no module may import when it is itself imported."""

AT_TOP = {GROUND, FACE, "fitting", "estimator"}
"""Rooms whose modules stand at the package's top."""


class Place(NamedTuple):
    """Where a module stands."""

    room: str
    floor: int
    step: int
    """Inside its room, from the bottom up."""


def places(house: list[dict[str, str]]) -> dict[str, Place]:
    """Each module by its dotted name without "wavemore."."""
    found = {}
    for floor, rooms in enumerate(house):
        for room, inside in rooms.items():
            for step, names in enumerate(inside.split(" > ")):
                for name in names.split():
                    found[name if room in AT_TOP else f"{room}.{name}"] = Place(room, floor, step)
    return found


PLACES = places(HOUSE)


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


def module_of(name: str) -> str:
    """The module that an import of `name`, without "wavemore.", reaches: a room itself is its `__init__`."""
    words = name.split(".")
    for end in range(len(words), 0, -1):
        for found in (".".join(words[:end]), ".".join([*words[:end], "__init__"])):
            if found in PLACES:
                return found
        if end == 1 and any(module.startswith(f"{words[0]}.") for module in PLACES):
            return words[0]  # a room whose __init__ is empty
    return "__init__"


def against(module: str, other: str) -> str | None:
    """What forbids a module to import another one of the package."""
    here, there = PLACES[module], PLACES.get(other)
    if there is None:  # an empty __init__
        return "which holds nothing" if other != here.room else None
    if there.room == here.room:
        return None if there.step < here.step else "which is not below it in its room"
    if there.floor >= here.floor:
        return "which is not below it"
    allowed = ALONE.get(here.room)
    if allowed is not None and not {there.room, other} & allowed:
        return "of which it knows nothing"
    return None


def in_torch_world(module: str) -> bool:
    """Whether a module imports PyTorch when it is itself imported; the name may lack a place in the house."""
    return not {module, module.split(".")[0]}.isdisjoint(TORCH_WORLD)


def violations(root: Path) -> list[str]:
    """What the modules of a package named wavemore, in the folder `root`, import against the rules of this file."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        module, package = ".".join(parts), ".".join(["wavemore", *parts[:-1]])
        imports = list(imports_of(path.read_text(encoding="utf-8"), package))
        if module not in PLACES:
            if parts[-1] != "__init__" or imports or len(parts) == 1:
                found.append(f"{module} has no place in the house")
            continue
        room = PLACES[module].room
        for line, name, when in imports:
            where = f"{module}:{line} imports {name}"
            top, _, rest = name.partition(".")
            if top == "wavemore":
                other = module_of(rest)
                if why := against(module, other):
                    found.append(f"{where}, {why}")
                elif in_torch_world(other) and not in_torch_world(module) and when == "import":
                    found.append(f"{where} at module level")
            elif "torch" in name.split(".") and not in_torch_world(module):
                if module not in ASKS_FOR_TORCH:
                    found.append(f"{where}, which belongs to nn and train.in_torch")
                elif when == "import":
                    found.append(f"{where} at module level")
            elif top == "typer" and room != "cli":
                found.append(f"{where}, which belongs to cli")
            elif top in LAZY and when == "import":
                found.append(f"{where} at module level")
    return found


def drawn() -> str:
    """The house as CONTRIBUTING shows it, the top floor first."""
    rows = [f"{name:<11} {inside}" for rooms in reversed(HOUSE) for name, inside in rooms.items()]
    return "```text\n" + "\n".join(rows) + "\n```"


SHOWN = re.compile(r"(?<=<!-- the house -->\n)```text\n.*?\n```", re.DOTALL)


if __name__ == "__main__":
    CONTRIBUTING.write_text(SHOWN.sub(drawn(), CONTRIBUTING.read_text(encoding="utf-8")), encoding="utf-8")
