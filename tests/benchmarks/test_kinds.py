"""The arithmetic behind the table of kinds: compressors' bits, equal seconds, n-grams, and who wins."""

import math
import zlib
from itertools import product

import kneser_ney
import other_kinds
import pytest
from compressors import added_nats, byte_code, in_a_row, one_by_one, predictions
from kinds_table import rows, spread, verdict
from other_kinds import THE_FIRST, Found, Problem, contend, steps_for

from wavemore import StringModel

BITS = math.log(2)


@pytest.mark.parametrize(
    ("length", "nats"),
    [
        (lambda text: 40 + len(text), 8 * BITS),  # what stands before the text is in both
        (lambda text: 40 + 3 * len(text), 24 * BITS),
        (lambda text: 7 + len(text) // 2, 4 * BITS),
        (lambda text: 12 + len(set(text)), 8 * BITS * 2 / 10),  # d and e alone are new in ten
        (lambda _: 100, 0.0),
    ],
)
def test_a_compressor_pays_for_what_it_adds_the_newlines_as_ends(length, nats):
    train, held_out = ["ab", "abc"], ["abcd", "", "dae"]
    encode = byte_code("abcde")
    assert predictions(held_out) == 10 == len(encode(held_out))
    assert in_a_row(lambda text: bytes(length(text)), encode, train, held_out) == pytest.approx(nats)


def test_added_nats_of_zlib_are_those_of_its_lengths():
    before, after = b"anna\nbob\n" * 9, b"annabel\n"
    bytes_more = len(zlib.compress(before + after)) - len(zlib.compress(before))
    assert added_nats(zlib.compress, before, after) == pytest.approx(bytes_more * 8 * BITS)


@pytest.mark.parametrize("bits", [1.1, 2.3, 3.0, 4.7])
def test_one_by_one_rounds_up_as_often_as_down(bits):
    """Of a compressor that takes so many bits a byte, and by the order of what is first up to a byte more."""
    train = [f"{i:03d}" for i in range(50)]

    def compress(text: bytes) -> bytes:
        begins = zlib.crc32(text[: 4 * len(train)]) % 64 / 8
        return bytes(math.ceil((begins + bits * len(text)) / 8))

    found = one_by_one(compress, byte_code("0123456789"), train, ["12", "345"] * 1500, seed=3)
    assert found == pytest.approx(bits * BITS, rel=0.03)


@pytest.mark.parametrize("characters", ["", "ab c", "аб в", "aàbß", "αβγ" + "".join(map(chr, range(32, 127))), "日本"])
def test_a_short_alphabet_has_a_byte_for_each_character(characters):
    codes = [byte_code(characters)([character]) for character in characters]
    assert all(len(code) == 2 and code.endswith(b"\n") and code[:1] != b"\n" for code in codes)
    assert len(set(codes)) == len(characters)
    assert all(code == f"{c}\n".encode() for c, code in zip(characters, codes, strict=True) if c.isascii())


def test_a_byte_code_has_room_for_255_characters_and_more_are_utf_8():
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 256)))
    assert len(byte_code(many[:255])([many[:255]])) == 256
    assert byte_code(many)([many, "ab"]) == f"{many}\nab\n".encode()
    with pytest.raises(ValueError, match="a newline ends each string"):
        byte_code("a\nb")


@pytest.mark.parametrize(
    ("seconds", "few", "more", "steps"),
    [
        (10.0, (10, 1.0), (40, 4.0), 100),  # nothing but steps
        (10.0, (10, 2.0), (40, 5.0), 90),  # a second of evaluations
        (12.5, (3, 2.3), (12, 3.2), 105),
        (1.0, (10, 2.0), (40, 5.0), 1),  # less than the evaluations alone
        (0.0, (10, 1.0), (40, 4.0), 1),
    ],
)
def test_steps_fill_the_seconds(seconds, few, more, steps):
    assert steps_for(seconds, few, more) == steps


@pytest.mark.parametrize(("strings", "evaluations"), [(100, 10), (5_500, 10), (5_501, 3)])
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_a_network_trains_for_its_share_of_the_seconds(monkeypatch, strings, evaluations, share):
    asked = []

    def fitted(problem, recipe, settings):
        asked.append(settings)
        return None, 2.0 + 0.25 * settings["train.steps"]

    monkeypatch.setattr(other_kinds, "fitted", fitted)
    problem = Problem(["a"] * strings, ["a"], ["a"], "a", 0, seconds=100.0)
    _, seconds = other_kinds.trained(problem, "lstm", {"model.hidden": 128}, share)
    assert seconds == pytest.approx(share * 100.0, abs=0.25)
    last = asked[-1]
    assert last["model.hidden"] == 128
    assert last["train.keep"] == "best"
    assert math.ceil(last["train.steps"] / last["train.evaluate_every"]) <= evaluations
    assert [math.ceil(each["train.steps"] / each["train.evaluate_every"]) for each in asked[1:3]] == [evaluations] * 2


def test_a_network_takes_the_settings_that_validate_best_and_then_keeps_to_them(monkeypatch):
    """Where less width and little dropout help and smaller batches hurt."""
    tried = []

    def trained(problem, recipe, settings, share):
        tried.append({**settings, "share": share})
        return settings, 1.0

    def nats_of(settings, strings):
        return settings["model.hidden"] / 256 + settings.get("model.dropout", 0.4) - settings["train.batch"] / 1000

    monkeypatch.setattr(other_kinds, "trained", trained)
    monkeypatch.setattr(other_kinds, "nats_of", nats_of)
    problem = Problem(["a"] * 6_000, ["a"], ["a"], "a", 0, seconds=1.0)
    found, _ = other_kinds.network(problem, "lstm")
    assert found.choice == {"model.hidden": 128, "train.batch": 256, "share": 1.0, "model.dropout": 0.1}
    assert found.nats == pytest.approx(min(found.tried.values())) == pytest.approx(0.5 + 0.1 - 0.256)
    assert len(tried) == len(found.tried) == problem.tries
    again, _ = other_kinds.network(Problem(["a"], ["a"], ["a"], "a", 1, choice=found.choice), "lstm")
    assert tried[problem.tries :] == [found.choice]
    assert (again.nats, again.searched) == (found.nats, 0.0)


@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
def test_kneser_ney_sums_to_one_in_every_context(order):
    strings = ["anna", "bob", "annabel", "anna", "bo", ""]
    words = kneser_ney.tokens("abelnoxü")
    model = kneser_ney.estimated(strings, order, words)
    for context in [(), *product(kneser_ney.tokens("abn"), repeat=2), tuple(kneser_ney.tokens("xüx"))]:
        total = sum(math.exp(model.log_conditional((kneser_ney.START, *context), w)) for w in [*words, kneser_ney.END])
        assert total == pytest.approx(1)
    with pytest.raises(KeyError):
        model.log_likelihood("anz")


def test_the_n_gram_is_of_the_order_that_validates_best():
    problem = Problem(["anna", "hanna", "bob", "rob"] * 3, ["hob", "nan"], ["ann", "xobü"], "abhnorxü", 0)
    found = contend("n-gram", problem)
    assert len(found.tried) == 7
    order = int(min(found.tried, key=lambda each: found.tried[each]).removeprefix("order "))
    model = kneser_ney.estimated(problem.train, order, kneser_ney.tokens(problem.characters))
    assert found.chosen == f"order {order}"
    assert found.nats == pytest.approx(-(model.log_likelihood("ann") + model.log_likelihood("xobü")) / 9)


def test_the_default_knows_the_whole_alphabet_and_its_loss_is_that_of_all_held_out_strings():
    problem = Problem(["anna", "hanna", "bob", "rob"] * 6, ["hob"], ["ann", "xobü", "rab"], "abhnorxü", 1, True)
    found = contend("auto", problem)
    model = StringModel(seed=1).fit(problem.train, validation=["hob"], characters=problem.characters)
    assert found.nats == pytest.approx(-model.score_samples(problem.held_out).sum() / predictions(problem.held_out))
    assert found.also[THE_FIRST] == found.nats
    assert found.seconds > 0


def records(*losses: float, **also: float) -> list[dict]:
    return [Found(nats, 1.5, "order 4", also=also).to_dict() for nats in losses]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            {"auto": records(2.0), "n-gram": records(2.1)},
            "wavemore's default has the lowest loss; next is n-gram, 0.1000",
        ),
        ({"auto": records(2.0, 2.1), "lstm": records(1.9, 1.8)}, "**Another kind wins: LSTM, by 0.2000.**"),
        ({"auto": records(2.0, 2.1), "gru": records(2.05, 1.9)}, "wins: GRU, by 0.0750; the ranges overlap.**"),
        ({"auto": records(2.0), "gru": records(1.9), "PPM": records(1.8)}, "wins: PPM, by 0.2000"),
        (
            {"auto": records(2.0), "best": records(1.5), "PPM": records(2.2)},
            "the lowest loss; next is PPM, 0.2000 behind",
        ),
        ({"auto": records(2.0, **{THE_FIRST: 1.7}), "context mixing": records(1.8)}, "next is context mixing, 0.1000"),
        ({"auto": records(1.7, **{THE_FIRST: 2.0}), "context mixing": records(1.8)}, "wins: context mixing, by 0.2000"),
    ],
)
def test_the_verdict_names_the_winner_and_doubts_overlapping_ranges(found, says):
    assert says in verdict(found)


def test_there_is_no_verdict_without_the_default_or_another_kind():
    assert verdict({"auto": records(2.0), "fast": records(2.1)}) == verdict({"lstm": records(2.0)}) == ""


def test_rows_have_median_and_range_and_say_how_a_compressor_read():
    alone = {"in a row": 1.75, "strings one by one": 200}
    lines = rows({"auto": records(2.0, 2.5, 1.9), "PPM": records(2.2), "context mixing": records(2.1, **alone)})
    assert lines == [
        "| wavemore, default | 2.0000 (1.9000 to 2.5000) | 1.50 (1.50 to 1.50) |  |  |",
        "| PPM, strings in a row | 2.2000 | 1.50 | 0.0 | order 4 |",
        "| context mixing, 200 strings one by one | 2.1000 | 1.50 | 0.0 | order 4 |",
        "| context mixing, strings in a row | 1.7500 | | | |",
    ]
    assert spread([0.25], 2) == "0.25"
