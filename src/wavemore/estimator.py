"""`StringModel`: a density over strings with scikit-learn's conventions, and the short forms `fit` and `load`.

What only fitting and evaluating need is imported there, so that a model answers at once.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, Unpack

import numpy as np

from wavemore.errors import SamplingError, UsageError
from wavemore.export.formats import Format
from wavemore.judged import Judged
from wavemore.judging.likelihood import UNSEEN, Unseen, scores_of
from wavemore.lists.given import Listed, Strings, Weights, corpus_of, given, labelled_corpus, present
from wavemore.lists.labelled import Label
from wavemore.lists.vocabulary import normalise
from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.sampling.preparations import Preparations
from wavemore.sampling.sample import Mode
from wavemore.sampling.shape import Shape
from wavemore.sampling.wish import Wish, WishFields
from wavemore.settings.config import Recipe
from wavemore.settings.strict import one_of

__all__ = ["StringModel", "fit", "load"]


class StringModel(Judged):
    """A model of what the strings on a list look like.

    recipe      the name of a recipe, the path of a TOML file, or a `Recipe`; "auto" chooses settings that fit the list
    settings    changes to it, such as `{"train.steps": 1000}`
    seed        where given, the seed of weights and batches (`train.seed`)
    start       a model file whose networks this one's begin as (`train.start`), "base" for the one in the package that
                knows many lists, "none" for random weights; by itself "auto" starts a short list from the base model
    unseen      of a string with a character that the model does not know: "zero" gives it the probability that it has,
                "floor" one above 0 (see `floored_log_likelihoods`), so that no mean or ratio hangs on one character

    After `fit` or `load`: `file_` (recipe, vocabulary, weights and provenance) and `history_` (one record for each
    evaluation; empty for a loaded model). All use of recurrent networks, Transformers and bags of words needs PyTorch,
    and so does fitting over windows or on a device; everything else does without.
    """

    _fitted = "file_"

    def __init__(
        self,
        recipe: str | Path | Recipe = "auto",
        *,
        settings: Mapping[str, Any] | None = None,
        seed: int | None = None,
        start: str | Path | None = None,
        unseen: Unseen = "zero",
    ) -> None:
        self.recipe = recipe
        self.settings = settings
        self.seed = seed
        self.start = start
        self.unseen: Unseen = unseen

    def __repr__(self) -> str:
        return f"<StringModel {self.file_.summary}>" if "file_" in self.__dict__ else super().__repr__()

    def fit(
        self,
        X: Strings,
        y: object = None,
        *,
        sample_weight: "Weights" = None,
        labels: "Mapping[str, Sequence[str]] | Sequence[str] | None" = None,
        validation: "Strings | None" = None,
        test: "Strings | None" = None,
        characters: str = "",
        checkpoint: str | Path | None = None,
        resume: bool = False,
        record: str | Path | None = None,
        tensorboard: str | Path | None = None,
        progress: bool = False,
        command: str = "",
        ranks: bool = False,
        on: str = "here",
    ) -> Self:
        """Train on strings, without those that are missing. `y` is ignored and there for scikit-learn.

        sample_weight    (strings,): how often each string of a list in memory counts, 0 or more; see `repeated`
        labels           of strings in memory the label of each, or a mapping from the kinds of label, such as
                         "language", to one for each string. The model then has all of them: see `given`. A
                         validation or a test list is then a `Corpus` with labels of its own (`Corpus.with_labels`)
        validation    held-out strings; where given, nothing is split off the list (and `test` may be given too)
        characters    such as the model is to know beside those of its lists
        checkpoint    a file that keeps the run's state at every evaluation and on Ctrl-C; it stays when the run ends
        resume        go on from the checkpoint; the run then ends as if it had never stopped
        record        a file for the run's history, which `wavemore plot` draws; see `wavemore.runs.history`
        tensorboard   a folder for the same numbers as TensorBoard reads them; needs the extra "tensorboard"
        progress      a bar and a line for each evaluation on standard error
        command       for the provenance: how the run was started
        ranks         under torchrun, train one network with all its processes, of which each makes this call; the
                      first alone writes and shows progress, and all have the same model in the end
        on            where networks learn: "here", "ray" for a cluster of Ray on this machine or the one that
                      `RAY_ADDRESS` names, or "ray=ADDRESS", a task of one CPU for each network; the model is the same

        Raises a `WavemoreError` for anything wrong with strings, settings or files; `KeyboardInterrupt` on Ctrl-C.
        """
        from wavemore.fitting import fit_shown
        from wavemore.models.origin import Lists

        longest = self.resolved_recipe().data.max_length
        held_out = (None if part is None else corpus_of(part, longest) for part in (validation, test))
        if labels is not None and sample_weight is not None:
            raise UsageError("a list has either weights or labels; leave out sample_weight or labels")
        strings = corpus_of(X, longest, sample_weight) if labels is None else labelled_corpus(X, labels, longest)
        lists = Lists(strings, *held_out, characters=normalise(characters))
        recipe = self.resolved_recipe(lists.strings.strings, labelled=bool(lists.strings.labels))
        self.file_, self.history_ = fit_shown(
            lists,
            recipe,
            checkpoint=checkpoint,
            resume=resume,
            record=record,
            tensorboard=tensorboard,
            progress=progress,
            command=command,
            ranks=ranks,
            on=on,
            named=self.recipe,
        )
        for name in ("distribution_", "_preparations", "_leans"):
            self.__dict__.pop(name, None)
        return self

    def sample(
        self,
        n: int = 1,
        *,
        unique: bool = False,
        mode: Mode = "exact",
        plausible: bool = False,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        label: "Label | None" = None,
        like: "Strings | None" = None,
        strength: float = 1.0,
        **wish: Unpack[WishFields],
    ) -> list[str]:
        """`n` new strings: one unless said, as in scikit-learn (the command makes 20, enough to look at). Say by name
        what they must be like, such as `starts_with="an"`: the names are the fields of `Wish`. With `plausible` they
        surprise the model no more than most held-out strings do, as the command's do (`models/plausible.py`). See
        `Shape` for temperature, top_k and top_p, `given` for the label, `leaning` for like and strength,
        `sample_strings` for the rest and for errors. Where fewer than `n` strings are found, the `SamplingError` has
        those that were as its `strings`."""
        if label is not None or like is not None:
            asked = self if label is None else self.given(label)
            leant = asked if like is None else asked.leaning(like, strength, fold_case=wish.get("fold_case", False))
            return leant.sample(
                n,
                unique=unique,
                mode=mode,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                seed=seed,
                plausible=plausible,
                **wish,
            )
        shape, known = Shape(temperature=temperature, top_k=top_k, top_p=top_p), self._preparations
        samples = Wish(**wish).samples(
            self._file,
            self.distribution_,
            n,
            unique=unique,
            mode=mode,
            shape=shape,
            seed=seed,
            preparations=known,
            plausible=plausible,
        )
        found: list[str] = []
        try:
            found.extend(samples)
        except SamplingError as error:
            error.strings = found
            raise
        return found

    def most_likely(self, n: int = 20, **wish: Unpack[WishFields]) -> list[tuple[str, float]]:
        """The `n` likeliest strings with their log-likelihoods in nats, in exact order; fewer where there are no more.
        Say by name what they must be like: the names are the fields of `Wish`. Unlikely conditions take long."""
        return Wish(**wish).most_likely(self._file, self.distribution_, n)

    def score_samples(self, X: Listed, *, unseen: Unseen | None = None) -> np.ndarray:
        """The log-likelihood of each string in nats, float64 of shape (strings,); NaN where a string is missing, and
        where a character is unknown minus infinity, or what `unseen` says, in place of the constructor's. Raises
        `UsageError` for what is no list of strings, such as a table; see `wavemore.lists.containers`."""
        asked: Unseen = self.unseen if unseen is None else unseen
        one_of("unseen", asked, UNSEEN)
        file, strings = self._file, given(X)
        return strings.spread(scores_of(file, self.distribution_, strings.strings, asked))

    def score(self, X: Listed, y: object = None, *, unseen: Unseen | None = None) -> float:
        """The mean log-likelihood of the strings that are not missing, nats per string: higher is better; see
        `score_samples`. `y` is ignored."""
        strings = present(X)
        if not strings:
            raise UsageError("there is no mean score of no strings; give at least one")
        return float(self.score_samples(strings, unseen=unseen).mean())

    def save(self, path: str | Path) -> None:
        """Write the model as one file, whole or not at all. Raises `FileError`, `NotFittedError`, and `UsageError` for
        one that leans towards favourites."""
        if self._leans:
            raise UsageError(
                "a model that leans towards favourites is not saved; save the one that it came from, and the favourites"
            )
        self._file.save(path)

    def export(self, path: str | Path, *, format: "Format | None" = None) -> None:
        """Write the model as one file that opens without wavemore, whole or not at all: a page of HTML, or an ONNX
        graph, as the ending of the path says where `format` does not; compressed where it ends in .gz or the like.
        Raises `FileError`, `NotFittedError`, `UsageError` for what is neither, for one that leans towards favourites
        and for a baseline that PyTorch runs, and for ONNX `MissingExtraError` without onnx."""
        from wavemore.export.formats import exported, format_for
        from wavemore.files import whole_file
        from wavemore.lists.compression import compressed

        chosen = format_for(path, format)
        self._check_no_favourites("exported; export")
        data = exported(self._file, chosen)
        with whole_file(path) as file, compressed(file, str(path)) as stream:
            stream.write(data)

    @classmethod
    def load(cls, path: str | Path | None = None) -> Self:
        """The model of a file; without a path the one in the package, trained on the embedded names.

        Raises `FileError` or `ModelFileError`."""
        file = ModelFile.load(pretrained_path() if path is None else path)
        model = cls(file.recipe)
        model.file_ = file
        model.history_ = []
        return model

    @cached_property
    def _preparations(self) -> Preparations:
        """What was found out about conditions, for the next call that asks for the same."""
        return Preparations()

    @property
    def _file(self) -> ModelFile:
        if not self.__sklearn_is_fitted__():
            raise self._not_fitted("call fit(strings) first, or load a model")
        return self.file_

    def resolved_recipe(self, strings: Sequence[str] = (), *, labelled: bool = False) -> Recipe:
        """The recipe that `fit` follows: `recipe` with `settings` and `seed` in place, and where it is "auto" or
        "best", sized by the strings, which may have labels. Raises `ConfigError`, and `FileError` for a start that
        cannot be read."""
        from wavemore.models.start import NONE, resolved

        seed = {} if self.seed is None else {"train.seed": self.seed}
        start = {} if self.start is None else {"train.start": NONE if self.start == "none" else str(self.start)}
        return resolved(self.recipe, {**(self.settings or {}), **seed, **start}, strings, labelled=labelled)


def fit(
    strings: Strings,
    *,
    recipe: str | Path | Recipe = "auto",
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    start: str | Path | None = None,
    sample_weight: "Weights" = None,
    labels: "Mapping[str, Sequence[str]] | Sequence[str] | None" = None,
    validation: "Strings | None" = None,
    test: "Strings | None" = None,
    record: str | Path | None = None,
    progress: bool = False,
    on: str = "here",
) -> StringModel:
    """A `StringModel` trained on strings: `StringModel(recipe, ...).fit(strings, ...)` in one call."""
    return StringModel(recipe, settings=settings, seed=seed, start=start).fit(
        strings,
        sample_weight=sample_weight,
        labels=labels,
        validation=validation,
        test=test,
        record=record,
        progress=progress,
        on=on,
        command="wavemore.fit",
    )


def load(path: str | Path | None = None) -> StringModel:
    """The model of a file; `load()` alone gives the one in the package. Raises `FileError` or `ModelFileError`."""
    return StringModel.load(path)
