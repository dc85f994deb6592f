"""Short lists of kinds that no list in the package has: the default, which starts from the base model, beside learning
alone, an n-gram model, a Markov chain and the default of another wavemore.

    python benchmarks/short_lists.py [--draws 3] [--sizes 20 50 100 500] [--other PYTHON]

Of each kind so many strings are drawn, of which `fit` holds some out itself, and up to 500 others, which no model sees,
are scored; those that stand on a list in the package are left out of both. The loss is in nats per character, each
string's end counted as one. A character that a model does not know counts by `floored_log_likelihoods`, for all models
alike. The Markov chain is the best of orders 1 to 3 with 1, 0.1 or 0.01 added to each count, as the held-out strings
say. `--other` is a Python that has another wavemore installed. Needs Faker and mimesis (the extra "bench").
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import import_module, resources
from itertools import product
from math import log
from typing import Any

import numpy as np
import provenance

from wavemore.estimator import StringModel
from wavemore.judging.likelihood import log_floor
from wavemore.lists.corpus import read_corpus
from wavemore.lists.embedded import embedded_lists
from wavemore.lists.vocabulary import Vocabulary, normalise, unseen_share

Scores = Callable[[list[str]], Sequence[float] | np.ndarray]
"""The log-likelihoods of strings whose characters a model knows."""

HELD_OUT = 500
OTHER = """
import json, sys, wavemore
for line in sys.stdin:
    asked = json.loads(line)
    model = wavemore.fit(asked["train"], seed=asked["seed"])
    known = set(model.file_.vocabulary.characters)
    cut = ["".join(c for c in string if c in known) for string in asked["held_out"]]
    scores = [float(score) for score in model.score_samples(cut)]
    print(json.dumps([scores, model.file_.vocabulary.characters]), flush=True)
"""


def _faker(provider: str, field: str) -> Iterable[str]:
    return getattr(import_module(f"faker.providers.{provider}").Provider, field)


def _mimesis(locale: str, file: str, field: str) -> Iterable[str]:
    text = resources.files("mimesis").joinpath("datasets", locale, f"{file}.json").read_text(encoding="utf-8")
    found = json.loads(text)[field]
    return [name for part in found.values() for name in part] if isinstance(found, dict) else found


KINDS: dict[str, Callable[[], Iterable[str]]] = {
    "Slovak towns": lambda: _faker("address.sk_SK", "cities"),
    "Hungarian given names": lambda: _mimesis("hu", "person", "names"),
    "Turkish given names": lambda: _faker("person.tr_TR", "first_names"),
    "Icelandic given names": lambda: _faker("person.is_IS", "first_names"),
    "Kenyan surnames": lambda: _faker("person.en_KE", "last_names"),
    "Irish surnames": lambda: _faker("person.ga_IE", "last_names"),
    "Greek surnames": lambda: _faker("person.el_GR", "last_names"),
}
STRANGE = "Greek surnames"
"""In letters that the base model does not know, so that it is not started from; no part of the means."""


@cache
def in_the_package() -> set[str]:
    return {string.casefold() for name in embedded_lists() for string in read_corpus(name).strings}


@cache
def strings_of(kind: str) -> list[str]:
    """The strings of a kind that no list in the package has."""
    every = {normalise(string.strip()) for string in KINDS[kind]()}
    return sorted(s for s in every if 2 <= len(s) <= 40 and "(" not in s and s.casefold() not in in_the_package())


def drawn(kind: str, size: int, seed: int) -> tuple[list[str], list[str]]:
    """Strings to learn, and others."""
    strings = list(strings_of(kind))
    random.Random(f"{kind}, {seed}").shuffle(strings)
    return strings[:size], strings[size:][-HELD_OUT:]


def nats(scores: Scores, characters: str, train: list[str], held_out: list[str]) -> float:
    """The held-out loss of a model that knows these characters, as `floored_log_likelihoods` has it."""
    vocabulary, share = Vocabulary(characters), unseen_share(train)
    cut = [vocabulary.known_part(string) for string in held_out]
    known, every = (sum(map(len, strings)) + len(strings) for strings in (cut, held_out))
    total = float(np.sum(scores(cut))) + known * np.log1p(-share) + (every - known) * log_floor(vocabulary, share)
    return -total / every


def of_model(model: StringModel, train: list[str], held_out: list[str]) -> float:
    return nats(model.fit(train).score_samples, model.file_.vocabulary.characters, train, held_out)


def of_chain(train: list[str], held_out: list[str]) -> float:
    """The best of a few Markov chains."""
    characters = Vocabulary.of(train).characters
    return min(
        nats(chain(train, characters, order, added), characters, train, held_out)
        for order, added in product((1, 2, 3), (1.0, 0.1, 0.01))
    )


def chain(train: list[str], characters: str, order: int, added: float) -> Scores:
    """A Markov chain: counts, to each of which something is added."""

    def steps(string: str) -> list[tuple[str, str]]:
        text = "\0" * order + string + "\0"
        return [(text[i - order : i], text[i]) for i in range(order, len(text))]

    pairs = Counter(step for string in train for step in steps(string))
    contexts = Counter(context for string in train for context, _ in steps(string))
    every = added * (len(characters) + 1)
    return lambda strings: [
        sum(log((pairs[step] + added) / (contexts[step[0]] + every)) for step in steps(string)) for string in strings
    ]


class Other:
    """The default of another wavemore, in a process of its own."""

    def __init__(self, python: str) -> None:
        command = [python, "-I", "-c", OTHER]  # whatever PYTHONPATH says
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")

    def __call__(self, train: list[str], held_out: list[str], seed: int) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"train": train, "held_out": held_out, "seed": seed}) + "\n")
        self._process.stdin.flush()
        scores, characters = json.loads(self._process.stdout.readline())
        return nats(lambda _: scores, characters, train, held_out)


def losses(kind: str, size: int, seed: int, other: Other | None) -> dict[str, float]:
    """The held-out loss of each model, and the processor seconds of learning with the default."""
    train, held_out = drawn(kind, size, seed)
    before = time.process_time()
    found = {"default": of_model(StringModel(seed=seed, settings={"train.threads": 1}), train, held_out)}
    seconds = time.process_time() - before
    found["alone"] = of_model(StringModel(seed=seed, start="none"), train, held_out)
    found["n-gram"] = of_model(StringModel("ngram"), train, held_out)
    found["Markov chain"] = of_chain(train, held_out)
    if other is not None:
        found["other"] = other(train, held_out, seed)
    return {**found, "seconds": seconds}


def row(what: str, size: int, found: list[dict[str, float]]) -> str:
    """A row of the table: of each model the mean and the range over draws."""
    cells = [what, str(size)]
    for name in found[0]:
        values = [one[name] for one in found]
        spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):.{1 if name == 'seconds' else 3}f}{spread}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Short lists: the default beside learning alone and baselines.")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100, 500])
    parser.add_argument("--other", metavar="PYTHON", help="a Python with another wavemore, whose default is shown too")
    options = parser.parse_args()
    other = None if options.other is None else Other(options.other)
    lines = ["# Short lists", "", str(__doc__).split("\n\n", 2)[2].strip(), ""]
    told = "One draw" if options.draws == 1 else f"Means and ranges of {options.draws} draws"
    lines += [f"{told}; `seconds` are processor seconds of the default.", ""]
    lines += ["`other` is the default of the wavemore that stands under --other.", ""] if options.other else []
    rows: list[str] = []
    for size in options.sizes:
        found: dict[str, list[dict[str, Any]]] = {}
        for kind in KINDS:
            found[kind] = [losses(kind, size, seed, other) for seed in range(options.draws)]
            rows.append(row(kind, size, found[kind]))
            print(rows[-1], file=sys.stderr, flush=True)
        names = found[STRANGE][0]
        known = [found[kind] for kind in KINDS if kind != STRANGE]
        means = [{n: statistics.mean(draws[i][n] for draws in known) for n in names} for i in range(options.draws)]
        rows.append(row("**mean of six**", size, means))
        if size == options.sizes[0]:
            lines += [f"| kind | strings | {' | '.join(names)} |", f"| --- | ---: |{' ---: |' * len(names)}"]
        provenance.write("short-lists", "\n".join([*lines, *rows, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
