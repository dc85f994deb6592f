"""New strings: independent draws from the model's own distribution, under conditions if there are some.

What is asked for is checked first: if no string can meet it, that is an error at once. Then strings are drawn
(`source.py`) and kept or rejected: by conditions that an automaton checks (`constraints.py`), so that what is kept is
distributed as the model says (`conditional.py`), and by what only finished strings tell: whether they are on some
list, and whether they came before.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan
from typing import TYPE_CHECKING, Literal

import numpy as np

from wavemore.errors import SamplingError, UsageError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.mixtures.any_label import AnyLabel
from wavemore.mixtures.leaning import Leaning
from wavemore.models.plausible import Choice, Plausible
from wavemore.predict.predictor import Distribution
from wavemore.sampling.preparations import Preparations
from wavemore.sampling.sampler import AsDrawn, Filter, Refusal, Sampler
from wavemore.sampling.shape import UNSHAPED, Shape
from wavemore.sampling.source import Source
from wavemore.settings.strict import whole_number

if TYPE_CHECKING:
    from wavemore.models.apart import Apart
    from wavemore.sampling.automaton import Automaton
    from wavemore.sampling.constraints import Condition

__all__ = ["MODES", "Mode", "Samples", "plausible_by_itself", "sample_strings"]

Mode = Literal["exact", "strict", "fast"]
MODES: tuple[Mode, ...] = ("exact", "strict", "fast")

_HOPELESS = 1 << 23  # "eight million" characters drawn in a row without a string to keep
_PILOT, _BY_ITSELF = 512, 5  # strings, and what is added to the seed, so that they are others
_KNOWN = {"share": "chance", "share_error": "chance_error", "clipped": "clipped", "clipped_most": "clipped_most"}
"""What records call it, and what `Samples` does."""
_HOPELESS_GUIDED = 1 << 20  # the same with a guide, in mode "fast"; each takes longer


@dataclass
class Samples:
    """Strings as they were asked for. Iterate over it once; what is known of them grows meanwhile."""

    sampler: Sampler
    n: int
    filter: Filter = field(default_factory=Filter)
    hopeless: int = _HOPELESS
    """How many characters are drawn in a row without a string to keep, before that is an error."""
    watch: "Callable[[int, int], object] | None" = None
    """Called after each batch with the number of strings drawn and found so far."""
    choice: Choice | None = None
    """Takes those that are plausible, if it is to be so."""
    chance: float = nan
    """The share of the model's strings, the empty one aside, that meet the conditions; NaN where it is not measured:
    without conditions, in mode "fast", and before the first string."""
    chance_error: float = nan
    """The standard error of this share."""
    unclipped: int = 0
    """Strings that are distributed exactly as the model's own that meet the conditions; they come first."""
    clipped: float = 0.0
    """How far the distribution of the others is from it, as measured: total variation. NaN in mode "fast"."""
    clipped_most: float = 0.0
    """The upper end of its 95 % interval."""
    tried: int = 0
    """How many strings were drawn."""
    found: int = 0
    """How many of them can be used."""
    apart: "Apart | None" = None
    """What keeps the strings from those of a list, where a distance was asked for."""

    def __iter__(self) -> Iterator[str]:
        for strings in self.batches():
            yield from strings

    @property
    def known(self) -> dict[str, float | int | str | None]:
        """What is known of the strings so far, as records have it: under conditions the share of the model's strings
        that meet them and the error of the strings' distribution, None where it is not measured; and the distance."""
        found: dict[str, float | int | str | None] = {}
        if not isnan(self.chance) or isnan(self.clipped):  # else there are no conditions
            for name, of in _KNOWN.items():
                number: float = getattr(self, of)
                found[name] = None if isnan(number) else float(f"{number:.4g}")
        if self.apart is not None:
            found |= {"distance": self.apart.edits, "distance_from": self.apart.source}
        return found

    def _rest(self) -> Iterator[list[str]]:
        """What was passed over as not plausible, where no others are left."""
        strings = [] if self.choice is None else self.choice.rest(self.n - self.found)
        self.found += len(strings)
        if strings:
            yield strings

    def batches(self) -> Iterator[list[str]]:
        """The same strings in lists, as they are found."""
        try:
            yield from self._batches()
        except SamplingError:
            yield from self._rest()
            if self.found < self.n:
                raise

    def _batches(self) -> Iterator[list[str]]:
        in_vain = in_a_row = 0
        for batch in self.sampler.batches(self.filter, lambda: self.n - self.found) if self.n else ():
            most = self.n - self.found
            strings = [*batch.strings[:most]] if self.choice is None else self.choice(batch.strings, most)
            self.tried, self.found = self.tried + batch.tried, self.found + len(strings)
            self.chance, self.chance_error = batch.chance, batch.chance_error
            self.clipped, self.clipped_most = batch.clipped, batch.clipped_most
            self.unclipped += len(strings) if batch.clipped == 0 else 0
            if self.watch is not None:
                self.watch(self.tried, self.found)
            if strings:
                yield strings
            if self.found == self.n:
                return
            in_vain = 0 if strings else in_vain + batch.steps
            in_a_row = 0 if strings else in_a_row + batch.tried
            if in_vain >= self.hopeless:
                yield from self._rest()
                if self.found == self.n:
                    return
                raise SamplingError(
                    f"{self.found:,} strings were found, and then none among {in_a_row:,} more that were drawn: fewer "
                    f"than {3 / in_a_row:.1g} of all can be used (with 95 % confidence); ask for fewer strings or "
                    "conditions"
                )
        yield from self._rest()
        if self.found < self.n:
            raise SamplingError(f"only {self.found:,} such strings exist, and {self.n:,} are asked for")


def sample_strings(
    distribution: Distribution,
    n: int,
    *,
    conditions: "Sequence[Condition]" = (),
    refused: Refusal | None = None,
    unique: bool = False,
    mode: Mode = "exact",
    shape: Shape = UNSHAPED,
    max_length: int = 1000,
    seed: int | None = None,
    preparations: Preparations | None = None,
    watch: "Callable[[int, int], object] | None" = None,
    plausible: Plausible | None = None,
) -> Samples:
    """`n` independent strings, none of them empty, distributed as the model's own strings that meet the conditions.

    conditions     what every string meets; see `constraints.py`
    refused        tells which finished strings are not wanted; others are drawn in their place
    unique         no string comes twice
    mode           "exact": distributed as the model's own strings that meet the conditions; where few do, up to an
                   error that is measured and at most a hundredth (`Samples.clipped`); "strict": without that error:
                   strings are tried until enough are found or eight million characters in a row have given none;
                   "fast": drawn towards the conditions with a rough look ahead, and biased: some strings come too
                   often, others too rarely
    shape          how the distribution of each character is shaped before one is drawn from it
    max_length     in characters; without conditions, or with a beginning alone, longer strings are cut there; under
                   other conditions strings end by then
    seed           a whole number for the same strings again, the first ones for any n; where None, strings differ
    preparations   what was found out about conditions in earlier calls, for the same distribution
    watch          called again and again with the number of strings drawn and found so far
    plausible      where given, strings that are not plausible are passed over; see `models/plausible.py`

    Raises `UsageError` for arguments that make no sense and conditions that no string meets, at once and not at the
    first string. Iterating raises `ModelFileError` where the model's numbers overflow, and `SamplingError` where too
    few strings are found that can be used; those that were found come before that.
    """
    whole_number("the number of strings", n, 0)
    if mode not in MODES:
        raise UsageError(f"the mode is {mode!r}; it must be {', '.join(MODES[:-1])} or {MODES[-1]}")
    whole_number("the maximum length", max_length, 1)
    entropy = int.from_bytes(os.urandom(8)) if seed is None else whole_number("the seed", seed, 0)
    passes = Filter(refused, unique=unique, more=plausible is not None)
    choice = None if plausible is None else Choice(_upright(distribution), plausible, keeps=unique)
    if not conditions:
        source = Source(distribution, (entropy,), shape, np.zeros(0, dtype=np.int64), max_length)
        if shape == UNSHAPED:
            source = _label_by_label(source)
        return Samples(AsDrawn(source, nan), n, passes, watch=watch, choice=choice)
    prepared = (preparations or Preparations()).of(distribution, conditions, shape, max_length)
    _check_left(prepared.automaton, distribution.vocabulary, passes)
    sampler = {"exact": prepared.exact, "strict": prepared.strict, "fast": prepared.fast}[mode](entropy)
    return Samples(sampler, n, passes, _HOPELESS_GUIDED if mode == "fast" else _HOPELESS, watch, choice)


def plausible_by_itself(distribution: Distribution, max_length: int) -> Plausible | None:
    """Which strings are plausible to a model whose file does not say so: by some hundred strings that it draws, the
    same each time, in place of held-out ones."""
    source = Source(distribution, (0, _BY_ITSELF), UNSHAPED, np.zeros(0, dtype=np.int64), max_length)
    return Plausible.of(distribution, source.decoded(source.batch(0, _PILOT).ids))


def _upright(distribution: Distribution) -> Distribution:
    """Of a model that leans towards favourites the one that it came from: its limits say what is plausible."""
    leaning = distribution.predictor
    return Distribution(leaning.base, distribution.vocabulary) if isinstance(leaning, Leaning) else distribution


def _label_by_label(source: Source) -> Source:
    """A source that draws a label and then a string with it, which is quicker than to mix labels at each character,
    where the model is such a mixture."""
    mixture = source.distribution.predictor
    if not isinstance(mixture, AnyLabel):
        return source
    network = Distribution(mixture.network, source.distribution.vocabulary)
    return replace(source, distribution=network, labels=(mixture.labels, mixture.weights))


def _check_left(automaton: "Automaton", vocabulary: Vocabulary, passes: Filter) -> None:
    """Raises `UsageError` where the strings that meet the conditions can be listed, and all of them are refused."""
    if passes.refused is None:
        return
    from wavemore.sampling.constraints import every_string

    every = every_string(automaton, vocabulary)
    if every is not None and passes.refused(every).all():
        raise UsageError(
            f"only {len(every):,} strings meet the conditions, and every one of them is refused; ask for other ones"
        )
