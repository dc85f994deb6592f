"""Why a row of a column is odd, in words."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from math import ceil, exp, floor

import numpy as np

from wavemore.judging.usual import Usual, repaired
from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.counts import ROOT
from wavemore.predict.predictor import Distribution, log_probabilities

__all__ = ["reasons_of"]

_MOST = 3  # reasons of a row
_UNUSUAL = 6.6  # bits: 1 row in 100 is as long, or as short
_COMMON = 0.01  # the share of letters from which a script is usual
_ENOUGH = 5  # a context that was seen less often says nothing of what never follows it
_LONGEST = 4  # characters of a context
_FEW = 0.1  # where fewer rows have a value of their own, to have one is odd


def reasons_of(
    usual: Usual,
    strings: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    learned: np.ndarray | None = None,
) -> list[str]:
    """Why each of these rows is odd: up to three reasons, with "; " between them. `learned` as in `Usual.oddness`."""
    if not strings:
        return []
    scripts, alone = _usual_scripts(usual) | {""}, usual.others(strings, groups, learned) <= 0
    bits, middle = usual.length_bits(strings), float(np.median(usual.lengths))
    found = []
    for i, (string, place) in enumerate(zip(strings, _places(usual, strings, groups), strict=True)):
        mended, strange = repaired(string), sorted({*map(_script, string)} - scripts)
        reasons = [
            f"broken encoding of {mended!r}" if mended is not None else "",
            f"letters of another script: {', '.join(strange)}" if strange else "",
            _length(len(string) > middle, float(bits[i])) if bits[i] > _UNUSUAL else "",
            f"no other row has this value; only {usual.own_values:.2g} % of the rows have one of their own"
            if alone[i] and usual.own_values < 100 * _FEW
            else "",
            place,
        ]
        found.append("; ".join([reason for reason in reasons if reason][:_MOST]))
    return found


def _length(longer: bool, bits: float) -> str:
    share = 100 * (1 - 2.0**-bits)
    steps = 10 ** max(0, ceil(bits * np.log10(2)) - 2)  # rounded down, so that it is never 100
    return f"{'longer' if longer else 'shorter'} than {floor(share * steps) / steps:g} % of the rows"


def _script(character: str) -> str:
    """Of a letter, such as Latin, Cyrillic or Cjk: the first word of its name; "" of other characters."""
    if not character.isalpha():
        return ""
    script, *words = unicodedata.name(character, "unknown").split()
    return script.capitalize() if not {"LETTER", "SYLLABLE"}.isdisjoint(words) or script == "CJK" else ""


def _usual_scripts(usual: Usual) -> set[str]:
    times = defaultdict[str, float](float)
    for number, character in enumerate(usual.vocabulary.characters, start=1):
        times[_script(character)] += _seen(usual, [number])
    return {script for script, count in times.items() if count >= _COMMON * sum(times.values())}


def _places(usual: Usual, strings: Sequence[str], groups: Sequence[str] | None) -> list[str]:
    """What is said of the most surprising place in each string."""
    folds, texts = usual.folds(strings, groups), usual.readable(strings)
    said = [""] * len(strings)
    for fold, model in enumerate(usual.models):
        rows = np.flatnonzero(folds == fold).tolist()
        start, nats = 0, -log_probabilities(Distribution(model, usual.vocabulary), [texts[row] for row in rows])
        for row in rows:
            end = start + len(texts[row]) + 1
            place = int(nats[start:end].argmax())
            said[row] = _place(usual, strings[row], texts[row], place, float(nats[start + place]))
            start = end
    return said


def _place(usual: Usual, string: str, text: str, place: int, nats: float) -> str:
    """What is said of the prediction after `place` characters."""
    ids = [BOUNDARY, *usual.vocabulary.encode(text).tolist(), BOUNDARY]
    answer, ends, counted = ids[place + 1], place == len(string), usual.known(string)
    what = "the end" if ends else repr(string[place])
    if not ends and not _elsewhere(usual, ids, [answer], counted=counted):
        return f"{what} stands in no other value"
    first, never = place + 1, False
    while not never and first > max(0, place + 1 - _LONGEST) and _seen(usual, ids[first - 1 : place + 1]) >= _ENOUGH:
        first -= 1
        never = not _elsewhere(usual, ids, ids[first : place + 2], counted=counted)
    begins, before = first == 0, string[max(0, first - 1) : place]
    if never and ends:
        return f"no other value {'is just' if begins else 'ends with'} {before!r}"
    if never:
        return f"no other value begins with {before + string[place]!r}" if begins else f"after {before!r} never {what}"
    where = ("after the beginning " if begins else "after ") + f"{before!r} " if before else ""
    return f"{where or 'at the beginning ' * begins}{what} is 1 in {exp(min(nats, 40)):,.0f}"


def _elsewhere(usual: Usual, ids: Sequence[int], ngram: Sequence[int], *, counted: bool) -> bool:
    """Whether another string has the n-gram too; `ids` are those of this one, its boundaries included, which was
    counted or not."""
    size = len(ngram)
    places = range(1 if size == 1 else 0, len(ids) - size + 1) if counted else ()
    own = sum(ids[i : i + size] == ngram for i in places)
    return _seen(usual, ngram) > own + 0.5


def _seen(usual: Usual, ngram: Sequence[int]) -> float:
    """How many times the column's distinct strings have the n-gram: each of them is counted by all models but one."""
    times = 0
    for model in usual.models:
        ngrams, counts = model.arrays().values()
        number = ROOT
        for id_ in ngram:
            key = number * model.vocabulary_size + id_
            number = int(ngrams.searchsorted(key)) + 1
            if number > len(ngrams) or ngrams[number - 1] != key:
                break
        else:
            times += int(counts[number - 1])
    return times / (len(usual.models) - 1)
