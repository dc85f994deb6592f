"""Do samples look right? The command's default beside the distribution itself, two shapings, namemaker and markovify.

    python benchmarks/plausible.py [--lists names names.txt towns surnames dinosaurs] [--keep FOLDER] [--seeds 0 1 2]

Each list is split by distinct string (names, towns and dinosaurs are those in the package, names.txt is
makemore's, surnames are Faker's Irish ones): a tenth (of dinosaurs a fifth) that neither the model nor the judge has
seen, a tenth to validate the model on, the rest to train it on. The model is that of `wavemore train` without options;
the seeds are those of its training and of its samples, 1,000 of each contender. namemaker and markovify learn what the
model learned and validated on, by chains of order 3, as namemaker does by default.

The judge is another model: the mixture of the default with twelve networks in place of two or four, the recipe best,
and an LSTM. Each of them learned half of the strings that the model validates on, too. It says of each string how
likely it is per character, the end counted as one: by the string long ones would be unlikely for their length alone. Of
the strings that nobody has seen nine in ten lie between two values: how many samples do? Too likely ones count against.

Needs `pip install '.[bench]'`. The judges take some twenty minutes; what is in FOLDER already is not made again.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import provenance
from kinds_lists import distinct

import wavemore
from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus

N = 1_000
ORDER = 3
COMMANDS = {
    "wavemore, the default": "",
    "the same, --new --unique": "--new --unique",
    "--faithful: temperature 1, nothing cut": "--faithful",
    "--temperature 0.8": "--temperature 0.8",
    "--top-p 0.9": "--top-p 0.9",
}


class Parts(NamedTuple):
    """A list's strings."""

    train: list[str]
    validation: list[str]
    unseen: list[str]

    @property
    def characters(self) -> str:
        return "".join(sorted(set().union(*(string for part in self for string in part))))


def _surnames() -> list[str]:
    return list(_other("faker.providers.person.en_IE").Provider.last_names)


def _other(name: str) -> Any:
    """A module of a package that the benchmarks alone need, or an end with a clear sentence."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        sys.exit(f"this benchmark needs the package {name.partition('.')[0]}: pip install '.[bench]'")


LISTS: dict[str, Callable[[], list[str]]] = {
    "names": lambda: list(read_corpus("names").strings),
    "names.txt": lambda: provenance.names_txt().read_text().split(),
    "towns": lambda: list(read_corpus("towns").strings),
    "surnames": _surnames,
    "dinosaurs": lambda: list(read_corpus("dinosaurs").strings),
}


def parts(name: str) -> Parts:
    strings = distinct(LISTS[name]())
    random.Random(0).shuffle(strings)
    unseen, held = len(strings) // (5 if name == "dinosaurs" else 10), len(strings) // 10
    return Parts(strings[unseen + held :], strings[unseen : unseen + held], strings[:unseen])


class Judge:
    """The mixture of three models, in equal parts."""

    def __init__(self, name: str, found: Parts, folder: Path) -> None:
        half = len(found.validation) // 2
        first, second = found.validation[:half], found.validation[half:]
        kinds: dict[str, tuple[str, dict[str, Any], int, list[str], list[str]]] = {
            "a12": ("auto", {"model.members": 12}, 200, first, second),
            "best": ("best", {}, 100, first, second),
            "lstm": ("lstm", {}, 100, second, first),
        }
        self.models: dict[str, StringModel] = {}
        self.found = found
        for what, (recipe, settings, seed, more, others) in kinds.items():
            path = folder / f"{name}.0.{what}.safetensors"
            if not path.exists():
                model = StringModel(recipe, settings=settings, seed=seed)
                model.fit([*found.train, *more], validation=others, characters=found.characters).save(path)
            self.models[what] = wavemore.load(path)

    @cached_property
    def unseen(self) -> np.ndarray:
        """The log-likelihoods of the strings that nobody has seen."""
        return self.log_likelihoods(self.found.unseen)

    def log_likelihoods(self, strings: list[str]) -> np.ndarray:
        """(strings,), nats."""
        each = [model.score_samples(strings) for model in self.models.values()]
        return np.logaddexp.reduce(each, axis=0) - np.log(len(each))


def per_character(scores: np.ndarray, strings: list[str]) -> np.ndarray:
    return scores / [len(string) + 1 for string in strings]


def from_command(model: Path, options: str, seed: int) -> list[str]:
    """Samples of the command line."""
    words = [sys.executable, "-m", "wavemore", "sample", str(model), "-n", str(N), "--seed", str(seed), "-q"]
    return subprocess.run([*words, *options.split()], check=True, capture_output=True, text=True).stdout.splitlines()


def from_namemaker(strings: list[str], seed: int) -> list[str]:
    """By its own rules, which leave out listed strings and repeats."""
    namemaker = _other("namemaker")
    namemaker.set_rng(random.Random(seed))
    names = namemaker.make_name_set(strings, order=ORDER, clean_up=False)
    return [name for name in (names.make_name() for _ in range(N)) if name]


def from_markovify(strings: list[str], seed: int) -> list[str]:
    random.seed(seed)
    chain = _other("markovify").Chain([list(string) for string in strings], ORDER)
    return ["".join(chain.walk()) for _ in range(N)]


def figures(strings: list[str], found: Parts, judge: Judge) -> dict[str, float]:
    """Shares in percent."""
    scores = judge.log_likelihoods(strings)
    each, real = per_character(scores, strings), per_character(judge.unseen, found.unseen)
    (low, high), (lowest, highest) = np.quantile(real, [0.05, 0.95]), np.quantile(judge.unseen, [0.05, 0.95])
    listed = {*found.train, *found.validation}
    shares = {
        "within": np.mean((low <= each) & (each <= high)),
        "too surprising": np.mean(each < low),
        "too likely": np.mean(each > high),
        "within, by the string": np.mean((lowest <= scores) & (scores <= highest)),
        "distinct": len(set(strings)) / len(strings),
        "new": np.mean([string not in listed for string in strings]),
    }
    return {name: 100 * float(share) for name, share in shares.items()}


def measured(name: str, folder: Path, seeds: list[int]) -> dict[str, Any]:
    """The figures of a list: those of each contender, a record a seed, and the losses."""
    found = parts(name)
    judge = Judge(name, found, folder)
    rows: dict[str, list[dict[str, float]]] = {}
    losses: list[float] = []
    predictions = sum(map(len, found.unseen)) + len(found.unseen)
    for seed in seeds:
        model = StringModel(seed=seed).fit(found.train, validation=found.validation, characters=found.characters)
        losses.append(-float(model.score_samples(found.unseen).sum()) / predictions)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "model.safetensors"
            model.save(path)
            drawn = {what: from_command(path, options, seed) for what, options in COMMANDS.items()}
        given = [*found.train, *found.validation]
        drawn |= {"namemaker": from_namemaker(given, seed), "markovify": from_markovify(given, seed)}
        for what, strings in drawn.items():
            rows.setdefault(what, []).append(figures(strings, found, judge))
            print(name, seed, what, rows[what][-1], strings[:5], file=sys.stderr, flush=True)
    return {"rows": rows, "losses": losses, "judged": -float(judge.unseen.sum()) / predictions}


def section(name: str, folder: Path, seeds: list[int]) -> list[str]:
    """The lines of a list's section."""
    kept = folder / f"{name}.{'-'.join(map(str, seeds))}.json"
    if not kept.exists():
        kept.write_text(json.dumps(measured(name, folder, seeds)))
    known, found = json.loads(kept.read_text()), parts(name)
    rows, losses, judged = known["rows"], known["losses"], known["judged"]
    columns = list(rows["markovify"][0])
    return [
        f"## {name}",
        "",
        f"{len(found.train):,} strings to train on, {len(found.validation):,} to validate on, {len(found.unseen):,} "
        f"that neither has seen; their loss, nats per character: {shown(losses, 4)} for the model, {judged:.4f} for "
        "the judge.",
        "",
        f"| samples, % | {' | '.join(columns)} |",
        "| --- |" + " ---: |" * len(columns),
        *(
            f"| {what} | {' | '.join(shown([one[c] for one in each], 1) for c in columns)} |"
            for what, each in rows.items()
        ),
        "",
    ]


def shown(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description="Do samples look right?")
    parser.add_argument("--lists", nargs="+", choices=LISTS, default=list(LISTS), metavar="LIST")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", metavar="FOLDER", help="a folder for judges and figures")
    options = parser.parse_args()
    lines = [
        "# Do samples look right?",
        "",
        f"The share of {N:,} samples that a stronger judge finds as likely per character as nine in ten real strings "
        "that neither it nor the model has seen, and those outside; the same by the whole string; how many differ, and "
        f"how many are not among the strings that were given. Median and range of {len(options.seeds)} models with a "
        "seed each; the split and the judge are the same. By definition 90 % of the real strings lie within, and 5 % "
        "on each side. namemaker leaves out listed strings and repeats by itself.",
        "",
    ]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(options.keep or place)
        folder.mkdir(parents=True, exist_ok=True)
        for name in options.lists:
            lines += section(name, folder, options.seeds)
    provenance.write("plausible", "\n".join([*lines, provenance.table(), ""]))


if __name__ == "__main__":
    main()
