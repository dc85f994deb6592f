"""Short lists: settings chosen for the list, beside the n-gram and the lecture's model, on strings none has seen.

    python benchmarks/short_lists.py [--seeds 0 1 2]

Of each embedded list a number of distinct strings, a tenth as many for validation, and up to 1,000 others, held out.
The lecture's model is trained with the lecture's optimiser, rate and batch, and kept at its best on the validation
part, since 200,000 steps learn a short list by heart. Takes a few minutes.
"""

import argparse
import random
import statistics
import sys

import provenance

from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus
from wavemore.settings.config import NgramConfig, Recipe

SIZES = (50, 500, 5000)
LISTS = ("names", "towns", "dinosaurs")
AT_ITS_BEST = {"train.steps": 6000, "train.evaluate_every": 50, "train.keep": "best", "train.patience": 20}


def parts(name: str, size: int, seed: int) -> tuple[list[str], list[str], list[str]]:
    """Strings to train on, to validate on, and held-out ones."""
    strings = sorted(set(read_corpus(name).strings))
    random.Random(seed).shuffle(strings)
    tenth = max(5, size // 10)
    return strings[:size], strings[size : size + tenth], strings[size + tenth :][-1000:]


def losses(name: str, size: int, seed: int) -> dict[str, float]:
    """The held-out loss of each model, nats per character."""
    training, validation, held_out = parts(name, size, seed)
    models = {
        "chosen for the list": StringModel(seed=seed),
        "n-gram": StringModel(Recipe(model=NgramConfig(kind="ngram"))),
        "lecture's model at its best": StringModel(
            "lecture", settings={**AT_ITS_BEST, "data.split": "random"}, seed=seed
        ),
    }
    return {
        what: model.fit(training, validation=validation).evaluate(held_out).nats_per_character
        for what, model in models.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Short lists: what the chosen settings reach, beside two baselines.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    seeds = parser.parse_args().seeds
    lines = [
        "# Short lists",
        "",
        f"Held-out loss, nats per character: median and range of {len(seeds)} draws of strings, each with its seed.",
        "",
    ]
    rows = []
    for name in LISTS:
        for size in SIZES:
            if len(set(read_corpus(name).strings)) < size * 1.1 + 300:
                continue
            found = [losses(name, size, seed) for seed in seeds]
            cells = []
            for what in found[0]:
                values = [one[what] for one in found]
                cells.append(f"{statistics.median(values):.4f} ({min(values):.4f} to {max(values):.4f})")
            rows.append(f"| {size:,} {name} | {' | '.join(cells)} |")
            print(rows[-1], file=sys.stderr, flush=True)
            if len(rows) == 1:
                lines += [f"| list | {' | '.join(found[0])} |", "| --- | ---: | ---: | ---: |"]
    provenance.write("short-lists", "\n".join([*lines, *rows, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
