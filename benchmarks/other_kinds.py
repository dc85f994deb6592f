"""The contenders of `kinds.py`: each learns a training part, with a validation part for its choices, and says how many
nats a character of the held-out part costs it.

A string's end is a character too. All know which characters occur in the whole list: models and n-grams as characters
they never saw, compressors by a code of one byte for each, where there are at most 255. Seconds are the processor's, of
all threads, so that other work on the machine changes them little.
"""

import math
import resource
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import kneser_ney
from compressors import Compress, byte_code, in_a_row, one_by_one, predictions

from wavemore import StringModel
from wavemore.settings.config import load_recipe
from wavemore.settings.sizing import sized
from wavemore.train.forms import made_ready

PPM, CONTEXT_MIXING = "PPM", "context mixing"
IN_A_ROW, ONE_BY_ONE = "in a row", "strings one by one"
VALID = "valid share of 1,000 samples"


ORDERS = range(2, 9)
PPM_ORDERS = range(2, 9)
MIXTURES = {
    "level 5": {"level": 5, "hints": False},
    "orders 1 to 6": {"method": "x4,0ci1,1,1,1,2am"},
    "orders 1 to 6, sparse, words, two mixers": {
        "method": "x4,0w2c0,1010,255i1c256ci1,1,1,1,1,1,2ac0,2,0,255i1c0,3,0,0,255i1c0,4,0,0,0,255i1mm16ts19t0"
    },
}
"""What zpaq's compression is asked for: its own strongest level, and models in libzpaq's notation."""

SHORT = 5_500
"""Lists of so many strings or fewer are short: a network's batches are those that the default has, and since it may
learn them by heart, it is evaluated more often, and tried with fewer steps too."""
WIDTHS = {"lstm": (256, 192, 128), "gru": (256, 192, 128), "transformer": (96, 64, 128)}
FIRST = 200
"""How many held-out strings context mixing reads one by one, which takes long."""
THE_FIRST = f"nats of the first {FIRST} strings"


@dataclass(frozen=True)
class Problem:
    """What a contender is given."""

    train: Sequence[str]
    validation: Sequence[str]
    held_out: Sequence[str]
    characters: str
    """Those of the whole list, each once."""
    seed: int
    one_by_one: bool = False
    """Whether compressors read each held-out string alone after the training part, not all of them in a row."""
    seconds: float = 0.0
    """How long a network may train."""
    tries: int = 6
    choice: Mapping[str, Any] | None = None
    """What the same contender chose with another seed; None where it is to choose."""


@dataclass(frozen=True)
class Found:
    """What a contender reached."""

    nats: float
    """Per character of the held-out part."""
    seconds: float
    """Of learning with the chosen settings; of a compressor or n-gram also of scoring the held-out part."""
    chosen: str = ""
    choice: Mapping[str, Any] = field(default_factory=dict)
    tried: Mapping[str, float] = field(default_factory=dict)
    """Nats per character of the validation part by what was tried."""
    searched: float = 0.0
    """The seconds of what was tried."""
    also: Mapping[str, float] = field(default_factory=dict)
    """Further figures by their names."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


# Compressors


def compressed(problem: Problem, name: str, ways: Mapping[str, Compress]) -> Found:
    """The way that adds the least on the validation part, and what it adds on the held-out part."""
    encode, start = byte_code(problem.characters), processor()
    tried = {way: in_a_row(compress, encode, problem.train, problem.validation) for way, compress in ways.items()}
    best = min(tried, key=lambda way: tried[way])
    searched, start = processor() - start, processor()
    nats = in_a_row(ways[best], encode, problem.train, problem.held_out)
    seconds, also = processor() - start, {}
    if problem.one_by_one:
        some = problem.held_out[:FIRST] if name == CONTEXT_MIXING else problem.held_out
        also = {IN_A_ROW: nats, ONE_BY_ONE: len(some)}
        nats = one_by_one(ways[best], encode, problem.train, some, problem.seed)
    return Found(nats, seconds, best, {}, tried, searched, also)


def ppm(problem: Problem) -> Found:
    import pyppmd  # pyright: ignore[reportMissingImports]  # of the extra "bench"

    def way(variant: str, order: int) -> Compress:
        return lambda text: pyppmd.compress(text, max_order=order, mem_size=1 << 26, variant=variant)

    ways = {f"variant {variant}, order {order}": way(variant, order) for variant in "HI" for order in PPM_ORDERS}
    return compressed(problem, PPM, ways)


def context_mixing(problem: Problem) -> Found:
    import zpaq  # pyright: ignore[reportMissingImports]  # of the extra "bench"

    def way(asked: Mapping[str, Any]) -> Compress:  # with more than one thread it cuts the text into blocks
        return lambda text: zpaq.compress(text, threads=1, **asked)

    return compressed(problem, CONTEXT_MIXING, {name: way(asked) for name, asked in MIXTURES.items()})


# N-grams


def ngram(problem: Problem) -> Found:
    """Modified Kneser-Ney, of the order that is best on the validation part."""
    words = kneser_ney.tokens(problem.characters)

    def nats(order: int, strings: Sequence[str]) -> float:
        model = kneser_ney.estimated(problem.train, order, words)
        return -sum(map(model.log_likelihood, strings)) / predictions(strings)

    start = processor()
    tried = {f"order {order}": nats(order, problem.validation) for order in ORDERS}
    order = min(ORDERS, key=lambda each: tried[f"order {each}"])
    searched, start = processor() - start, processor()
    found = nats(order, problem.held_out)
    return Found(found, processor() - start, f"order {order}", {}, tried, searched)


# Networks


def fitted(problem: Problem, recipe: str, settings: Mapping[str, Any]) -> tuple[StringModel, float]:
    """A model of the training part, and the seconds of its fitting."""
    model = StringModel(recipe, settings=settings, seed=problem.seed)
    made_ready(model.resolved_recipe(problem.train))
    start = processor()
    model.fit(problem.train, validation=problem.validation, characters=problem.characters)
    return model, processor() - start


def processor() -> float:
    """Seconds of the processor that this process and those that it has waited for have taken."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def nats_of(model: StringModel, strings: Sequence[str]) -> float:
    """Nats per character. Raises `ValueError` where there is a character that the model does not know."""
    found = model.evaluate(strings)
    if found.unknown:
        raise ValueError(f"{found.unknown} of {len(strings)} strings have a character that the model does not know")
    return found.nats_per_character


def wavemore(problem: Problem, recipe: str) -> tuple[Found, StringModel]:
    model, seconds = fitted(problem, recipe, {})
    also = {THE_FIRST: nats_of(model, problem.held_out[:FIRST])} if problem.one_by_one else {}
    return Found(nats_of(model, problem.held_out), seconds, recipe, also=also), model


def steps_for(seconds: float, few: tuple[int, float], more: tuple[int, float]) -> int:
    """How many steps take these seconds, 1 or more, by two runs, each its steps and seconds. What they have in common,
    evaluations among it, is taken as the same in any run."""
    each = max((more[1] - few[1]) / (more[0] - few[0]), 1e-6)
    return max(1, round((seconds - (few[1] - few[0] * each)) / each))


def trained(problem: Problem, recipe: str, settings: Mapping[str, Any], share: float) -> tuple[StringModel, float]:
    """A baseline that trains for this share of the problem's seconds, its rates falling to 0 in that time. Of its
    states at some evaluations the best on the validation part is kept. How long a step takes is seen in two short runs
    with as many evaluations."""
    evaluations = 10 if len(problem.train) <= SHORT else 3

    def run(steps: int) -> tuple[StringModel, float]:
        every = max(1, math.ceil(steps / evaluations))
        course = {"train.steps": steps, "train.evaluate_every": every, "train.keep": "best"}
        return fitted(problem, recipe, {**settings, **course})

    run(1)  # what is prepared once in a process
    few, more = ((steps, run(steps)[1]) for steps in (evaluations, 4 * evaluations))
    return run(steps_for(share * problem.seconds, few, more))


def first_settings(problem: Problem, recipe: str) -> dict[str, Any]:
    batch = load_recipe(recipe).train.batch
    if len(problem.train) <= SHORT:
        batch = min(batch, sized(problem.train).train.batch)
    return {"model.hidden": WIDTHS[recipe][0], "train.batch": batch, "share": 1.0}


def variants(problem: Problem, recipe: str, batch: int) -> list[tuple[str, Any]]:
    """What is tried in turn, each beside the best so far: widths, smaller batches, little dropout, and of a short list
    a part of the seconds."""
    return [
        *(("model.hidden", width) for width in WIDTHS[recipe][1:]),
        ("train.batch", max(4, batch // 4)),
        ("model.dropout", 0.1),
        ("share", 0.3) if len(problem.train) <= SHORT else ("train.batch", max(4, batch // 8)),
    ]


def network(problem: Problem, recipe: str) -> tuple[Found, StringModel]:
    """A baseline at its best within the seconds: settings are chosen on the validation part, `tries` of them, one after
    another, unless they were chosen already."""
    searching, tried = processor(), dict[str, float]()
    settings = dict(problem.choice or first_settings(problem, recipe))

    def attempt(asked: Mapping[str, Any]) -> tuple[float, Mapping[str, Any], StringModel, float]:
        model, seconds = trained(problem, recipe, {key: asked[key] for key in asked if key != "share"}, asked["share"])
        tried[described(asked)] = nats = nats_of(model, problem.validation)
        return nats, asked, model, seconds

    best = attempt(settings)
    for name, value in (
        [] if problem.choice else variants(problem, recipe, settings["train.batch"])[: problem.tries - 1]
    ):
        if best[1].get(name) != value:
            best = min(best, attempt({**best[1], name: value}), key=lambda each: each[0])
    _, settings, model, seconds = best
    searched = 0.0 if problem.choice else processor() - searching - seconds
    found = Found(nats_of(model, problem.held_out), seconds, described(settings), settings, tried, searched)
    return found, model


def described(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.rpartition('.')[2]} {value:g}" for name, value in settings.items())


def valid_share(model: StringModel, seed: int, count: int = 1_000) -> float:
    """The share of samples that RDKit parses as molecules."""
    from rdkit import Chem, RDLogger  # pyright: ignore[reportMissingImports]  # of the extra "bench"

    RDLogger.DisableLog("rdApp.*")
    samples = model.sample(count, seed=seed)
    return statistics.mean(bool(sample) and Chem.MolFromSmiles(sample) is not None for sample in samples)


NETWORKS = tuple(WIDTHS)
RECIPES = ("auto", "fast", "best")
OTHERS: dict[str, Callable[[Problem], Found]] = {"n-gram": ngram, PPM: ppm, CONTEXT_MIXING: context_mixing}
CONTENDERS = (*RECIPES, *OTHERS, *NETWORKS)
"""All of them by name: "auto" is wavemore's default."""


def contend(name: str, problem: Problem, *, molecules: bool = False) -> Found:
    """What a contender reaches; of molecules also the share of samples that are valid."""
    if name in OTHERS:
        return OTHERS[name](problem)
    found, model = (wavemore if name in RECIPES else network)(problem, name)
    if not molecules:
        return found
    return replace(found, also={**found.also, VALID: valid_share(model, problem.seed)})
