"""Character n-grams with modified Kneser-Ney smoothing, as KenLM's `lmplz` estimates them (Chen and Goodman 1999).

KenLM's Python package has the query alone, so the model is estimated here and written as an ARPA file for it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import log10
from pathlib import Path

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


def write_arpa(path: Path, strings: Iterable[str], order: int) -> None:
    """The model of the strings, interpolated, as an ARPA file."""
    levels = adjusted_counts(strings, order)
    words = {ngram[0] for ngram in levels[0]} | {UNKNOWN}
    lower: dict[Ngram, float] = {(): 1 / len(words)}
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
            for word in words:
                found.setdefault((word,), back[()] * lower[()])
            found[(START,)] = 1.0
        probabilities.append(found)
        lower = found
    _write(path, probabilities, backoffs)


def _write(path: Path, probabilities: list[dict[Ngram, float]], backoffs: list[dict[Ngram, float]]) -> None:
    with path.open("w") as file:
        file.write("\\data\\\n" + "".join(f"ngram {n}={len(found)}\n" for n, found in enumerate(probabilities, 1)))
        for size, found in enumerate(probabilities, start=1):
            file.write(f"\n\\{size}-grams:\n")
            for ngram, probability in found.items():
                end = f"\t{log10(backoffs[size].get(ngram, 1.0)):.6f}" if size < len(probabilities) else ""
                file.write(f"{log10(probability):.6f}\t{' '.join(ngram)}{end}\n")
        file.write("\n\\end\\\n")
