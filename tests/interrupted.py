"""Runs that are stopped: a monitor that presses Ctrl-C, a command, a run with its checkpoint, and whether two runs
ended alike."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wavemore.lists.vocabulary import Vocabulary
from wavemore.settings.config import Recipe
from wavemore.train import Checkpoint, Trained, train


class Interrupting:
    """A monitor that presses Ctrl-C after some steps, and keeps each step's loss."""

    def __init__(self, *steps: int) -> None:
        self.steps = steps
        self.losses: list[float] = []

    def begin(self, steps: int, what: str) -> None: ...

    def step(self, step: int, loss: float) -> None:
        self.losses.append(loss)
        if step in self.steps:
            os.kill(os.getpid(), signal.SIGINT)

    def evaluated(self, record: dict[str, Any]) -> None: ...

    def end(self) -> None: ...


class Run:
    """One list and recipe, trained with a given monitor; checkpoints are kept in a file."""

    def __init__(self, recipe: Recipe, strings: list[str], path: Path) -> None:
        self.recipe, self.path = recipe, path
        self.vocabulary = Vocabulary.of(strings)
        self.training, self.validation = strings[:50], strings[50:]

    def __call__(
        self, *interrupts: int, resume: bool = False, about: dict[str, Any] | None = None, **by: Any
    ) -> Trained:
        return train(
            self.recipe,
            self.vocabulary,
            self.training,
            self.validation,
            about=about or {"settings": self.recipe.to_dict(), "command": "a test"},
            monitor=by.pop("monitor", None) or Interrupting(*interrupts),
            resume=Checkpoint.load(self.path) if resume else None,
            save=lambda checkpoint: checkpoint.save(self.path),
            **by,
        )


def same_but_for_order(one: Trained, two: Trained) -> bool:
    """Of an ensemble, whose members' records come in any order."""
    for trained in (one, two):
        trained.history.sort(key=lambda record: (record.get("member", 0), record["step"]))
    return same(one, two)


def same(one: Trained, two: Trained) -> bool:
    return (
        one.weights.keys() == two.weights.keys()
        and all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)
        and (one.step, one.train_loss, one.validation_loss) == (two.step, two.train_loss, two.validation_loss)
        and one.history == two.history
    )


def stopped(line: str, when: Callable[[], bool]) -> tuple[int, str]:
    """A command that is stopped by Ctrl-C as on a terminal, which sends it to all processes: exit code, and what was
    said."""
    command = [sys.executable, "-m", "wavemore", *line.split()]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True) as process:
        while not when() and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, process.communicate()[1]
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=120)[1]
    return process.returncode, said
