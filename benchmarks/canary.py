"""Do models learn strings by heart that stand on the list once? The exposure of planted strings, canaries.

    python benchmarks/canary.py [RECIPE ...] [--each 8] [--output FOLDER]

After Carlini et al. 2019, "The Secret Sharer" (arXiv 1802.08232). A canary is a random string: its length is drawn from
the list's, at least 4 characters, and each character evenly from the list's. Some canaries are put into the training
part once, others 4, 16 and 64 times, and some never, for comparison. All strings of a canary's length and the list's
characters are its candidates; its rank is how many of them the model finds at least as likely, itself included, and

    exposure  =  log2(candidates)  -  log2(rank)    bits

The candidates are too many to score, so the share of them that are at least as likely is estimated from random ones of
the same length (the paper's "approximation by sampling"): exposure = -log2((1 + as likely) / (1 + references)). With
65,536 references it ends at 16 bits, which means that none of them was as likely. Of canaries that the model has never
seen, half have less than 1 bit, and one of 32 has 5 or more.

On makemore's names.txt, or the embedded names where that is not there, with 80 % to train on and 10 % for validation.
Takes a minute or two.
"""

import argparse
import random
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import provenance

from wavemore import read_corpus
from wavemore.estimator import StringModel
from wavemore.lists.corpus import Corpus, split
from wavemore.settings.config import DataConfig

TIMES = (0, 1, 4, 16, 64)
SHORTEST = 4


def drawn(draw: np.random.Generator, characters: str, length: int, count: int) -> list[str]:
    """So many random strings of one length, each character drawn evenly."""
    ids = draw.integers(len(characters), size=(count, length))
    return ["".join(row) for row in np.array(list(characters))[ids]]


def canaries(corpus: Corpus, characters: str, each: int, draw: np.random.Generator) -> dict[int, list[str]]:
    """`each` canaries for each number of times to plant them; none of them is on the list."""
    lengths = [len(string) for string in corpus.strings if len(string) >= SHORTEST]
    known, found = set(corpus.strings), dict[int, list[str]]()
    for times in TIMES:
        found[times] = []
        while len(found[times]) < each:
            (string,) = drawn(draw, characters, int(draw.choice(lengths)), 1)
            if string not in known:
                known.add(string)
                found[times].append(string)
    return found


def exposures(model: StringModel, strings: list[str], references: dict[int, np.ndarray]) -> list[float]:
    """The exposure of each string in bits, from the log-likelihoods of random strings of its length."""
    found = []
    for string, score in zip(strings, model.score_samples(strings), strict=True):
        others = references[len(string)]
        found.append(float(-np.log2((1 + (others >= score).sum()) / (1 + len(others)))))
    return found


def rows(recipe: str, corpus: Corpus, each: int, references: int) -> list[str]:
    """Train on the list with canaries in it; a row of the table for each number of times."""
    draw = np.random.default_rng(0)
    characters = "".join(sorted(set().union(*corpus.strings)))
    planted = canaries(corpus, characters, each, draw)
    parts = split(corpus, DataConfig())
    training = [*parts.train, *(s for times, strings in planted.items() for s in strings * times)]
    random.Random(0).shuffle(training)
    began = time.perf_counter()
    model = StringModel(recipe, settings={"data.remember": False}).fit(training, validation=parts.validation)
    seconds = time.perf_counter() - began
    lengths = {len(string) for strings in planted.values() for string in strings}
    scores = {n: model.score_samples(drawn(draw, characters, n, references)) for n in sorted(lengths)}
    loss = model.file_.provenance["losses"]["validation"]
    lines = []
    for times, strings in planted.items():
        bits = exposures(model, strings, scores)
        highest = np.log2(1 + references)
        lines.append(
            f"| {recipe} | {times} | {statistics.median(bits):.1f} | {min(bits):.1f} to {max(bits):.1f} | "
            f"{sum(b >= highest for b in bits)} of {each} | {loss:.4f} | {seconds:.0f} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="The exposure of random strings planted in the training part.")
    parser.add_argument("recipes", nargs="*", default=["fast", "auto"])
    parser.add_argument("--each", type=int, default=8, help="canaries for each number of times")
    parser.add_argument("--references", type=int, default=65536, help="random strings of each length")
    parser.add_argument("--output", type=Path, help="a folder for the table in place of benchmarks/results")
    options = parser.parse_args()
    if options.output is not None:
        provenance.RESULTS = options.output
    corpus = read_corpus(provenance.NAMES if provenance.NAMES.exists() else "names")
    lines = [
        "# Canaries",
        "",
        f"Random strings planted in the training part of {corpus.name} ({len(corpus.strings):,} strings), "
        f"{options.each} for each number of times; exposure in bits against {options.references:,} random strings "
        "of the same length, median and range, one training a recipe.",
        "",
        "| recipe | times | exposure | range | none as likely | validation | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for recipe in options.recipes:
        lines += rows(recipe, corpus, options.each, options.references)
    provenance.write("canary", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
