"""How well a model fits a whole list: its loss, always in evaluation mode."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

import numpy as np

from wavemore.corpus import Corpus, split
from wavemore.engine import Engine
from wavemore.errors import CorpusError
from wavemore.modelfile import ModelFile
from wavemore.score import stream_log_likelihoods
from wavemore.vocabulary import Vocabulary

__all__ = ["Evaluation", "evaluate", "evaluate_parts"]


@dataclass(frozen=True)
class Evaluation:
    """The loss over a list. A prediction is a character or the boundary that ends a string, as in the lecture."""

    strings: int
    """Strings scored."""
    unknown: int
    """Strings left out because they hold a character that the model does not know (their probability is zero)."""
    predictions: int
    nats_per_character: float
    """The mean negative log-likelihood of a prediction: the lecture's loss."""

    @property
    def bits_per_character(self) -> float:
        """The same in bits."""
        return self.nats_per_character / log(2)

    @property
    def perplexity(self) -> float:
        """How many equally likely characters would be as hard to predict."""
        return exp(self.nats_per_character) if self.nats_per_character < 700 else inf

    def to_dict(self) -> dict[str, int | float]:
        """For JSON."""
        return {
            "strings": self.strings,
            "unknown": self.unknown,
            "predictions": self.predictions,
            "nats_per_character": self.nats_per_character,
            "bits_per_character": self.bits_per_character,
            "perplexity": self.perplexity,
        }


def evaluate(engine: Engine, vocabulary: Vocabulary, strings: Iterable[str]) -> Evaluation:
    """The loss of a model over strings, each counted as often as it stands there.

    Raises `CorpusError` when the model knows all characters of none of the strings.
    """
    nats, predictions, known, unknown = 0.0, 0, 0, 0
    for texts, scores in stream_log_likelihoods(engine, vocabulary, strings):
        is_known = scores > -np.inf
        nats -= scores[is_known].sum()
        predictions += sum(len(text) + 1 for text, use in zip(texts, is_known, strict=True) if use)
        known += int(is_known.sum())
        unknown += len(texts) - int(is_known.sum())
    if not known:
        raise CorpusError(
            f"none of the {unknown} strings is made of characters that the model knows, so there is no loss; "
            "evaluate it on a list in the alphabet it was trained on"
        )
    return Evaluation(strings=known, unknown=unknown, predictions=predictions, nats_per_character=nats / predictions)


def evaluate_parts(engine: Engine, model: ModelFile, corpus: Corpus) -> dict[str, Evaluation]:
    """The loss over a list, under "all"; before it over "train", "validation" and "test" apart, where the list is the
    very one that the model was trained on and was split by the model's own settings."""
    parts: dict[str, Sequence[str]] = {}
    if _is_training_list(model.provenance, corpus):
        found = split(corpus, model.recipe.data)
        parts = {"train": found.train, "validation": found.validation, "test": found.test}
    parts["all"] = corpus.strings
    return {name: evaluate(engine, model.vocabulary, strings) for name, strings in parts.items()}


def _is_training_list(provenance: Mapping[str, Any], corpus: Corpus) -> bool:
    """Whether the parts that the model was trained with can be made again from this list."""
    data, how = provenance.get("data"), provenance.get("split")
    if not isinstance(data, dict) or not isinstance(how, dict):  # a file that another program wrote
        return False
    return data.get("sha256") == corpus.fingerprint and how.get("kind") in ("random", "lecture")
