"""Fingerprints of strings, and the ranks of scores among those of held-out strings."""

import unicodedata
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pytest
from modelfiles import a_model
from words import SALT, words

from wavemore.errors import UsageError
from wavemore.lists.corpus import read_corpus
from wavemore.models import fingerprints
from wavemore.models.fingerprints import Fingerprints, quantiles
from wavemore.models.modelfile import ModelFile


def test_every_string_is_known_in_its_part_and_no_other_is():
    train, held_out, new = words(900)[:500], words(900)[500:700], words(900)[700:]
    known = Fingerprints.of(train, held_out, SALT)
    assert known.train(train).all()
    assert known.held_out(held_out).all()
    assert known.any([*train, *held_out]).all()
    for strings in (held_out, new):
        assert not known.train(strings).any()
    for strings in (train, new):
        assert not known.held_out(strings).any()
    assert not known.any(new).any()
    mixed = [train[3], new[0], held_out[1], new[1]]
    assert known.any(mixed).tolist() == [True, False, True, False]
    assert known.train(mixed).tolist() == [True, False, False, False]


def test_the_fingerprint_is_the_beginning_of_the_keyed_hash():
    known = Fingerprints.of(["emma"], ["zoë"], SALT)
    by_hand = (blake2b(string.encode(), digest_size=8, key=SALT).digest()[:4] for string in ("emma", "zoë"))
    assert [known.training.tolist(), known.aside.tolist()] == [[int.from_bytes(digest)] for digest in by_hand]


def test_fingerprints_rise_and_repetitions_count_once():
    known = Fingerprints.of(["b", "a", "b", ""] * 3, ["c", "a"], SALT)
    assert (len(known.training), len(known.aside)) == (3, 2)
    assert (np.diff(known.training.astype(np.int64)) > 0).all()
    assert known.held_out(["a", "b"]).tolist() == [True, False]
    assert known.any([""]).all()


def test_another_salt_has_other_fingerprints():
    assert not set(Fingerprints.of(words(50), [], SALT).training) & set(
        Fingerprints.of(words(50), [], SALT[::-1]).training
    )


def test_the_order_of_the_strings_does_not_matter():
    one, two = Fingerprints.of(words(50), ["x", "y"], SALT), Fingerprints.of(words(50)[::-1], ["y", "x"], SALT)
    assert all(np.array_equal(array, two.arrays()[name]) for name, array in one.arrays().items())


def test_long_lists_have_fingerprints_of_64_bits(monkeypatch):
    monkeypatch.setattr(fingerprints, "_MOST_OF_32_BITS", 100)
    short, long = Fingerprints.of(words(90), words(100)[90:], SALT), Fingerprints.of(words(90), words(101)[90:], SALT)
    assert (short.bits, long.bits) == (32, 64)
    assert short.training.dtype == short.aside.dtype == np.uint32
    assert long.training.dtype == long.aside.dtype == np.uint64
    assert long.train(words(101)).tolist() == [True] * 90 + [False] * 11
    assert long.any(words(102)).tolist() == [True] * 101 + [False]
    assert np.array_equal(np.sort(long.training >> np.uint64(32)), short.training)  # the same hash, cut


def test_few_bits_are_hit_by_chance_and_never_missed(monkeypatch):
    """Of 200 strings, a new one is taken for one of them about once in 2**16 / 200 = 328 times, were there 16 bits."""

    def cut(hashes: np.ndarray) -> np.ndarray:
        return (hashes >> np.uint64(48)).astype(np.uint32)

    monkeypatch.setattr(fingerprints, "_halved", cut)
    strings, others = words(20200)[:200], words(20200)[200:]
    known = Fingerprints.of(strings, [], SALT)
    assert known.train(strings).all()
    assert 30 < known.train(others).sum() < 100


def test_strings_are_known_in_any_unicode_form_as_a_list_is_read():
    corpus = read_corpus(["zoe\u0308", "Ångström", "emma"])
    known = Fingerprints.of(corpus.strings, [], SALT)
    for form in ("NFC", "NFD"):
        assert known.any([unicodedata.normalize(form, string) for string in corpus.strings]).all()
    assert not known.any(["zoe", "Angstrom"]).any()


def test_empty_parts_and_no_strings():
    known = Fingerprints.of(["a"], [], SALT)
    assert known.held_out(["a", "b"]).tolist() == [False, False]
    assert known.any([]).shape == known.train([]).shape == (0,)
    assert known.any(iter(["a"])).tolist() == [True]
    assert known.any(["\ud800"]).tolist() == [False]  # no text, and so on no list


def test_a_single_string_is_no_list():
    known = Fingerprints.of(["a"], [], SALT)
    for ask in (known.any, known.train, known.held_out):
        with pytest.raises(UsageError, match=r"^a list of strings is needed, and 'anna' is a single one; write \['ann"):
            ask("anna")


# --- ranks


def ranking(*scores: float) -> ModelFile:
    return replace(a_model(), held_out_scores=np.array(scores, dtype=np.float32))


def test_ranks_are_the_share_that_is_less_likely():
    file = ranking(-10, -8, -8, -8, -4)
    asked = np.array([-np.inf, -11, -10, -9, -8, -6, -4, -1])
    assert file.percentiles(asked).tolist() == [0, 0, 0, 12.5, 25, 87.5, 100, 100]
    assert file.percentiles(np.zeros(0)).shape == (0,)


def test_ranks_among_a_single_score_and_among_equal_ones():
    for file in (ranking(-5), ranking(-5, -5, -5)):
        assert file.percentiles(np.array([-np.inf, -6, -5, -4])).tolist() == [0, 0, 0, 100]


def test_many_scores_are_kept_as_1001_quantiles():
    scores = -np.random.default_rng(0).gamma(9, 2, 20_000)
    kept = quantiles(scores)
    assert (kept.shape, kept.dtype) == ((1001,), np.float32)
    assert (kept[0], kept[-1]) == (np.float32(scores.min()), np.float32(scores.max()))
    asked = np.linspace(-60, -3, 500)
    by_hand = 100 * (scores[:, None] < asked).mean(axis=0)
    found = ranking(*kept).percentiles(asked)
    assert np.abs(found - by_hand).max() < 0.1
    assert (np.diff(found) >= 0).all()
    assert np.array_equal(quantiles(scores[:1001]), np.sort(scores[:1001].astype(np.float32)))
