"""Fits with a history that are stopped and resumed, and what of their records no clock says."""

from pathlib import Path
from typing import Any

import pytest
from interrupted import Interrupting

from wavemore.fitting import fit_model
from wavemore.lists.corpus import read_corpus
from wavemore.models.origin import Lists
from wavemore.runs.history import PastRun, read_history
from wavemore.settings.config import Recipe

__all__ = ["Fit", "measured"]


class Fit:
    """One list and recipe, fitted with a history and a checkpoint, and stopped after some steps."""

    def __init__(self, recipe: Recipe, strings: list[str], folder: Path) -> None:
        self.recipe, self.strings = recipe, strings
        self.path, self.checkpoint = folder / "m.history.jsonl", folder / "m.checkpoint"

    def __call__(self, *interrupts: int, resume: bool = False, record: bool = True, **options: Any) -> None:
        self.monitor = Interrupting(*interrupts)
        fit_model(
            Lists(read_corpus(self.strings)),
            self.recipe,
            monitor=self.monitor,
            checkpoint=self.checkpoint,
            resume=resume,
            record=self.path if record else None,
            **options,
        )

    def stopped(self, *interrupts: int, resume: bool = False, record: bool = True) -> None:
        with pytest.raises(KeyboardInterrupt):
            self(*interrupts, resume=resume, record=record)

    @property
    def runs(self) -> list[PastRun]:
        return read_history(self.path)


def measured(run: PastRun) -> list[dict[str, Any]]:
    """The records without what a clock says."""
    return [{k: v for k, v in one.items() if k not in ("seconds", "steps_per_second")} for one in run.records]
