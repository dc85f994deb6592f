"""What is said of each string of a list: log-likelihood, bits, rank, guess number, which of several models fits it, and
how probable that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import UsageError
from wavemore.judging.likelihood import floored_log_likelihoods, log_floor, log_likelihoods, surprise
from wavemore.judging.posterior import log_posteriors, log_priors
from wavemore.lists.given import listed
from wavemore.lists.vocabulary import Encoded, Vocabulary, lengths_of, normalise
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution
from wavemore.settings.strict import one_of
from wavemore.tables.columns import Columns

if TYPE_CHECKING:
    from wavemore.judging.guessing import Guesses

__all__ = ["UNKNOWN", "Judge", "RowScores", "Unknown"]

Unknown: TypeAlias = Literal["zero", "floor", "ignore", "drop", "error"]
UNKNOWN: tuple[Unknown, ...] = get_args(Unknown)
_GUESSES = ("guess_number", "guess_number_low", "guess_number_high")


class Judge(NamedTuple):
    """A model that scores."""

    __repr__ = brief

    name: str
    file: ModelFile
    distribution: Distribution


@dataclass(frozen=True)
class RowScores:
    """What is said of each string, and by which models.

    judges          the model, and others that it is compared with
    unknown         what becomes of a string with characters that a model does not know: "zero" gives it the
                    probability that it has, 0; "floor" one above 0 (`floored_log_likelihoods`); "ignore" scores it
                    without them, or not at all where no character is left. "drop" and "error" give 0 too, but
                    `scored_table` leaves the row out, or stops there
    percentile      whether to add the share of held-out strings that are less likely
    guess_number    whether to add how many strings are likelier, with a 95 % interval
    posterior       whether to add, of several models, how probable each is as the source of the string
    priors          how probable each model is before, by its name, a number above 0; None for all alike
    fold_case       whether a character that a model does not know stands for its other case, if the model knows that
    surprise        whether to add how surprising each string is, whatever its length

    Raises `UsageError` where `unknown` is none of these, for a percentile that the model file has no scores for, for
    posteriors of one model, and for priors that are none or are not asked for.
    """

    __repr__ = brief

    judges: Sequence[Judge]
    unknown: Unknown = "zero"
    percentile: bool = False
    guess_number: bool = False
    posterior: bool = False
    priors: Mapping[str, float] | None = None
    fold_case: bool = False
    surprise: bool = False

    def __post_init__(self) -> None:
        one_of("unknown", self.unknown, UNKNOWN)
        if self.percentile:
            self.judges[0].file.percentiles(np.zeros(0))
        if self.posterior and not self._others and self.judges[0].file.labels is None:
            raise UsageError(
                "posteriors are of several models, or of a model with labels of which none was chosen; name others to "
                "compare with"
            )
        if self.priors is not None and self._of_labels:
            raise UsageError("priors are of models; labels are as probable as they are on the list")
        if self.priors is not None and not self.posterior:
            raise UsageError("priors are for posteriors; ask for these too")
        if self.posterior and not self._of_labels:
            log_priors(self.judge_names, self.priors)

    @cached_property
    def names(self) -> list[str]:
        """The columns, in order."""
        return [
            *("log_likelihood", "bits_per_character"),
            *(["surprise"] if self.surprise else []),
            *(["percentile"] if self.percentile else []),
            *(_GUESSES if self.guess_number else []),
            *self._others,
            *(["log_ratio"] if self._others else []),
            *self._posteriors,
            *(["best"] if self._others or self._of_labels else []),
            "unknown",
        ]

    def columns(self, strings: Sequence[str]) -> Columns:
        """The columns of these strings, which are brought to NFC as those of a list are; strings as ids (`Encoded`) of
        the first model's vocabulary are taken as they are. Raises `UsageError` for a single string, and for what is no
        string.

        log_likelihood         (strings,), nats, all characters and the boundary at the end; -inf where the
                               probability is zero, NaN where a string was to be scored without all its characters
        bits_per_character     the same in bits, for each prediction, its sign turned round
        surprise               see `wavemore.judging.likelihood.surprise`
        log_likelihood_NAME    the same as log_likelihood of another model
        log_ratio              log_likelihood minus the highest one of the other models, nats; NaN where all are -inf
        posterior_NAME         how probable a model is, from 0 to 1; NaN where the string is possible under none
        best                   the model under which the string is likeliest, or with posteriors the most probable one;
                               "" where it is possible under none
        unknown                the characters that the first model does not know
        """
        if not isinstance(strings, Encoded):
            strings = list(map(normalise, listed(strings)))
        judge = self.judges[0]
        scores, lengths, unknown = self._scores(judge, strings)
        columns: Columns = {"log_likelihood": scores, "bits_per_character": -scores / np.log(2) / (lengths + 1)}
        if self.surprise:
            columns["surprise"] = self._surprise(judge, strings, scores)
        if self.percentile:
            columns["percentile"] = np.where(np.isnan(scores), np.nan, self.judges[0].file.percentiles(scores))
        if self.guess_number:
            guesses = self._guesses.numbers(np.nan_to_num(scores, nan=-np.inf, neginf=-np.inf))
            columns |= {n: np.where(np.isnan(scores), np.nan, g) for n, g in zip(_GUESSES, guesses, strict=True)}
        if self._others:
            columns |= self._compared(scores, strings)
        if self._of_labels:
            columns |= self._labels(strings)
        columns["unknown"] = unknown
        return columns

    @property
    def _of_labels(self) -> bool:
        """Whether posteriors are of the model's labels."""
        return self.posterior and not self._others

    @cached_property
    def _others(self) -> list[str]:
        return [f"log_likelihood_{name}" for name in self.judge_names[1:]]

    @cached_property
    def _posteriors(self) -> list[str]:
        names = self._label_names if self._of_labels else self.judge_names
        return [f"posterior_{name}" for name in names] if self.posterior else []

    @cached_property
    def _label_names(self) -> list[str]:
        labels = self.judges[0].file.labels
        return [] if labels is None else [labels.name(number) for number in labels.occurring.tolist()]

    @cached_property
    def judge_names(self) -> list[str]:
        """The names of the models, made distinct."""
        names: list[str] = []
        for judge in self.judges:
            name, number = judge.name, 1
            while name in names:
                number += 1
                name = f"{judge.name}_{number}"
            names.append(name)
        return names

    def prepare(self, *, progress: bool = False) -> None:
        """Do beforehand what the columns of all strings need once, with a bar on standard error where it takes longer
        than a second."""
        if self.guess_number and "_guesses" not in self.__dict__:
            from wavemore.judging.guessing import Guesses

            self.__dict__["_guesses"] = Guesses.of(self.judges[0].distribution, seed=0, progress=progress)

    @cached_property
    def _guesses(self) -> "Guesses":
        from wavemore.judging.guessing import Guesses

        return Guesses.of(self.judges[0].distribution, seed=0)

    def _scores(self, judge: Judge, strings: Sequence[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Log-likelihoods (strings,), numbers of scored characters (strings,), and the unknown ones of each string."""
        vocabulary = judge.file.vocabulary
        if isinstance(strings, Encoded):
            if vocabulary == strings.vocabulary:  # all characters are known
                share = judge.file.unseen_share
                floored = self.unknown == "floor"
                scored = (
                    floored_log_likelihoods(judge.distribution, strings, share)
                    if floored
                    else log_likelihoods(judge.distribution, strings)
                )
                return scored, strings.lengths, [""] * len(strings)
            strings = list(strings)
        strings = list(map(vocabulary.folded, strings)) if self.fold_case else strings
        found = _unknown(vocabulary, strings)
        lengths = lengths_of(strings)
        unknown = [""] * len(strings)
        for place, characters in found.items():
            unknown[place] = characters
        if self.unknown == "floor":
            return floored_log_likelihoods(judge.distribution, strings, judge.file.unseen_share), lengths, unknown
        if self.unknown == "ignore" and found:
            strings = list(strings)
            for place in found:
                strings[place] = judge.file.vocabulary.known_part(strings[place])
                lengths[place] = len(strings[place])
            scores = log_likelihoods(judge.distribution, strings)
            scores[[place for place in found if not strings[place]]] = np.nan  # and not that of the empty string
            return scores, lengths, unknown
        return log_likelihoods(judge.distribution, strings), lengths, unknown

    def _surprise(self, judge: Judge, strings: Sequence[str], scores: np.ndarray) -> np.ndarray:
        """How surprising each string is, (strings,): infinitely where its probability is 0."""
        vocabulary, unseen = judge.file.vocabulary, np.inf
        strings = list(map(vocabulary.folded, strings)) if self.fold_case else list(strings)
        if self.unknown == "ignore":
            strings = list(map(vocabulary.known_part, strings))
        elif self.unknown == "floor":
            unseen = -log_floor(vocabulary, judge.file.unseen_share) / np.log(2)
        return np.where(np.isnan(scores), np.nan, surprise(judge.distribution, strings, unseen))

    def _labels(self, strings: Sequence[str]) -> Columns:
        """How probable each label is, given the string, and which is most probable. Unknown characters tell nothing."""
        from wavemore.mixtures.any_label import AnyLabel  # here: a model without labels does not need it

        file, mixture = self.judges[0].file, self.judges[0].distribution.predictor
        strings = list(map(file.vocabulary.folded, strings)) if self.fold_case else strings
        assert isinstance(mixture, AnyLabel)
        joint = mixture.joint(list(map(file.vocabulary.known_part, strings)), file.vocabulary)
        chances = np.exp(log_posteriors(joint))  # (strings, K)
        best = [self._label_names[i] for i in chances.argmax(axis=1).tolist()]
        return {**dict(zip(self._posteriors, chances.T, strict=True)), "best": best}

    def _compared(self, scores: np.ndarray, strings: Sequence[str]) -> Columns:
        """The columns that other models give."""
        others = [self._scores(judge, strings)[0] for judge in self.judges[1:]]
        every = np.stack([scores, *others])  # (judges, strings)
        possible = np.where(np.isnan(every), -np.inf, every)
        with np.errstate(invalid="ignore"):  # -inf minus -inf
            ratio = scores - possible[1:].max(axis=0)
        columns: Columns = {**dict(zip(self._others, others, strict=True)), "log_ratio": ratio}
        if self.posterior:
            possible = log_posteriors(possible.T + log_priors(self.judge_names, self.priors)).T
            columns |= zip(self._posteriors, np.exp(possible), strict=True)
            possible = np.where(np.isnan(possible), -np.inf, possible)
        highest = zip(possible.argmax(axis=0).tolist(), possible.max(axis=0).tolist(), strict=True)
        return {**columns, "best": ["" if score == -np.inf else self.judge_names[i] for i, score in highest]}


def _unknown(vocabulary: Vocabulary, strings: Sequence[str]) -> dict[int, str]:
    """The distinct characters that the vocabulary lacks, for the places of the strings that have some."""
    text = "".join(strings)
    places = np.flatnonzero(vocabulary.encode_known(text) < 0)  # of characters
    if not len(places):
        return {}
    ends = np.cumsum(np.fromiter(map(len, strings), np.int64, len(strings)))  # (strings,)
    found: dict[int, str] = {}
    for string, place in zip(np.searchsorted(ends, places, side="right").tolist(), places.tolist(), strict=True):
        before = found.get(string, "")
        if text[place] not in before:
            found[string] = before + text[place]
    return found
