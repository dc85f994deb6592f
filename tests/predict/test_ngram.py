"""Interpolated Kneser-Ney against its formulas in plain dictionaries, its oracle."""

import math
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_at_random import rows, stepped_rows

from wavemore.errors import UnknownCharacterError, UsageError
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import read_corpus, split
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution, log_probabilities
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import DataConfig, NgramConfig

Ids = tuple[int, ...]

ABCD = Vocabulary("abcd")
lists = st.lists(st.text("abc", max_size=7), min_size=1, max_size=30)
others = st.lists(st.text("abcd", max_size=9), min_size=1, max_size=4)  # with a character that is known but unseen
orders = st.integers(1, 5)


def config(order: int) -> NgramConfig:
    return NgramConfig(kind="ngram", order=order)


class Oracle:
    """The formulas of Chen and Goodman (1998), section 4.1.6, one dictionary for each length."""

    def __init__(self, strings: list[str], vocabulary: Vocabulary, order: int) -> None:
        self.order, self.size = order, len(vocabulary)
        seen: dict[int, Counter[Ids]] = {length: Counter() for length in range(1, order + 1)}
        for string in strings:
            ids = (0, *vocabulary.encode(string).tolist(), 0)
            for end in range(2, len(ids) + 1):
                for length in range(1, min(order, end) + 1):
                    seen[length][ids[end - length : end]] += 1
        self.counts = {}
        for length in range(1, order):
            before = defaultdict(set)
            for ngram in seen[length + 1]:
                before[ngram[1:]].add(ngram[0])
            self.counts[length] = {g: len(before[g]) if g in before else count for g, count in seen[length].items()}
        self.counts[order] = dict(seen[order])
        self.discounts = {length: self.estimated(Counter(counts.values())) for length, counts in self.counts.items()}

    @staticmethod
    def estimated(having: Counter[int]) -> list[float]:
        discounts = []
        for count in (1, 2, 3):
            try:
                y = having[1] / (having[1] + 2 * having[2])
                discount = count - (count + 1) * y * having[count + 1] / having[count]
            except ZeroDivisionError:
                discount = 0.0
            discounts.append(discount if 0 < discount < count else count / 2)
        return discounts

    def probability(self, context: Ids, character: int) -> float:
        """Of the character behind this context and no longer one."""
        counts = {ngram[-1]: a for ngram, a in self.counts[len(context) + 1].items() if ngram[:-1] == context}
        shorter = self.probability(context[1:], character) if context else 1 / self.size
        if not counts:
            return shorter
        discounts = {c: self.discounts[len(context) + 1][min(a, 3) - 1] for c, a in counts.items()}
        own = counts[character] - discounts[character] if character in counts else 0.0
        return (own + sum(discounts.values()) * shorter) / sum(counts.values())

    def rows(self, string: str, vocabulary: Vocabulary) -> np.ndarray:
        """The probabilities before each character of the string and before its end: (len(string) + 1, V)."""
        ids = (0, *vocabulary.encode(string).tolist())
        contexts = [ids[max(0, end - self.order + 1) : end] for end in range(1, len(ids) + 1)]
        return np.array([[self.probability(context, c) for c in range(self.size)] for context in contexts])


# --- the contract


@settings(deadline=None, max_examples=300)
@given(lists, others, orders)
def test_the_model_equals_its_formulas(strings, others, order):
    oracle = Oracle(strings, ABCD, order)
    model = Ngram.fit(strings, ABCD, config(order))
    expected = np.concatenate([oracle.rows(string, ABCD) for string in others])
    assert np.abs(np.exp(rows(model, others, ABCD)) - expected).max() < 1e-6
    assert expected.sum(axis=1) == pytest.approx(1)
    assert expected.min() > 0
    assert model.parameters == sum(map(len, oracle.counts.values()))


def test_the_comparison_notices_counts_in_place_of_distinct_ids_before(monkeypatch):
    strings = ["abab", "abc", "cab"]
    monkeypatch.setattr(Ngram, "_without_oldest", lambda self, parents, ends: np.zeros(len(parents) + 1, dtype=int))
    model = Ngram.fit(strings, ABCD, config(2))
    expected = Oracle(strings, ABCD, 2).rows("abc", ABCD)
    assert np.abs(np.exp(rows(model, ["abc"], ABCD)) - expected).max() > 1e-2


@settings(deadline=None, max_examples=100)
@given(lists, others, st.sampled_from([1, 2, 3, 6, 64]))
def test_steps_and_predictions_say_the_same_to_the_bit(strings, others, order):
    model = Ngram.fit(strings, ABCD, config(order))
    whole = rows(model, others, ABCD)
    assert np.array_equal(stepped_rows(model, others, ABCD), whole)
    assert np.array_equal(np.concatenate([rows(model, [string], ABCD) for string in others]), whole)
    assert np.exp(whole).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(whole).all()


@settings(deadline=None, max_examples=100)
@given(lists, st.text("abcd", max_size=6), st.text("abcd", max_size=6), st.text("abcd", max_size=6), orders)
def test_neither_later_characters_nor_ones_older_than_the_context_matter(strings, old, context, later, order):
    model = Ngram.fit(strings, ABCD, config(order))
    short = rows(model, [old + context], ABCD)
    assert np.array_equal(rows(model, [old + context + later], ABCD)[: len(short)], short)
    if len(context) >= order - 1:
        other = rows(model, ["d" + old + context], ABCD)[-1]
        assert np.array_equal(short[-1], other)


def test_strings_that_end_alike_share_a_row():
    model = Ngram.fit(["abca", "cabc", "bcab"] * 4, ABCD, config(3))
    state = model.step(model.start(3), np.arange(3), ABCD.encode("abd"))
    assert len(state.logits) == 3
    state = model.step(model.step(state, np.arange(3), ABCD.encode("bcc")), np.arange(3), ABCD.encode("ccc"))
    assert len(state.logits) == 2  # "abc"; "bcc" and "dcc", neither of which was seen
    state = model.step(state, np.array([0, 2]), ABCD.encode("aa"))
    assert state.strings.tolist() == [0, 2]
    assert np.array_equal(state.logits[state.context_of], rows(model, ["abca", "dcca"], ABCD)[[4, 9]])


def test_samples_follow_the_scores():
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list("abc"), size=draw.integers(1, 4))) for _ in range(200)]
    model = Ngram.fit(strings, ABCD, config(3))
    n = 40_000
    drawn = Counter(sample_strings(Distribution(model, ABCD), n, seed=1))
    chances = np.exp(log_likelihoods(Distribution(model, ABCD), list(drawn))) / (
        1 - math.exp(log_likelihoods(Distribution(model, ABCD), [""])[0])
    )
    frequent = [(drawn[s], n * p) for s, p in zip(drawn, chances, strict=True) if n * p >= 20]
    statistic = sum((count - expected) ** 2 / expected for count, expected in frequent)
    assert len(frequent) > 50
    assert abs(statistic - len(frequent)) < 4 * math.sqrt(2 * len(frequent))
    assert (
        list(sample_strings(Distribution(model, ABCD), 7, seed=1))
        == list(sample_strings(Distribution(model, ABCD), 3000, seed=1))[:7]
    )


# --- edge cases


@pytest.mark.parametrize("strings", [["a"], [""], ["abc"], ["", "a"], ["a" * 50], ["abc"] * 1000, ["a"] * 3 + ["b"]])
@pytest.mark.parametrize("order", [1, 2, 6, 64])
def test_the_smallest_lists(strings, order):
    model = Ngram.fit(strings, ABCD, config(order))
    out = rows(model, ["", "a", "dcba", "a" * 70, *strings], ABCD)
    assert np.isfinite(out).all()
    assert np.exp(out.astype(np.float64)).sum(axis=1) == pytest.approx(1, abs=1e-4)
    seen, unseen = log_likelihoods(Distribution(model, ABCD), [strings[0], strings[0] + "d"])
    assert seen > unseen > -np.inf
    assert all(sample_strings(Distribution(model, ABCD), 20, seed=1, max_length=20))


def test_many_back_offs_do_not_underflow():
    """Each of 63 leaves a two-hundredth; together that is below the smallest float32."""
    others = "".join(map(chr, range(0x1F000, 0x1F000 + 300)))
    vocabulary = Vocabulary("a" + others)
    model = Ngram.fit([other + "a" * 80 for other in others], vocabulary, config(64))
    out = rows(model, ["a" * 80], vocabulary)
    assert np.isfinite(out).all()
    assert out.min() < -300
    assert np.exp(out).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_an_alphabet_of_four_thousand_characters():
    alphabet = "".join(map(chr, range(0x1F000, 0x1F000 + 4000)))
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list(alphabet), size=draw.integers(1, 9))) for _ in range(400)]
    vocabulary = Vocabulary(alphabet)
    model = Ngram.fit(strings, vocabulary, config(4))
    portions = list(model.predictions(strings, vocabulary))
    assert len(portions) > 2
    assert max(part.logits.size for part in portions) <= 256 * 4001
    assert sorted(np.concatenate([part.rows for part in portions])) == list(range(sum(map(len, strings)) + 400))
    assert np.exp(portions[0].logits).sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert np.array_equal(stepped_rows(model, strings[:20], vocabulary), rows(model, strings[:20], vocabulary))


def test_nothing_to_count_and_nothing_to_score():
    with pytest.raises(UsageError, match=r"^there are no strings to count; give at least one$"):
        Ngram.fit([], ABCD, config(3))
    model = Ngram.fit(["ab"], ABCD, config(3))
    assert list(model.predictions([], ABCD)) == []
    for call in (lambda: Ngram.fit(["ax"], ABCD, config(3)), lambda: list(model.predictions(["ax"], ABCD))):
        with pytest.raises(UnknownCharacterError, match=r"'x' \(U\+0078\) in 'ax'"):
            call()


# --- what it reaches


def test_the_baseline_on_names(names_txt: Path):
    """The lecture's flat model of three characters, 12K parameters, has 2.105."""
    corpus = read_corpus(names_txt)
    parts, vocabulary = split(corpus, DataConfig(split="lecture")), Vocabulary.of(corpus.strings)
    losses = {}
    for order in (4, 6):
        model = Ngram.fit(parts.train, vocabulary, config(order))
        losses[order] = -log_probabilities(Distribution(model, vocabulary), parts.validation).mean()
    assert losses[4] == pytest.approx(2.05636, abs=1e-4)
    assert losses[6] == pytest.approx(1.97460, abs=1e-4)
