"""How well a model fits a whole list: its loss, how sure that is, and how well calibrated it is; in evaluation mode."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import CorpusError
from wavemore.judging.bootstrap import Buckets
from wavemore.judging.calibration import BINS, Calibration, bin_sums, top_predictions
from wavemore.judging.likelihood import stream_log_likelihoods
from wavemore.lists.corpus import Corpus, split
from wavemore.lists.labelled import at
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution

__all__ = ["Evaluation", "evaluate", "parts_of"]


@dataclass(frozen=True)
class Evaluation:
    """The loss over a list. A prediction is a character or the boundary that ends a string, as in the lecture."""

    __repr__ = brief

    strings: int
    """Strings scored."""
    unknown: int
    """Strings left out because they hold a character that the model does not know (their probability is zero)."""
    predictions: int
    nats_per_character: float
    """The mean negative log-likelihood of a prediction: the lecture's loss."""
    nats_interval: tuple[float, float] | None
    """Its 95 % interval over strings (`bootstrap.py`); None of fewer than 10 strings."""
    calibration: Calibration

    @property
    def bits_per_character(self) -> float:
        """The loss in bits."""
        return self.nats_per_character / log(2)

    @property
    def bits_interval(self) -> tuple[float, float] | None:
        """The interval in bits."""
        if self.nats_interval is None:
            return None
        low, high = self.nats_interval
        return low / log(2), high / log(2)

    @property
    def perplexity(self) -> float:
        """How many equally likely characters would be as hard to predict."""
        return exp(self.nats_per_character) if self.nats_per_character < 700 else inf

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers, and for each interval its two ends or None."""
        return {
            "strings": self.strings,
            "unknown": self.unknown,
            "predictions": self.predictions,
            "nats_per_character": self.nats_per_character,
            "nats_per_character_interval": self.nats_interval and list(self.nats_interval),
            "bits_per_character": self.bits_per_character,
            "bits_per_character_interval": self.bits_interval and list(self.bits_interval),
            "perplexity": self.perplexity,
            **self.calibration.to_dict(),
        }


def evaluate(distribution: Distribution, strings: Iterable[str]) -> Evaluation:
    """The loss of a model over strings, each counted as often as it stands there; any number in bounded memory.

    Raises `CorpusError` when the model knows all characters of none of the strings, and `ModelFileError` where its
    numbers overflow.
    """
    nats, predictions, known, unknown = 0.0, 0, 0, 0
    buckets, sums = Buckets(), np.zeros((4, BINS))
    for texts, scores in stream_log_likelihoods(distribution, strings):
        is_known = scores != -np.inf
        used = at(texts, np.flatnonzero(is_known))
        lengths = np.fromiter(map(len, used), dtype=np.int64, count=len(used)) + 1
        nats -= scores[is_known].sum()
        predictions += int(lengths.sum())
        known += len(used)
        unknown += len(texts) - len(used)
        buckets.add(-scores[is_known], lengths)
        if used:
            sums += bin_sums(*top_predictions(distribution, used))
    if not known:
        raise CorpusError(
            f"none of the {unknown} strings is made of characters that the model knows, so there is no loss; "
            "evaluate it on a list in the alphabet it was trained on"
        )
    return Evaluation(known, unknown, predictions, float(nats / predictions), buckets.interval(), Calibration.of(sums))


def parts_of(model: ModelFile, corpus: Corpus) -> dict[str, Sequence[str]]:
    """The strings of a list under "all"; before it the parts "train", "validation" and "test", where the list is the
    very one that the model was trained on and was split by the model's own settings.

    A split as the lecture's leaves duplicates of training strings in the held-out parts, and a loss over these flatters
    a model. So "validation unseen" and "test unseen" have the strings of a part that do not stand in the training part;
    a part that has none lacks them. Of another list nobody knows what the model has seen, and there is "all" alone.
    """
    parts: dict[str, Sequence[str]] = {}
    if _is_training_list(model.provenance, corpus):
        found = split(corpus, model.recipe.data)
        parts["train"] = found.train
        seen = set(found.train)
        for name, strings in (("validation", found.validation), ("test", found.test)):
            parts[name] = strings
            unseen = [string for string in strings if string not in seen]
            if unseen:
                parts[f"{name} unseen"] = unseen
    parts["all"] = corpus.strings
    return parts


def _is_training_list(provenance: Mapping[str, Any], corpus: Corpus) -> bool:
    """Whether the parts that the model was trained with can be made again from this list."""
    data, how = provenance.get("data"), provenance.get("split")
    if not isinstance(data, dict) or not isinstance(how, dict):  # a file that another program wrote
        return False
    return data.get("sha256") == corpus.fingerprint and how.get("kind") in ("random", "lecture")
