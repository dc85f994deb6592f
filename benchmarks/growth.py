"""How time and memory grow: with the number of samples, of strings scored and trained on, and with the context.

    python benchmarks/growth.py [--most 7]

Every row is a process of its own, so that its peak memory is its own. Takes about four minutes.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import provenance

from wavemore.estimator import StringModel, load
from wavemore.judging.likelihood import stream_log_likelihoods
from wavemore.lists.corpus import read_corpus
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Distribution
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import ModelConfig

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def sampling(path: str, n: int) -> int:
    """Draw and drop n names; the characters drawn."""
    model = load(path)
    return sum(map(len, sample_strings(model.distribution_, n, seed=0)))


def scoring(path: str, n: int) -> int:
    """Score n names as a stream, names.txt over and over; the characters scored."""
    model = load(path)
    names = itertools.islice(itertools.cycle(read_corpus(provenance.names_txt()).strings), n)
    portions = stream_log_likelihoods(model.distribution_, names)
    return sum(sum(map(len, strings)) for strings, _ in portions)


def training(path: str, n: int) -> int:
    """One pass over n names, which the model drew; the characters in the list."""
    names = load(path).sample(n, seed=1)
    StringModel("fast", settings={"train.epochs": 1, "train.least_steps": 1}).fit(names)
    return sum(map(len, names))


def context(path: str, size: int) -> int:
    """Score strings of 200 random letters with levels of two, context `size`; the characters scored."""
    config = ModelConfig(groups=(2,) * (size.bit_length() - 1))
    draw = np.random.default_rng(0)
    shapes = dict(config.weight_shapes(len(LETTERS) + 1))
    weights = {name: np.abs(draw.normal(size=shape)).astype(np.float32) / 10 for name, shape in shapes.items()}
    strings = ["".join(draw.choice(list(LETTERS), size=200)) for _ in range(1000)]
    list(stream_log_likelihoods(Distribution(Engine(config, weights), Vocabulary(LETTERS)), strings))
    return sum(map(len, strings))


TASKS: dict[str, Callable[[str, int], int]] = {
    "sampling": sampling,
    "scoring": scoring,
    "training": training,
    "context": context,
}


def peak_megabytes() -> float:
    """Of this process alone; what `resource` reports counts the process that started it too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measured(task: str, path: str, n: int) -> dict[str, float]:
    """One task in a process of its own: seconds, characters and peak memory in MB."""
    words = [sys.executable, __file__, "--task", task, "--model", path, "--n", str(n)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def table(title: str, task: str, path: str, sizes: list[int], unit: str) -> list[str]:
    """One row a size."""
    lines = [
        f"## {title}",
        "",
        f"| {unit} | seconds | microseconds a character | peak MB |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for n in sizes:
        row = measured(task, path, n)
        per_character = row["seconds"] / row["characters"] * 1e6
        lines.append(f"| {n:,} | {row['seconds']:.3f} | {per_character:.3f} | {row['megabytes']:.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description="How time and memory grow with samples, strings and context.")
    parser.add_argument("--most", type=int, default=7, help="the largest power of ten")
    for hidden in ("--task", "--model", "--n"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        start = time.perf_counter()
        characters = TASKS[options.task](options.model, int(options.n))
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "characters": characters, "megabytes": peak_megabytes()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "names.safetensors")
        StringModel("fast", settings={"data.split": "lecture"}).fit(provenance.names_txt()).save(path)
        powers = [10**k for k in range(3, options.most + 1)]
        lines = ["# Growth", "", "One process a row; reading the model and the list is counted.", ""]
        lines += table("Sampling names", "sampling", path, powers, "names")
        lines += table("Scoring names, as a stream", "scoring", path, powers, "names")
        lines += table("Training, one pass", "training", path, [n for n in powers if n <= 10**6], "names")
        lines += table(
            "Scoring 1,000 random strings of 200 letters, levels of two",
            "context",
            path,
            [8, 16, 32, 64, 128],
            "context",
        )
    provenance.write("growth", "\n".join([*lines, provenance.table(), ""]))


if __name__ == "__main__":
    main()
