"""All that `wavemore evaluate` says of a model on a list: its loss on each part, how like the list its samples are, and
what it knows by heart."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import UsageError
from wavemore.judging.evaluate import Evaluation, evaluate, parts_of
from wavemore.judging.likeness import Likeness, compare
from wavemore.judging.memorisation import Memorisation, exact
from wavemore.lists.corpus import Corpus
from wavemore.lists.labelled import Labelled
from wavemore.models.kinds import network_of
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution
from wavemore.sampling.sample import sample_strings

__all__ = ["Report", "report"]


@dataclass(frozen=True)
class Report:
    """A model on a list."""

    __repr__ = brief

    losses: Mapping[str, Evaluation]
    """By part, as `parts_of` names them; the last one, "all", is the whole list. Of a list with labels by label."""
    likeness: Mapping[str, Likeness]
    """Of "samples" and of the "held out" strings; empty where no samples were asked for."""
    reference: str
    """The part that these are compared with: "train", or "all" of a list that the model was not trained on."""
    memorisation: Memorisation | None
    """None where it was not asked for."""


def report(
    file: ModelFile,
    distribution: Distribution,
    corpus: Corpus,
    *,
    samples: int = 0,
    memorisation: bool = False,
    seed: int | None = 0,
    progress: bool = False,
) -> Report:
    """A model on a list.

    samples         how many strings to draw and compare with the list; 0 for none
    memorisation    whether to tell what the model knows by heart, which needs the list that it was trained on
    seed            of the samples
    progress        a bar on standard error for whatever takes longer than a second

    Raises `CorpusError` when the model knows all characters of none of the strings, and `UsageError` for a number of
    samples below 0 and for memorisation of another list.
    """
    from wavemore.progress import counted, waiting

    drawn = sample_strings(distribution, samples, max_length=file.recipe.data.max_length, seed=seed)
    if corpus.labels:
        if samples or memorisation:
            raise UsageError("a list with labels is evaluated label by label, without samples and memorisation")
        return Report(_by_label(file, distribution, corpus), {}, "all", None)
    parts = parts_of(file, corpus)
    known = None
    if memorisation:
        if "train" not in parts:
            raise UsageError(
                f"{corpus.name} is not the list that the model was trained on and has split, and what it knows by "
                "heart shows on that one alone; wavemore info MODEL --memory does without a list"
            )
        with waiting("looking at what it knows by heart", quiet=not progress):
            known = exact(distribution, parts["train"], [*parts["validation"], *parts["test"]])
    losses = {
        part: evaluate(distribution, counted(strings, len(strings), f"evaluating {part}", quiet=not progress))
        for part, strings in parts.items()
    }
    reference = "train" if "train" in parts else "all"
    likeness = {}
    if samples:
        strings = list(counted(drawn, samples, "sampling", quiet=not progress))
        held_out = [string for part in ("validation", "test") for string in parts.get(part, ())]
        likeness = compare(strings, parts[reference], held_out)
    return Report(losses, likeness, reference, known)


def _by_label(file: ModelFile, distribution: Distribution, corpus: Corpus) -> dict[str, Evaluation]:
    """The loss of the strings of each label, where that is known, of all of them so, and of all without their labels.
    Raises `UsageError` where the model has no labels, or others."""
    if file.labels is None:
        raise UsageError("the model has no labels; evaluate it without them, or train one with --label COLUMN")
    numbers = file.labels.numbers(corpus.labels)
    under = Distribution(network_of(file), file.vocabulary)
    labelled = Labelled(corpus.strings, numbers)
    found = {
        f"label {file.labels.name(number)}": evaluate(under, labelled.of(np.flatnonzero(numbers == number)))
        for number in np.unique(numbers).tolist()
    }
    return {**found, "labels known": evaluate(under, labelled), "all": evaluate(distribution, corpus.strings)}
