"""`StringClassifier`: which of several kinds a string is, by a `StringModel` of each and Bayes' rule.

Shapes in this file
    N  strings   K  classes
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from wavemore.conventions import Estimator
from wavemore.errors import CorpusError, UsageError
from wavemore.estimator import StringModel
from wavemore.judging.posterior import Weights, log_posteriors, log_priors
from wavemore.lists.containers import is_missing
from wavemore.lists.given import Listed, given
from wavemore.lists.vocabulary import normalise
from wavemore.settings.config import Recipe
from wavemore.settings.strict import one_of, whole_number

__all__ = ["Priors", "StringClassifier"]

Priors: TypeAlias = Literal["uniform"] | Mapping[Any, float] | None
"""How probable each class is before its string is seen: None for its share of the training strings, "uniform" for the
same of each, or a number above 0 for each class."""

_FEWEST = 5  # different strings of each class, to learn weights from strings that its model has not seen
_HELD_OUT = 20  # different strings, from which on a network is given some of its own to be judged by


class StringClassifier(Estimator):
    """Which of several kinds a string is: languages, real and made up, people and companies.

    recipe      of the model of each class, as `StringModel` takes it. "ngram" counts, in a moment, all strings of a
                class; "auto" trains networks, which takes long and gains little
    settings    changes to it, such as `{"model.order": 4}`
    seed        where given, the seed of a network's weights and batches
    priors      see `Priors`
    folds       into how many parts the strings are divided, each of which is scored by models of the others, to learn
                how much the models' log-likelihoods say (`judging/posterior.py`); 0 for Bayes' rule alone, with
                posteriors that are too sure. Training takes folds + 1 times as long. Classes with fewer than 5
                different strings leave it at Bayes' rule

    A character that a class's model does not know has there the probability of an unseen one, never 0
    (`floored_log_likelihoods`), so that all probabilities are finite.

    After `fit` or `from_models`: `classes_` (K,), `models_` (a `StringModel` of each class), `log_priors_` (K,) and
    `weights_`.
    """

    _estimator_type, _fitted = "classifier", "models_"

    def __init__(
        self,
        recipe: str | Path | Recipe = "ngram",
        *,
        settings: Mapping[str, Any] | None = None,
        seed: int | None = None,
        priors: Priors = None,
        folds: int = 5,
    ) -> None:
        self.recipe = recipe
        self.settings = settings
        self.seed = seed
        self.priors = priors
        self.folds = folds

    def fit(
        self,
        X: Listed,
        y: Iterable[Any],
        sample_weight: Sequence[float] | np.ndarray | None = None,
    ) -> Self:
        """Learn strings and the class of each; missing strings are left out.

        y                (strings,): words, numbers or truth values, at least two different ones
        sample_weight    (strings,): how often each string counts, 0 or more

        Raises a `WavemoreError` for strings, classes, weights and settings that are none.
        """
        folds = whole_number("folds", self.folds, 0)
        if folds == 1:
            raise UsageError("folds is 1; it must be 2 or more, or 0 for none")
        strings, labels, counts = _rows(X, y, sample_weight)
        classes, of = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise UsageError(f"all strings are of the class {classes[0]}; a classifier needs at least 2 classes")
        shares = np.bincount(of, counts)  # (K,)
        found = log_priors(classes.tolist(), self._priors(classes, shares))
        models = self._models(strings, of, counts, classes)
        different = Counter(kind for kind, _ in {*zip(of.tolist(), strings, strict=True)})
        weights = Weights.plain(len(classes))
        if folds and min(different.values()) >= max(_FEWEST, folds):
            held_out = np.full((len(strings), len(classes)), np.nan)  # log-likelihoods by models of the other parts
            part_of = _parts(strings, of, folds)
            for part in range(folds):
                out = part_of == part
                if set(of[~out].tolist()) == set(range(len(classes))):
                    rest = [s for s, left in zip(strings, out.tolist(), strict=True) if not left]
                    others = self._models(rest, of[~out], counts[~out], classes)
                    held_out[out] = _likelihoods(others, [s for s, left in zip(strings, out, strict=True) if left])
            scored = ~np.isnan(held_out[:, 0])
            weights = Weights.learned(held_out[scored], np.log(shares / shares.sum()), of[scored], counts[scored])
        self.classes_, self.models_, self.log_priors_, self.weights_ = classes, models, found, weights
        return self

    @classmethod
    def from_models(cls, models: Mapping[Any, StringModel], *, priors: Priors = "uniform") -> Self:
        """The classifier of models that are trained, by class: Bayes' rule alone. Raises `UsageError`, and
        `NotFittedError` for a model that is not fitted."""
        if not isinstance(models, Mapping) or len(models) < 2:
            raise UsageError("a classifier is made of 2 models or more, by class, such as {'it': model, 'fr': other}")
        if priors is None:
            raise UsageError('priors is None; of models there are no shares, so it must be "uniform" or a mapping')
        for name, model in models.items():
            if not isinstance(model, StringModel):
                raise UsageError(f"the model of {name} is {model!r}; it must be a StringModel")
            model.distribution_  # noqa: B018 - raises where it is not fitted
        made = cls(priors=priors, folds=0)
        made.classes_ = np.unique(_labels(models))
        made.models_ = {name: models[name] for name in made.classes_.tolist()}
        made.log_priors_ = log_priors(made.classes_.tolist(), made._priors(made.classes_, np.ones(len(models))))
        made.weights_ = Weights.plain(len(models))
        return made

    def predict(self, X: Listed) -> np.ndarray:
        """The most probable class of each string, (strings,), of the type of `classes_`. Raises `UsageError` for a
        missing string, which has none."""
        scores = self._scores(X)
        missing = np.flatnonzero(np.isnan(scores[:, 0]))
        if len(missing):
            raise UsageError(
                f"item {missing[0] + 1} of the list is missing and has no class; leave it out, or use predict_proba"
            )
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: Listed) -> np.ndarray:
        """The probability of each class, (strings, K), in the order of `classes_`; NaN where a string is missing."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Listed) -> np.ndarray:
        """The logarithms of these probabilities, (strings, K)."""
        return log_posteriors(self._scores(X))

    def decision_function(self, X: Listed) -> np.ndarray:
        """The score of each class, (strings, K), nats: the highest is predicted. Of two classes (strings,): the score
        of the second minus that of the first, the logarithm of the odds."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def score(self, X: Listed, y: Iterable[Any], sample_weight: Sequence[float] | np.ndarray | None = None) -> float:
        """The share of the strings whose class is predicted rightly; those that are missing are left out."""
        strings, labels, counts = _rows(X, y, sample_weight)
        return float(np.average(self.predict(strings) == labels, weights=counts))

    def _scores(self, X: Any) -> np.ndarray:
        """What `posterior.py` calls s: (strings, K), NaN where a string is missing."""
        if not self.__sklearn_is_fitted__():
            raise self._not_fitted("call fit(strings, classes) first, or make it with from_models")
        found = given(X)
        return found.spread(self.weights_.scores(_likelihoods(self.models_, found.strings), self.log_priors_))

    def _priors(self, classes: np.ndarray, shares: np.ndarray) -> Mapping[Any, float] | None:
        """The priors by class; None for the same of each. Raises `UsageError`."""
        if self.priors is None:
            return dict(zip(classes.tolist(), shares.tolist(), strict=True))
        if isinstance(self.priors, Mapping):
            return self.priors
        one_of("priors", self.priors, ["uniform"])
        return None

    def _models(
        self, strings: Sequence[str], of: np.ndarray, counts: np.ndarray, classes: np.ndarray
    ) -> dict[Any, StringModel]:
        """A model of each class's strings: of all of them where it counts, or of all but a tenth, by which a network
        that trains is judged. Each knows the characters of all classes, so that one which a class never had speaks no
        more against it than the class's own strings say."""
        models, characters = {}, "".join(sorted(set().union(*strings)))
        settings = {"data.remember": False, **(self.settings or {})}  # nor quantiles of strings that it has counted
        for number, name in enumerate(classes.tolist()):
            rows = np.flatnonzero((of == number) & (counts > 0)).tolist()
            own, often = [strings[row] for row in rows], counts[rows]
            model = StringModel(self.recipe, settings=settings, seed=self.seed)
            held = set[str]()
            if model.resolved_recipe().model.trained and len(set(own)) >= _HELD_OUT:
                held = set(sorted(set(own), key=_order)[: len(set(own)) // 10])
            kept = [i for i, string in enumerate(own) if string not in held]
            weight = None if (often == 1).all() else often[kept]
            validation = sorted(held) or sorted(set(own))
            texts = [own[i] for i in kept]
            try:
                models[name] = model.fit(texts, sample_weight=weight, validation=validation, characters=characters)
            except CorpusError as error:
                raise CorpusError(f"of the class {name}, {error}") from error
        return models


def _likelihoods(models: Mapping[Any, StringModel], strings: Sequence[str]) -> np.ndarray:
    """Log-likelihoods of strings under each model: (N, K), all finite."""
    return np.stack([model.score_samples(strings, unseen="floor") for model in models.values()], axis=1)


def _rows(
    strings: Any, labels: Iterable[Any], weights: Sequence[float] | np.ndarray | None
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The strings that are there, in NFC, their classes (N,) and how often each counts (N,). Raises `UsageError`."""
    found, classes = given(strings), _labels(labels)
    if len(classes) != found.given:
        raise UsageError(f"there are {found.given:,} strings and {len(classes):,} classes; give one for each string")
    counts = np.ones(found.given) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != (found.given,) or not (np.isfinite(counts) & (counts >= 0)).all():
        raise UsageError(f"sample_weight must be {found.given:,} numbers of 0 or more, one for each string")
    places = np.arange(found.given) if found.places is None else found.places
    kept = counts[places] > 0
    if not kept.any():
        raise UsageError("there are no strings to learn or to judge; give at least one that counts")
    texts = [normalise(string) for string, keep in zip(found.strings, kept.tolist(), strict=True) if keep]
    return texts, classes[places][kept], counts[places][kept]


def _labels(labels: Iterable[Any]) -> np.ndarray:
    """Classes as an array of one dimension. Raises `UsageError` for what is none, and for a missing one."""
    if isinstance(labels, str | bytes) or not isinstance(labels, Iterable):
        raise UsageError(f"the classes are {labels!r}; they must be a list with one for each string")
    every = labels.to_pylist() if hasattr(type(labels), "to_pylist") else list(labels)  # type: ignore[attr-defined] - of Arrow
    every = [label.item() if isinstance(label, np.generic) else label for label in every]
    for number, label in enumerate(every, start=1):
        if is_missing(label) or not isinstance(label, str | int | float):
            what = "missing" if is_missing(label) else f"{label!r}, of type {type(label).__name__}"
            raise UsageError(f"class {number} of the list is {what}; it must be a word or a number")
    if len({isinstance(label, str) for label in every}) > 1:
        raise UsageError("some classes are words and others numbers; give them all as one or the other")
    return np.array(every)


def _parts(strings: Sequence[str], of: np.ndarray, folds: int) -> np.ndarray:
    """The part of each string, (N,): all that are equal in one, whatever their classes, and each class spread
    evenly."""
    part_of: dict[str, int] = {}
    for kind in np.argsort(np.bincount(of), kind="stable").tolist():
        own = sorted({strings[row] for row in np.flatnonzero(of == kind).tolist()}, key=_order)
        filled = Counter(dict.fromkeys(range(folds), 0))
        filled.update(part_of[string] for string in own if string in part_of)
        for string in own:
            if string not in part_of:
                part_of[string] = min(filled, key=lambda part: (filled[part], part))
                filled[part_of[string]] += 1
    return np.array([part_of[string] for string in strings])


def _order(string: str) -> bytes:
    return blake2b(string.encode("utf-8", "surrogatepass"), digest_size=16).digest()
