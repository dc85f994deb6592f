"""Runs on several ranks: what each of them computes and writes down, for tests to compare.

python tests/ranked.py FOLDER      one rank; the environment says which
"""

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tiny import tiny_strings

from wavemore.estimator import StringModel
from wavemore.lists.vocabulary import Vocabulary
from wavemore.settings.config import Recipe
from wavemore.train.batches import Batch
from wavemore.train.forms import runs_of
from wavemore.train.record import Recorder
from wavemore.train.run import Run

STRINGS = tiny_strings()
PARTS = Vocabulary.of(STRINGS), STRINGS[:50], STRINGS[50:]

_TRAIN = {"rate": 0.01, "steps": 30, "evaluate_every": 10}
RECIPES = {
    "windowed": Recipe.from_dict(
        {
            "model": {"groups": [2, 2], "embedding": 4, "hidden": 8, "dropout": 0.2, "final_norm": True},
            "train": {**_TRAIN, "form": "windowed", "optimizer": "adamw", "batch": 33},
        }
    ),
    "shared": Recipe.from_dict(
        {
            "model": {"groups": [2, 2], "embedding": 4, "hidden": 4, "activation": "gated", "residual": True},
            "train": {**_TRAIN, "batch": 15, "average": 0.3, "weight_decay": 0.1},
        }
    ),
}
"""A batch of 33 is not shared evenly by two ranks, nor are the windows of most batches of strings."""

RunsOf = Callable[..., AbstractContextManager[list[Run]]]


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def started(words: list[str], size: int, **more: Any) -> Iterator[list[subprocess.Popen[str]]]:
    """A process of these words for each rank. What is left of them is killed at the end."""
    meeting = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(a_free_port())}
    environment = {**os.environ, **meeting, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [sys.executable, *words],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )
        for rank in range(size)
    ]
    try:
        yield ranks
    finally:
        for rank in ranks:
            rank.kill()
            rank.communicate()


def one_step(made: RunsOf, recipe: Recipe) -> dict[str, Any]:
    """A step in float64: the batch's loss, each gradient, and the weights and running statistics after it."""
    import torch

    torch.set_default_dtype(torch.float64)
    try:
        with made(recipe, *PARTS) as (run,):
            batch = run.training.draw(recipe.train.batch)
            if isinstance(batch, Batch):
                batch = batch._replace(counts=batch.counts.astype(np.float64))
            loss, way = run.learner.loss(batch)
            found = run.optimizer.step(run.learner.gradients(batch, way), 0.01)
            after = run.learner.arrays()
    finally:
        torch.set_default_dtype(torch.float32)
    gradients = {f"gradient.{name}": np.array(gradient) for name, gradient in found.items()}
    return {"loss": np.asarray(loss), **gradients, **{f"after.{name}": array for name, array in after.items()}}


def all_steps(made: RunsOf, recipe: Recipe) -> dict[str, Any]:
    """A run: a digest of the weights after each step, the losses at its evaluations, and those of both parts."""
    digests, evaluations = [], []
    with made(recipe, *PARTS) as (run,):
        recorder = Recorder()
        recorder.begin([run], resumed=False)
        for _, evaluation in run.train(recorder):
            held = b"".join(array.tobytes() for _, array in sorted(run.learner.arrays().items()))
            digests.append(hashlib.sha256(held).hexdigest())
            evaluations += [] if evaluation is None else [evaluation["validation_loss"]]
        run.settle()
        losses = [part.loss([run.learner]) for part in (run.training, run.validation)]
    return {"digests": digests, "evaluations": evaluations, "losses": losses}


def alone(recipe: Recipe) -> RunsOf:
    """Where one process trains the recipe in PyTorch."""
    where = {} if recipe.train.form == "windowed" else {"train.device": "cpu:0"}
    return lambda recipe, *parts: runs_of(recipe.with_settings(where), *parts)


def main(folder: Path) -> None:
    from wavemore.ranks.meeting import ranks_here

    found: dict[str, Any] = {}
    with ranks_here(wanted=True) as ranks:
        assert ranks is not None
        rank = ranks.world.rank
        for name, recipe in RECIPES.items():
            np.savez(folder / f"{name}.{rank}.npz", **one_step(ranks.runs_of, recipe))
            found[name] = all_steps(ranks.runs_of, recipe)
        checkpoint, record = folder / f"{rank}.checkpoint", folder / f"{rank}.jsonl"
        model = StringModel(RECIPES["windowed"]).fit(STRINGS, ranks=True, checkpoint=checkpoint, record=record)
        model.save(folder / f"{rank}.safetensors")
        try:
            StringModel(RECIPES["windowed"]).fit(STRINGS[rank:], ranks=True)
        except Exception as error:
            found["other lists"] = f"{type(error).__name__}: {error}"
    (folder / f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
