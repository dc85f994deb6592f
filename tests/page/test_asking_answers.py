"""What the page says of strings is what Python says: scores, reasons, and the likeliest strings in their order."""

from random import Random
from typing import Any

import numpy as np
import pytest
from asked import sharp_model
from enumerated import ABC, EVERY, sharp_engine
from in_node import Page, as_numbers, table_of

from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.judging.row_scores import Judge, RowScores
from wavemore.models.fingerprints import ranks
from wavemore.models.plausible import Plausible
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Condition, Contains, EndsWith, Length, Never, StartsWith, conjunction
from wavemore.sampling.patterns import Matches
from wavemore.sampling.sample import sample_strings
from wavemore.sampling.search import most_likely

QUANTILES = np.sort(np.random.default_rng(0).normal(-9, 3, 41).astype(np.float32))


def tiny_page_model(model: StringModel, seen: list[str]) -> dict[str, Any]:
    """A table that says what the tiny model says."""
    about = {"heldOut": QUANTILES.tolist(), "maxLength": 1000}
    return {**table_of(model.distribution_.predictor, model.distribution_.vocabulary, 4), "about": about, "seen": seen}


def strings_for(model: StringModel, seen: list[str]) -> list[str]:
    """Seen and new ones, odd ones, the empty one, long ones, with characters that the model does not know."""
    rng, letters = Random(4), model.distribution_.vocabulary.characters
    odd = ["".join(rng.choices(letters, k=rng.randint(1, 9))) for _ in range(300)]
    return ["", *seen[:20], *odd, "b" * 60, "x", "baXbe", "zzz", "bax", "e\u0301", "ba\u0065\u0301"]


def test_scores_are_pythons(page: Page, tiny_model: StringModel, strings: list[str]) -> None:
    texts = strings_for(tiny_model, strings)
    answers = page.asked(tiny_page_model(tiny_model, strings), {"id": 1, "ask": "score", "strings": texts})
    rows = [row for answer in answers for row in answer["rows"]]
    assert [answer["done"] for answer in answers] == [False] * (len(answers) - 1) + [True]
    judge = Judge("tiny", tiny_model.file_, tiny_model.distribution_)
    columns = RowScores([judge], surprise=True).columns(texts)
    expected = {name: np.asarray(column) for name, column in columns.items()}
    np.testing.assert_allclose(
        as_numbers([row["logLikelihood"] for row in rows]), expected["log_likelihood"], atol=1e-5
    )
    np.testing.assert_allclose(as_numbers([row["surprise"] for row in rows]), expected["surprise"], atol=1e-5)
    per_character = as_numbers([row["perCharacter"] for row in rows]) / np.log(2)
    np.testing.assert_allclose(per_character, expected["bits_per_character"], atol=1e-5)
    percentiles = as_numbers([row["percentile"] for row in rows])
    np.testing.assert_allclose(percentiles, 100 * ranks(QUANTILES, expected["log_likelihood"]), atol=1e-3)
    assert 0 in percentiles
    assert 100 in percentiles
    assert [row["unknown"] or "" for row in rows] == expected["unknown"].tolist()
    assert [row["seen"] for row in rows] == [text in strings for text in texts]
    assert rows[-1]["string"] == "ba\u00e9"  # in NFC


def test_percentiles_at_and_between_held_out_strings(page: Page) -> None:
    model = {**sharp_model(), "about": {"heldOut": [-6.0, -6.0, -5.0, -4.5, -4.0]}}
    (answer,) = page.asked(model, {"id": 1, "ask": "score", "strings": EVERY[:120]})
    scores = [row["logLikelihood"] for row in answer["rows"]]
    expected = 100 * ranks(np.array([-6, -6, -5, -4.5, -4], dtype=np.float32), np.array(scores))
    np.testing.assert_allclose([row["percentile"] for row in answer["rows"]], expected, atol=1e-4)
    assert len(set(expected.tolist())) > 5


def test_each_characters_surprise_and_what_was_expected(
    page: Page, tiny_model: StringModel, strings: list[str]
) -> None:
    texts = [*strings_for(tiny_model, strings)[::7], "baXbe", "x", "e\u0301"]
    model = tiny_page_model(tiny_model, strings)
    messages = [{"id": i, "ask": "explain", "string": text} for i, text in enumerate(texts)]
    answers = {answer["id"]: answer for answer in page.asked(model, *messages)}
    scored = page.asked(model, {"id": 1, "ask": "score", "strings": texts})
    bits = [row["bits"] for answer in scored for row in answer["rows"]]
    for i, explanation in enumerate(tiny_model.explain(texts)):
        rows, expected = answers[i]["rows"], explanation.predictions
        assert answers[i]["string"] == explanation.string
        assert [row["character"] for row in rows] == [one.character or "end" for one in expected]
        assert [row["rank"] for row in rows] == [one.rank for one in expected]
        np.testing.assert_allclose(
            as_numbers([row["logProbability"] for row in rows]), [one.log_probability for one in expected], atol=1e-5
        )
        np.testing.assert_allclose(as_numbers(bits[i])[: len(rows)], [one.bits for one in expected], atol=1e-5)
        assert np.isnan(as_numbers(bits[i])[len(rows) :]).all()
        assert len(bits[i]) == len(explanation.string) + 1
        for row, one in zip(rows, expected, strict=True):
            assert [other["character"] for other in row["expected"]] == [a.character or "end" for a in one.alternatives]
            chances = [other["probability"] for other in row["expected"]]
            np.testing.assert_allclose(chances, [a.probability for a in one.alternatives], atol=1e-6)


def test_the_tree_has_characters_in_place_of_ids(page: Page) -> None:
    answer = page.does("tree", characters=["a", "b"], string="abx", ids=[[0, 0], [0, 1], [1, 2]])
    assert [node["characters"] for node in answer["levels"][0]["nodes"]] == [["", ""], ["", "a"], ["a", "b"]]
    assert answer["read"] == [1, 2]
    assert answer["unknown"] == "x"
    assert [one["character"] for one in answer["probabilities"]] == ["end", "a", "b"]


LIKELIEST: list[tuple[dict[str, Any], list[Condition]]] = [
    ({}, []),
    ({"startsWith": "ca", "maxLength": 6}, [StartsWith("ca"), Length(0, 6)]),
    ({"endsWith": "bca"}, [EndsWith("bca")]),
    ({"contains": "bb", "never": "c"}, [Contains("bb"), Never("c")]),
    ({"pattern": "(ab|c)+[ab]{2}", "minLength": 5}, [Matches("(ab|c)+[ab]{2}"), Length(5)]),
    ({"maxLength": 2}, [Length(0, 2)]),
]


@pytest.mark.parametrize(("wish", "conditions"), LIKELIEST)
def test_the_likeliest_come_in_pythons_order(page: Page, wish: dict[str, Any], conditions: list[Condition]) -> None:
    distribution = Distribution(sharp_engine(), ABC)
    expected = most_likely(distribution, 300, automaton=conjunction(conditions, ABC))
    answers = page.sampled(sharp_model(), count=300, likeliest=True, **wish)
    found = [one for answer in answers for one in answer["strings"]]
    assert [one["string"] for one in found] == [string for string, _ in expected]
    np.testing.assert_allclose([one["logLikelihood"] for one in found], [score for _, score in expected], atol=1e-5)
    assert answers[-1]["done"]
    fewer = f"there are only {len(expected)} such strings" if len(expected) < 300 else None
    assert answers[-1]["reason"] == fewer


def test_the_likeliest_new_ones(page: Page) -> None:
    expected = most_likely(Distribution(sharp_engine(), ABC), 60)
    seen = [string for string, _ in expected[::3]]
    model = {**sharp_model(), "seen": seen}
    found = page.strings(model, count=40, likeliest=True, isNew=True)
    assert found == [string for string, _ in expected if string not in seen]


def test_equally_likely_strings_come_in_the_order_of_code_points(page: Page) -> None:
    characters = ["a", "\uff5e", "\U00010400"]  # in UTF-16 the last one comes before the second
    model = {"characters": characters, "table": {"context": 1, "logits": [0.0] * 16}}
    found = page.strings(model, count=12, likeliest=True)
    assert found == sorted(found, key=lambda string: (len(string), string))
    assert len(found) == 12


def test_a_search_that_takes_too_much_ends_with_what_is_certain(page: Page) -> None:
    letters = [chr(0x4E00 + i) for i in range(1500)]
    model = {"characters": letters, "table": {"context": 0, "logits": [-40.0] + [0.0] * 1500}}
    answers = page.sampled(model, count=5, likeliest=True, minLength=60)
    assert answers[-1]["done"]
    assert "beginnings; ask for fewer strings or conditions, or draw samples" in answers[-1]["reason"]


def test_a_model_that_does_not_know_its_list_cannot_tell_what_is_new(page: Page) -> None:
    for likeliest in (False, True):
        (answer,) = page.sampled(sharp_model(), count=3, isNew=True, likeliest=likeliest)
        assert answer["error"].startswith("this model does not know which strings were on its list")


def test_where_all_that_meet_the_conditions_are_seen_that_is_told_at_once(page: Page) -> None:
    model = {**sharp_model(), "seen": ["ab", "cb"]}
    (answer,) = page.sampled(model, count=3, isNew=True, pattern="[ac]b")
    distribution, seen = Distribution(sharp_engine(), ABC), {"ab", "cb"}
    with pytest.raises(UsageError) as error:
        sample_strings(
            distribution,
            1,
            conditions=[Matches("[ac]b")],
            refused=lambda strings: np.array([string in seen for string in strings]),
        )
    assert answer["error"] == str(error.value)
    assert answer["error"].startswith("only 2 strings meet the conditions, and every one of them is refused")


def test_conditions_that_the_model_never_meets(page: Page) -> None:
    model = {"characters": ["a", "b"], "table": {"context": 1, "logits": [0.0, 0.0, -1000.0] * 3}}
    (answer,) = page.sampled(model, count=3, startsWith="ba")
    assert answer["error"] == (
        "every string that meets the conditions begins with 'ba', and the model makes no such string; ask for fewer "
        "conditions"
    )
    answers = page.sampled(model, count=3, contains="b", maxLength=3)
    assert [answer["done"] for answer in answers] == [False] * (len(answers) - 1) + [True]
    assert answers[-1]["reason"] == "the model makes none that can be used"


def test_a_stopped_job_says_nothing_more_and_others_go_on(page: Page) -> None:
    model = sharp_model()
    stopped = page.asked(model, {"id": 1, "ask": "sample", "wish": {"count": 10_000_000}}, stop_after=3)
    assert len(stopped) == 3
    assert not stopped[-1]["done"]
    two = page.asked(
        model,
        {"id": 1, "ask": "sample", "wish": {"count": 60_000, "seed": 1, "unique": False}},
        {"id": 2, "ask": "sample", "wish": {"count": 3_000, "seed": 2, "endsWith": "ca"}},
        {"id": 3, "ask": "explain", "string": "abc"},
        {"id": 4, "ask": "dance"},
    )
    order = [answer["id"] for answer in two]
    assert order[0] == 4  # refused at once
    assert order[1] == 3  # the newest first
    assert order.index(2) < order.index(1)
    for job, count in ((1, 60_000), (2, 3_000)):
        parts = [answer for answer in two if answer["id"] == job]
        assert sum(len(part["strings"]) for part in parts) == count
        assert [part["done"] for part in parts] == [False] * (len(parts) - 1) + [True]
    assert next(answer for answer in two if answer["id"] == 4)["error"].startswith('"dance" cannot be asked')


def test_what_is_stopped_before_its_turn_is_not_worked_out(page: Page) -> None:
    tree = {"id": 1, "ask": "tree", "string": "abc"}  # a table has no tree, so to work it out would be an error
    (error,) = page.asked(sharp_model(), tree)
    assert "it should not have" in error["error"]
    (answer,) = page.asked(sharp_model(), tree, {"id": 1, "ask": "stop"}, {"id": 2, "ask": "explain", "string": "abc"})
    assert answer["id"] == 2


def test_of_plausible_strings_none_surprises_more_than_the_limits(page: Page) -> None:
    limits = {"mean": 1.6, "worst": 4.0}
    model = {**sharp_model(), "about": {"plausible": limits}}
    for wish in ({"unique": False}, {"endsWith": "a", "unique": False}):
        answers = page.sampled(model, count=2000, seed=1, plausible=True, **wish)
        strings = [one["string"] for answer in answers for one in answer["strings"]]
        scored = page.asked(model, {"id": 1, "ask": "score", "strings": strings})
        rows = [row for answer in scored for row in answer["rows"]]
        excess = [
            max(row["perCharacter"] / limits["mean"], max(row["bits"]) * np.log(2) / limits["worst"]) for row in rows
        ]
        assert len(strings) == 2000
        assert sum(one > 1 + 1e-6 for one in excess) == answers[-1]["implausible"]
        assert answers[-1]["implausible"] < 40
        plain = page.strings(model, count=2000, seed=1, **wish)
        assert set(strings[:50]) <= set(plain)  # the same draws, some of them passed over
        assert strings != plain


def test_a_model_without_limits_takes_them_from_its_own_strings(page: Page) -> None:
    model = sharp_model()
    drawn = page.strings(model, count=2000, seed=1, plausible=True, unique=False)
    distribution = Distribution(sharp_engine(), ABC)
    limits = Plausible.of(distribution, page.strings(model, count=2000, seed=9, unique=False))
    assert limits is not None
    passed_over = limits.excess(distribution, page.strings(model, count=2000, seed=1, unique=False)) > 1.04
    assert passed_over.mean() > 0.04
    assert (limits.excess(distribution, drawn) > 1.04).mean() < 0.2 * passed_over.mean()
