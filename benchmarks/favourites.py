"""How far samples lean towards five favourites of a planted style: an ending, letters, a length.

    python benchmarks/favourites.py [--model FILE] [--list LIST] [-n 500] [--seeds 8]

For each style five strings of the list that have it are drawn as favourites, with each seed anew. Shares of samples
with the style are means over seeds, with the lowest and the highest. Nats per character are the loss of the samples
under the model that does not lean: how strange they are to it. Seconds are processor time, for the favourites to be
counted.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import provenance

import wavemore

STYLES: dict[str, Callable[[str], bool]] = {
    "ends in lyn": lambda s: s.endswith("lyn"),
    "ends in ette": lambda s: s.endswith("ette"),
    "has a z": lambda s: "z" in s,
    "has a q": lambda s: "q" in s,
    "has oo": lambda s: "oo" in s,
    "three characters": lambda s: len(s) == 3,
    "ten characters or more": lambda s: len(s) >= 10,
}
USUAL = 50_000  # samples that tell a style's share without favourites


def main() -> None:
    parser = argparse.ArgumentParser(description="How far samples lean towards five favourites of a planted style.")
    parser.add_argument("--model", help="a model file; without it, the one in the package")
    parser.add_argument("--list", default="names", help="its list")
    parser.add_argument("-n", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=8)
    options = parser.parse_args()
    model, strings = wavemore.load(options.model), sorted(set(wavemore.read_corpus(options.list).strings))
    usual = model.sample(USUAL, seed=0)
    lines = [
        "# Favourites of a planted style",
        "",
        f"Five favourites, {options.n:,} samples, {options.seeds} seeds; the model of {options.list}.",
        "",
        "| style | strength | share without | share | times | distinct | favourites themselves | nats | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for style, holds in STYLES.items():
        listed, without = [s for s in strings if holds(s)], np.mean([holds(s) for s in usual])
        for strength in (0.5, 1.0, 2.0):
            shares, distinct, copies, nats, seconds = [], [], [], [], []
            for seed in range(options.seeds):
                liked = np.random.default_rng(seed).choice(listed, 5, replace=False).tolist()
                start = time.process_time()
                leaning = model.leaning(liked, strength)
                seconds.append(time.process_time() - start)
                drawn = leaning.sample(options.n, seed=seed)
                shares.append(float(np.mean([holds(s) for s in drawn])))
                distinct.append(len(set(drawn)) / len(drawn))
                copies.append(float(np.mean([s in liked for s in drawn])))
                nats.append(-model.score_samples(drawn).sum() / sum(len(s) + 1 for s in drawn))
            mean = statistics.mean(shares)
            lines.append(
                f"| {style} | {strength:g} | {without:.2%} | {mean:.1%} ({min(shares):.1%} to {max(shares):.1%}) "
                f"| {mean / without:.1f} | {statistics.mean(distinct):.1%} | {statistics.mean(copies):.1%} "
                f"| {statistics.mean(nats):.3f} | {max(seconds):.3f} |"
            )
    some = usual[:5000]
    own = -model.score_samples(some).sum() / sum(len(s) + 1 for s in some)
    lines += ["", f"Samples without favourites have {own:.3f} nats per character.", "", provenance.table(), ""]
    provenance.write("favourites", "\n".join(lines))


if __name__ == "__main__":
    main()
