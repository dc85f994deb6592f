"""Password strength: how many guesses passwords take that the model has not seen, and whether the numbers are right.

    python benchmarks/passwords.py [--seed 0]

The list is the 30,000 commonest passwords in the package zxcvbn. A model learns 80 % of them, drawn at random, and
gives guess numbers to the others and to random strings. Guess numbers are estimated from samples; for the likeliest
strings the model's own list, in exact order, says what they must be. Needs `pip install '.[bench]'`; takes minutes.
"""

import argparse
import random
import string
import sys

import numpy as np
import provenance
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # pyright: ignore[reportMissingImports, reportMissingModuleSource]  # of the extra "bench"

from wavemore.estimator import StringModel

WITHIN = (1e3, 1e6, 1e9, 1e12)
LISTED, CHECKED = 20_000, 500


def row(what: str, numbers: np.ndarray) -> str:
    shares = " | ".join(f"{100 * np.mean(numbers <= most):.1f} %" for most in WITHIN)
    return f"| {what} | {shares} | {np.median(numbers):.2g} |"


def checked(model: StringModel, draw: random.Random) -> str:
    """Whether estimates are right where the truth is known."""
    likeliest = [text for text, _ in model.most_likely(LISTED)]
    places = sorted(draw.sample(range(LISTED), CHECKED))
    found = model.guess_numbers([likeliest[place] for place in places])
    true = np.array(places) + 1
    covered = np.mean((found.low <= true) & (true <= found.high))
    ratios = found.number / true
    return (
        f"{CHECKED} of the {LISTED:,} likeliest strings: the 95 % interval holds the true place of "
        f"{100 * covered:.1f} %; the estimate is {np.median(ratios):.3f} times the true place "
        f"(5 to 95 % of the strings: {np.quantile(ratios, 0.05):.3f} to {np.quantile(ratios, 0.95):.3f})."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="How many guesses passwords take that a model has not seen.")
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    draw = random.Random(seed)
    passwords = list(FREQUENCY_LISTS["passwords"])
    draw.shuffle(passwords)
    cut = len(passwords) * 4 // 5
    known, held_out = passwords[:cut], passwords[cut:]
    chance = ["".join(draw.choices(string.ascii_lowercase + string.digits, k=8)) for _ in range(1000)]
    heads = " | ".join(f"within {most:.0e}" for most in WITHIN)
    lines = [
        "# Password strength",
        "",
        f"| guesses | {heads} | median |",
        "| --- |" + " ---: |" * (len(WITHIN) + 1),
    ]
    checks = []
    for name in ("ngram", "auto"):
        model = StringModel(name, seed=seed).fit(known)
        called = "counted (`ngram`)" if name == "ngram" else "default"
        lines.append(row(f"{len(held_out):,} common passwords, {called}", model.guess_numbers(held_out).number))
        lines.append(row(f"1,000 random strings of 8 letters and digits, {called}", model.guess_numbers(chance).number))
        checks.append(f"- {called}: {checked(model, draw)}")
        print(lines[-2], checks[-1], sep="\n", file=sys.stderr, flush=True)
    provenance.write("passwords", "\n".join([*lines, "", *checks, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
