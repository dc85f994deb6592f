"""Character n-grams with modified Kneser-Ney smoothing, as KenLM's `lmplz` estimates them (Chen and Goodman 1999).

KenLM's Python package has the query alone, up to order 6, so the model is estimated here and written as an ARPA file
for it, or asked here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import log, log10
from pathlib import Path
from typing import NamedTuple

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
Ngram = tuple[str, ...]


def tokens(string: str) -> list[str]:
    """A token for each character that has no blank in it: its code point."""
    return [f"{ord(character):x}" for character in string]


def sentence(string: str) -> str:
    """A string as KenLM reads it."""
    return " ".join(tokens(string))


def adjusted_counts(strings: Iterable[str], order: int) -> list[Counter[Ngram]]:
    """Of each order, from 1: how often an n-gram stands, or for lower orders how many characters stand before it.
    N-grams that begin with the start have nothing before them and keep their counts."""
    found: list[Counter[Ngram]] = [Counter() for _ in range(order)]
    for string, times in Counter(strings).items():
        text = (START, *tokens(string), END)
        for end in range(2, len(text) + 1):
            first = max(0, end - order)
            found[end - first - 1][text[first:end]] += times
    for size in range(order - 1, 0, -1):
        for ngram in found[size]:
            found[size - 1][ngram[1:]] += 1
    return found


def discounts(counts: Counter[Ngram]) -> tuple[float, float, float, float]:
    """What is taken from the counts 0, 1, 2 and 3 or more. Where the counts of counts give no sound ones, those that
    `lmplz --discount_fallback` takes."""
    n = Counter(min(count, 5) for count in counts.values())
    y = n[1] / max(n[1] + 2 * n[2], 1)
    found = [k - (k + 1) * y * n[k + 1] / max(n[k], 1) for k in (1, 2, 3)]
    sound = all(n[k] for k in range(1, 5)) and all(0 < taken <= k for k, taken in enumerate(found, start=1))
    one, two, three = found if sound else (0.5, 1.0, 1.5)
    return 0.0, one, two, three


class Model(NamedTuple):
    """The conditional probabilities of n-grams of each order, from 1, and what each context leaves for shorter ones."""

    probabilities: list[dict[Ngram, float]]
    backoffs: list[dict[Ngram, float]]
    """Of contexts of each length, from 0."""

    def log_conditional(self, context: Ngram, word: str) -> float:
        """The natural logarithm of a word's probability after others. Raises `KeyError` for an unknown word."""
        ngram, found = (*context, word)[-len(self.probabilities) :], 0.0
        while ngram not in self.probabilities[len(ngram) - 1]:
            if len(ngram) == 1:
                raise KeyError(word)
            found += log(self.backoffs[len(ngram) - 1].get(ngram[:-1], 1.0))
            ngram = ngram[1:]
        return found + log(self.probabilities[len(ngram) - 1][ngram])

    def log_likelihood(self, string: str) -> float:
        """The same of a whole string with its end."""
        text = (START, *tokens(string), END)
        reach = len(self.probabilities) - 1
        return sum(self.log_conditional(text[max(0, end - reach) : end], text[end]) for end in range(1, len(text)))


def estimated(strings: Iterable[str], order: int, words: Iterable[str] = ()) -> Model:
    """The model of the strings, interpolated, which also knows these words (`tokens`), whether they occur or not."""
    levels = adjusted_counts(strings, order)
    known = {ngram[0] for ngram in levels[0]} | {END, *words}
    lower: dict[Ngram, float] = {(): 1 / len(known)}
    probabilities: list[dict[Ngram, float]] = []
    backoffs: list[dict[Ngram, float]] = [{} for _ in range(order + 1)]
    for size, counts in enumerate(levels, start=1):
        taken = discounts(counts)
        total, left = defaultdict[Ngram, float](float), defaultdict[Ngram, float](float)
        for ngram, count in counts.items():
            total[ngram[:-1]] += count
            left[ngram[:-1]] += taken[min(count, 3)]
        back = {context: left[context] / total[context] for context in total}
        backoffs[size - 1] = back
        found: dict[Ngram, float] = {
            ngram: (count - taken[min(count, 3)]) / total[ngram[:-1]]
            + back[ngram[:-1]] * lower[ngram[1:] if size > 1 else ()]
            for ngram, count in counts.items()
        }
        if size == 1:
            for word in known:
                found.setdefault((word,), back[()] * lower[()])
            found[(START,)] = 1.0
        probabilities.append(found)
        lower = found
    return Model(probabilities, backoffs)


def write_arpa(path: Path, strings: Iterable[str], order: int) -> None:
    """The model of the strings, interpolated, as an ARPA file."""
    _write(path, *estimated(strings, order, [UNKNOWN]))


def _write(path: Path, probabilities: list[dict[Ngram, float]], backoffs: list[dict[Ngram, float]]) -> None:
    with path.open("w") as file:
        file.write("\\data\\\n" + "".join(f"ngram {n}={len(found)}\n" for n, found in enumerate(probabilities, 1)))
        for size, found in enumerate(probabilities, start=1):
            file.write(f"\n\\{size}-grams:\n")
            for ngram, probability in found.items():
                end = f"\t{log10(backoffs[size].get(ngram, 1.0)):.6f}" if size < len(probabilities) else ""
                file.write(f"{log10(probability):.6f}\t{' '.join(ngram)}{end}\n")
        file.write("\n\\end\\\n")
