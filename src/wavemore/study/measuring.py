"""One trial measured: trained, evaluated, and, where it is asked for, its levels probed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import Recipe
from wavemore.study.information import ORDER
from wavemore.study.probes import common_endings, nearest, probed, targets
from wavemore.study.trial import Changes, TrialRun
from wavemore.study.trials import CONTEXT, Data, Trial

__all__ = ["Workplace"]

_PROBED = 1500  # strings of each part


class Workplace:
    """A list and what trials on it share: the distinct chunks for each groups, made when they are first asked for."""

    def __init__(self, data: Data, base: Recipe) -> None:
        self._data, self._base = data, base
        self._vocabulary = Vocabulary(data.characters)
        self._chunks: dict[tuple[tuple[int, ...], bool], tuple[Chunks, Chunks]] = {}

    def measure(self, trial: Trial) -> dict[str, Any]:
        """The trial's figures, for JSON. Of a run that diverged there is the "problem" alone."""
        training, validation = self._parts(trial)
        changes = Changes(trial.widths, trial.norm_between, trial.activation_between)
        run = TrialRun(trial.recipe(self._base), changes, len(self._vocabulary), training, validation)
        looked: dict[str, Any] = {"probes": {"untrained": self._probes(run, trial)}} if trial.probes else {}
        try:
            outcome = run.train()
        except TrainingError as error:
            return {"problem": str(error)}
        if trial.probes:
            looked["probes"]["trained"] = self._probes(run, trial)
            looked["nearest"] = nearest(training, run.nodes(training), self._vocabulary)
        return {**outcome._asdict(), "gradients": outcome.gradients._asdict(), **looked}

    def _parts(self, trial: Trial) -> tuple[Chunks, Chunks]:
        """The chunks of the training and of the validation part."""
        kind = (trial.groups, trial.permuted)
        if kind not in self._chunks:
            training, validation = self._data.training, self._data.validation
            self._chunks[kind] = self._made(training, trial), self._made(validation, trial)
        return self._chunks[kind]

    def _made(self, strings: Sequence[str], trial: Trial) -> Chunks:
        if not trial.permuted:
            return Chunks.of(strings, self._vocabulary, trial.groups)
        windows = Windows.of(strings, self._vocabulary, CONTEXT)
        contexts = windows.contexts()[:, ORDER]  # (N, T)
        return Chunks.of_windows(contexts, windows.answers(), windows.starts, len(self._vocabulary), trial.groups)

    def _probes(self, run: TrialRun, trial: Trial) -> list[dict[str, dict[str, float]]]:
        """R² of each level, from the bottom up, on some strings of both parts that are the same for every trial."""
        endings = common_endings(self._data.training)
        chunks, nodes, asked = [], [], []
        for strings, whole in zip((self._data.training, self._data.validation), self._parts(trial), strict=True):
            numbers = np.random.default_rng(0).permutation(len(strings))[:_PROBED]
            chunks.append(whole.part(numbers))
            nodes.append(run.nodes(chunks[-1]))
            asked.append(targets([strings[int(number)] for number in numbers], endings))
        return probed(chunks[0], chunks[1], (nodes[0], nodes[1]), (asked[0], asked[1]))
