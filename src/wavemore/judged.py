"""What a `StringModel` says of strings and of itself beyond their scores: labels, loss, guess numbers, reasons,
memorisation; and the models that follow from it, of a label and towards favourites.

All of it is asked of a model that stands, and none of it changes the model.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from wavemore.conventions import Estimator
from wavemore.errors import UsageError, WavemoreError
from wavemore.lists.given import Listed, Strings, corpus_of, given, listed, present
from wavemore.lists.labelled import Label, Labels
from wavemore.lists.vocabulary import normalise
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution

if TYPE_CHECKING:
    from wavemore.export.notebook import Page
    from wavemore.judging.evaluate import Evaluation
    from wavemore.judging.explanation import Explanation
    from wavemore.judging.guessing import GuessNumbers
    from wavemore.judging.memorisation import Memorisation
    from wavemore.judging.report import Report
    from wavemore.judging.row_scores import RowScores, Unknown
    from wavemore.nn import Ensemble, WaveNet

__all__ = ["Judged"]

_SHOWN = 10  # strings in a notebook


class _NoLabelsError(UsageError, AttributeError):
    """An attribute that a model without labels does not have: scikit-learn asks with `hasattr` whether it is there."""


class Judged(Estimator):
    """A model file and its distribution, and what is asked of them."""

    file_: ModelFile
    _leans = False
    """Whether it leans towards favourites."""

    @cached_property
    def distribution_(self) -> Distribution:
        """What predicts: for a WaveNet its folded form."""
        return distribution_of(self._file)

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: not what follows from the file, which is worked out again when it is needed."""
        follows = {"_preparations"} if self._leans else {"_preparations", "distribution_"}
        return {name: value for name, value in self.__dict__.items() if name not in follows}

    @property
    @abstractmethod
    def _file(self) -> ModelFile:
        """Raises `NotFittedError` where there is none yet."""

    @abstractmethod
    def score_samples(self, X: Listed) -> np.ndarray:
        """The log-likelihood of each string in nats."""

    @abstractmethod
    def sample(self, n: int = 1, *, seed: int | None = None) -> list[str]:
        """`n` new strings."""

    def given(self, label: Label) -> Self:
        """The model of the strings with a label, "it" or "language=it", or with labels of several kinds,
        {"language": "it", "gender": "f"}: a `StringModel` of its own, for samples, scores and all else. Where only some
        kinds are told, it is the mixture of the labels that fit, each as probable as on the list. Percentiles are of
        all labels together, so it has none of its own.

        Raises `UsageError` for a model without labels, and for a label that it does not have."""
        if self._leans:
            raise UsageError("choose the label first, and then let the model lean: model.given(label).leaning(like)")
        model = copy(self)
        for name in ("distribution_", "_preparations"):
            model.__dict__.pop(name, None)
        model.file_ = self._file.given(label)
        return model

    def leaning(self, like: "Strings", strength: float = 1.0, *, fold_case: bool = False) -> Self:
        """The same model leaning towards some favourite strings, three or more that have something in common: a model
        that samples, scores and explains, and is not saved. See `wavemore.mixtures.leaning` for what it does with them.
        Percentiles stay those among the held-out strings as the model itself scores them.

        strength     0 for not at all, 1 for as much as is usual, 10 at most
        fold_case    whether a character that the model does not know stands for its other case, if the model knows that

        Raises `UsageError` for fewer than three different favourites and for such a strength, `UnknownCharacterError`,
        and what `read_corpus` raises."""
        from wavemore.mixtures.leaning import Leaning

        file, vocabulary = self._file, self.distribution_.vocabulary
        liked = corpus_of(like, file.recipe.data.max_length).strings
        if fold_case:
            liked = [vocabulary.folded(string) for string in liked]
        leant = copy(self)
        leant.__dict__.pop("_preparations", None)
        leant.distribution_ = Distribution(Leaning.of(self.distribution_, liked, strength), vocabulary)
        leant._leans = True
        return leant

    @property
    def classes_(self) -> list[str]:
        """The labels of the list, those of several kinds with commas, in the order of `predict_proba`. Raises
        `UsageError` for a model without labels."""
        labels = self._labels
        return [labels.name(number) for number in labels.occurring.tolist()]

    def predict_proba(self, X: Listed) -> np.ndarray:
        """How probable each label is, given the string, by Bayes' rule with the labels' shares of the list: float64,
        (strings, labels); a missing string's are NaN. Characters that the model does not know are left out, since they
        tell nothing. Raises `UsageError` for a model without labels."""
        from wavemore.judging.posterior import log_posteriors
        from wavemore.mixtures.any_label import AnyLabel

        self._labels  # noqa: B018 - raises
        strings, vocabulary = given(X), self._file.vocabulary
        mixture = self.distribution_.predictor
        if not isinstance(mixture, AnyLabel):
            raise UsageError("a model that leans towards favourites tells no labels; ask the one that it came from")
        known = [vocabulary.known_part(normalise(string)) for string in strings.strings]
        return strings.spread(np.exp(log_posteriors(mixture.joint(known, vocabulary))))

    def predict(self, X: Listed) -> np.ndarray:
        """The most probable label of each string, one of `classes_`, and "" for a missing one; of a model without
        labels the same as `score_samples`, since scikit-learn's `cross_val_predict` asks for a method of this name."""
        if self._file.labels is None:
            return self.score_samples(X)
        chances = self.predict_proba(X)
        best = np.where(np.isnan(chances[:, :1]), -1, np.nan_to_num(chances).argmax(axis=1, keepdims=True))[:, 0]
        return np.array([*self.classes_, ""])[best]

    @property
    def _labels(self) -> Labels:
        labels = self._file.labels
        if labels is None:
            raise _NoLabelsError("the model has no labels; fit one with labels=..., or train one with --label COLUMN")
        return labels

    def wavenet(self) -> "WaveNet | Ensemble":
        """The same weights as a `wavemore.nn.WaveNet` in evaluation mode, or an `Ensemble` of them: the network alone,
        without an n-gram model that is mixed in. Needs PyTorch. Raises `UsageError` for a model with labels."""
        if self._file.labels is not None:
            raise UsageError("PyTorch's form knows no labels; choose one first, as in model.given(label).wavenet()")
        from wavemore.nn import Ensemble, WaveNet

        config = self._file.recipe.wavenet
        return (WaveNet if config.members == 1 else Ensemble).of(config, self._file.network)

    def evaluate(self, X: Listed) -> "Evaluation":
        """The loss over the strings that are not missing: nats and bits per character with their 95 % intervals,
        perplexity, calibration. Raises `CorpusError` when the model knows all characters of none of them."""
        from wavemore.judging.evaluate import evaluate

        return evaluate(self.distribution_, present(X))

    def guess_numbers(self, X: Listed, *, samples: int = 100_000, seed: int | None = 0) -> "GuessNumbers":
        """The place of each string in the list of all strings, the most likely first, with its 95 % interval, estimated
        from samples; see `wavemore.judging.guessing`. `Guesses` there keeps the samples for more strings."""
        from wavemore.judging.guessing import Guesses

        scores = self.score_samples(X)
        return Guesses.of(self.distribution_, samples=samples, seed=seed).numbers(scores)

    def row_scores(
        self,
        *,
        against: "Sequence[Judged]" = (),
        unknown: "Unknown | None" = None,
        percentile: bool = False,
        guess_number: bool = False,
        posterior: bool = False,
        priors: Mapping[str, float] | None = None,
        fold_case: bool = False,
    ) -> "RowScores":
        """What `wavemore score` adds to a table: its `columns(strings)` are a dictionary of arrays and texts, and
        `wavemore.judging.scored_table` puts them into files. See `RowScores` for arguments and errors; without
        `unknown` it is "zero", and with posteriors "floor"."""
        from wavemore.judging.row_scores import Judge, RowScores
        from wavemore.lists.streams import source_name

        models = (self, *against)
        judges = [Judge(source_name(m._file.path or "model"), m._file, m.distribution_) for m in models]
        unknown = unknown or ("floor" if posterior else "zero")
        return RowScores(judges, unknown, percentile, guess_number, posterior, priors, fold_case)

    def report(
        self, X: Listed, *, samples: int = 0, memorisation: bool = False, seed: int | None = 0, progress: bool = False
    ) -> "Report":
        """The loss on each part of a list, how like the list samples are, and what the model knows by heart; see
        `wavemore.judging.report` for arguments and errors."""
        from wavemore.judging.report import report

        corpus, file = corpus_of(X, self._file.recipe.data.max_length), self._file
        return report(
            file, self.distribution_, corpus, samples=samples, memorisation=memorisation, seed=seed, progress=progress
        )

    def memorisation(self, *, samples: int = 50_000, seed: int | None = 0) -> "Memorisation":
        """How much of its list the model knows by heart, from the fingerprints that its file keeps and from samples.
        Raises `UsageError` where it keeps none."""
        from wavemore.judging.memorisation import check_fingerprints, estimated

        check_fingerprints(self._file)
        return estimated(self._file, self.distribution_, self.sample(samples, seed=seed))

    def page(self, *, height: int = 640) -> "Page":
        """The page of `export("names.html")`, as a notebook shows it: in a frame of this height, in points. Raises what
        `export` raises, and `UsageError` for a height that is not from 100 to 10,000."""
        from wavemore.export.formats import exported
        from wavemore.export.notebook import Page

        self._check_no_favourites("shown as a page; show")
        return Page(exported(self._file, "html").decode(), height)

    def _repr_html_(self) -> str | None:
        """What a notebook shows: what the model is, and ten strings, always the same; None before it was fitted."""
        from wavemore.export.notebook import card

        if not self.__sklearn_is_fitted__():
            return None
        try:
            return card(self._file, self.sample(_SHOWN, seed=0))
        except WavemoreError as error:  # as of a baseline where PyTorch is absent
            return card(self._file, (), str(error))

    def _check_no_favourites(self, done: str) -> None:
        if self._leans:
            raise UsageError(f"a model that leans towards favourites is not {done} the one that it came from")

    def explain(self, X: Listed, *, alternatives: int = 5) -> "list[Explanation]":
        """For each string what the model expected at each character and at the end, and that many alternatives."""
        from wavemore.judging.explanation import explain

        return explain(self.distribution_, listed(X), alternatives=alternatives)
