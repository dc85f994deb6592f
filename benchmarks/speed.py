"""How fast training, sampling, scoring and starting are, each beside what it is compared with, in one run.

    python benchmarks/speed.py [--rounds 5]

Absolute seconds drift with the machine; the ratios are what counts. So both sides of a comparison run in turn, several
times, and medians are compared; each side may use the number of threads that suits it better. Takes about five minutes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import provenance
import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits

from wavemore.estimator import StringModel
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import read_corpus, split
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet, evaluation_mode, sample_as_taught
from wavemore.predict.predictor import Distribution
from wavemore.predict.windows import Windows
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import DataConfig

THREADS = (1, 2)
TAUGHT_STEPS = 200_000
SEEDS = range(5)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Every side measured once a round, after one round that does not count."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            value = side()
            if number:
                measured[name].append(value)
            print(f"  {name}: {value:.4g}", file=sys.stderr, flush=True)
    return measured


def shown(values: list[float], unit: float = 1.0) -> str:
    """Median and range."""
    low, middle, high = (f(values) / unit for f in (min, statistics.median, max))
    return f"{middle:,.4g} ({low:,.4g} to {high:,.4g})"


def best(measured: dict[str, list[float]], prefix: str) -> tuple[str, float]:
    """The side with the lowest median among those whose name begins so."""
    name = min((n for n in measured if n.startswith(prefix)), key=lambda n: statistics.median(measured[n]))
    return name, statistics.median(measured[name])


def comparison(title: str, measured: dict[str, list[float]], ours: str, theirs: list[str], unit: str) -> list[str]:
    """A table of all sides, and the ratio of the better of ours to the best of each of theirs."""
    lines = [f"## {title}", "", f"| side | {unit} |", "| --- | ---: |"]
    lines += [f"| {name} | {shown(values)} |" for name, values in measured.items()]
    name, value = best(measured, ours)
    for other in theirs:
        rival, slower = best(measured, other)
        lines += ["", f"**{slower / value:,.1f} times**: {name} against {rival}."]
    return [*lines, ""]


def training(rounds: int) -> list[str]:
    """The taught loop's seconds for 200,000 steps, scaled from 2,000, and `fast` whole, from the file to the model."""
    path = provenance.names_txt()

    def taught(threads: int) -> float:
        def fit(steps: int) -> float:
            settings = {"train.steps": steps, "train.evaluate_every": 10**9, "train.threads": threads}
            return seconds(lambda: StringModel("lecture", settings=settings).fit(path))

        return (fit(2200) - fit(200)) / 2000 * TAUGHT_STEPS  # what both do beside the steps falls out

    losses: list[float] = []

    def fast(threads: int) -> float:
        seed = SEEDS[len(losses) // len(THREADS) % len(SEEDS)]
        model = StringModel("fast", settings={"data.split": "lecture", "train.threads": threads}, seed=seed)
        took = seconds(lambda: model.fit(path))
        losses.append(model.file_.provenance["losses"]["validation"])
        return took

    sides: dict[str, Callable[[], float]] = {}
    for threads in THREADS:
        sides[f"taught loop, 200,000 steps, threads {threads}"] = lambda threads=threads: taught(threads)
        sides[f"fast, threads {threads}"] = lambda threads=threads: fast(threads)
    lines = comparison("Training to the lecture's loss", in_turn(sides, rounds), "fast", ["taught"], "seconds")
    by_seed = [losses[i * len(THREADS)] for i in range(min(len(SEEDS), len(losses) // len(THREADS)))]
    listed = ", ".join(f"{loss:.4f}" for loss in by_seed)
    return [
        *lines,
        f"Validation losses of `fast`, seeds 0 to {len(by_seed) - 1}: {listed}; the lecture's is 1.9937.",
        "",
    ]


def sampling(model: StringModel, net: WaveNet, rounds: int) -> list[str]:
    """Seconds for one name, by each sampler."""
    engine, vocabulary = model.distribution_

    def taught(threads: int) -> float:
        torch.set_num_threads(threads)
        generator = torch.Generator().manual_seed(0)
        return seconds(lambda: [sample_as_taught(net, generator) for _ in range(200)]) / 200

    def batched(threads: int, batch: int) -> float:
        torch.set_num_threads(threads)
        generator = torch.Generator().manual_seed(0)
        return seconds(lambda: sample_batch(net, batch, generator)) / batch

    def engine_s(threads: int, n: int) -> float:
        with threadpool_limits(threads):
            return seconds(lambda: list(sample_strings(Distribution(engine, vocabulary), n, seed=0))) / n

    sides: dict[str, Callable[[], float]] = {}
    for threads in THREADS:
        sides[f"taught sampler, threads {threads}"] = lambda threads=threads: taught(threads)
        for batch in (256, 1024, 4096, 16384):
            name = f"PyTorch, batches of {batch:,}, threads {threads}"
            sides[name] = lambda threads=threads, batch=batch: batched(threads, batch)
        for n in (100_000, 1_000_000):
            sides[f"engine, {n:,} names, threads {threads}"] = lambda threads=threads, n=n: engine_s(threads, n)
    measured = in_turn(sides, rounds)
    rates = {f"{name}": [1 / value for value in values] for name, values in measured.items()}
    lines = ["## Sampling", "", "| side | names a second |", "| --- | ---: |"]
    lines += [f"| {name} | {shown(values)} |" for name, values in rates.items()]
    hundred, million = best(measured, "engine, 100,000"), best(measured, "engine, 1,000,000")
    for rival in ("taught", "PyTorch"):
        name, value = best(measured, rival)
        lines += ["", f"**{value / hundred[1]:,.1f} times**: {hundred[0]} against {name}."]
    return [*lines, "", f"A name of 1,000,000 costs {million[1] / hundred[1]:.3f} of a name of 100,000.", ""]


def sample_batch(net: WaveNet, n: int, generator: torch.Generator) -> list[list[int]]:
    """Names side by side in plain PyTorch: every context evaluated, ended names dropped."""
    contexts = torch.zeros((n, net.config.context), dtype=torch.long)
    alive, names = torch.arange(n), [[] for _ in range(n)]
    with evaluation_mode(net):
        while len(alive):
            probabilities = torch.softmax(net(contexts), dim=1)
            following = torch.multinomial(probabilities, num_samples=1, generator=generator)[:, 0]
            on = following != 0
            alive, following = alive[on], following[on]
            contexts = torch.cat([contexts[on][:, 1:], following[:, None]], dim=1)
            for name, character in zip(alive.tolist(), following.tolist(), strict=True):
                names[name].append(character)
    return names


def scoring(model: StringModel, net: WaveNet, rounds: int) -> list[str]:
    """Seconds for the whole of names.txt: log-likelihoods by the engine, the loss by the windowed form."""
    strings = read_corpus(provenance.names_txt()).strings
    vocabulary = model.file_.vocabulary

    def windowed(threads: int, batch: int) -> float:
        torch.set_num_threads(threads)

        def work() -> None:
            windows = Windows.of(strings, vocabulary, net.config.context)
            contexts, answers = torch.from_numpy(windows.contexts()), torch.from_numpy(windows.answers()).long()
            with evaluation_mode(net):
                for c, a in zip(contexts.split(batch), answers.split(batch), strict=True):
                    F.cross_entropy(net(c), a, reduction="sum").item()

        return seconds(work)

    def engine_s(threads: int) -> float:
        with threadpool_limits(threads):
            return seconds(lambda: log_likelihoods(model.distribution_, strings))

    sides: dict[str, Callable[[], float]] = {}
    for threads in THREADS:
        for batch in (256, 1024, 4096, 16384, 10**9):
            size = f"batches of {batch:,}" if batch < 10**9 else "all at once"
            sides[f"windowed, {size}, threads {threads}"] = lambda threads=threads, batch=batch: windowed(
                threads, batch
            )
        sides[f"engine, threads {threads}"] = lambda threads=threads: engine_s(threads)
    measured = in_turn(sides, rounds)
    return comparison("Scoring names.txt, 32,033 names", measured, "engine", ["windowed"], "seconds")


def starting(rounds: int) -> list[str]:
    """Whole processes, with all packages compiled to bytecode, as an installed one is."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def process(*words: str) -> Callable[[], float]:
        run = [sys.executable, *words]
        return lambda: seconds(lambda: subprocess.run(run, check=True, capture_output=True, env=environment))

    measured = in_turn(
        {
            "wavemore sample -n 20": process("-m", "wavemore", "sample", "-n", "20"),
            "import numpy, safetensors, typer": process("-c", "import numpy, safetensors, typer"),
            "wavemore --help": process("-m", "wavemore", "--help"),
            "import typer": process("-c", "import typer"),
        },
        max(rounds, 15),
    )
    middle = {name: statistics.median(values) for name, values in measured.items()}
    lines = ["## Starting, whole processes", "", "| process | seconds |", "| --- | ---: |"]
    lines += [f"| `{name}` | {shown(values)} |" for name, values in measured.items()]
    for ours, theirs in (list(middle)[:2], list(middle)[2:]):
        lines += ["", f"**{middle[ours] / middle[theirs]:.2f} times** as long: `{ours}` as `{theirs}`."]
    return [*lines, ""]


def lecture_sized() -> tuple[StringModel, WaveNet]:
    """A model of the lecture's size that was trained on names.txt, as an engine and in PyTorch."""
    model = StringModel("fast", settings={"data.split": "lecture"}).fit(provenance.names_txt())
    return model, WaveNet.of(model.file_.recipe.wavenet, model.file_.network)


def main() -> None:
    parser = argparse.ArgumentParser(description="Training, sampling, scoring and starting, each beside its rivals.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side is measured")
    rounds = parser.parse_args().rounds
    parts = split(read_corpus(provenance.names_txt()), DataConfig(split="lecture"))
    Vocabulary.of(parts.train)  # the file is read once before anything is timed
    lines = ["# Speed", "", f"names.txt, split K. Medians of {rounds} rounds in turn, with the range.", ""]
    lines += training(rounds)
    model, net = lecture_sized()
    lines += sampling(model, net, rounds) + scoring(model, net, rounds) + starting(rounds)
    provenance.write("speed", "\n".join([*lines, provenance.table(), ""]))


if __name__ == "__main__":
    main()
