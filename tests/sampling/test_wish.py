"""What is asked for: one form for Python and the command line."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wavemore
from wavemore.errors import SamplingError, UnknownCharacterError, UsageError
from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.apart import Apart
from wavemore.models.neighbours import Neighbours
from wavemore.sampling.constraints import EndsWith, Length, StartsWith
from wavemore.sampling.guided import Guiding
from wavemore.sampling.preparations import Preparations
from wavemore.sampling.wish import Wish, WishFields

new = Apart.of

TRY = "; try --fold-case (in Python fold_case=True)"


@pytest.fixture(scope="module")
def model() -> StringModel:
    return wavemore.load()


def test_everything_at_once(model: StringModel):
    drawn = model.sample(
        50,
        starts_with="m",
        ends_with="a",
        contains=["l", "r"],
        matches="[a-y]+",
        length=(5, 8),
        only="abcdefghijklmnopqrstuvwxy",
        never="u",
        banned=["ee", "ii"],
        where=~EndsWith("ia"),
        not_in=["marla"],
        new=True,
        unique=True,
        seed=1,
    )
    names = set(read_corpus("names").strings)
    assert len(set(drawn)) == 50
    for string in drawn:
        assert string[0] == "m"
        assert string[-1] == "a"
        assert "l" in string
        assert "r" in string
        assert 5 <= len(string) <= 8
        assert not set(string) & set("uz")
        assert not any(word in string for word in ("ee", "ii", "ia$"))
        assert not string.endswith("ia")
        assert string != "marla"
        assert string not in names


def test_keywords_are_the_fields_of_a_wish():
    assert WishFields.__annotations__.keys() == {field.name for field in fields(Wish)}
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        Wish("an")  # type: ignore[misc]


def test_new_strings_are_on_no_part_of_the_list(model: StringModel):
    names = set(read_corpus("names").strings)
    assert not names & set(model.sample(20_000, new=True, seed=2))
    assert len(names & set(model.sample(20_000, seed=2))) > 100


def test_a_distance_is_kept_and_changes_nothing_else(model: StringModel):
    """What is drawn is what is drawn without it, less the strings that are too near: so it is distributed as the
    model's own strings that are far enough."""
    far = model.sample(400, distance=2, seed=2)
    near = Neighbours(read_corpus("names").strings)
    assert not near.within(1, far).any()
    drawn = model.sample(3000, seed=2)
    assert far == [drawn[i] for i in np.flatnonzero(~near.within(1, drawn))][:400]
    together = {"starts_with": "ma", "matches": ".*[aeiou]", "unique": True, "not_in": ["mardogia"]}
    found = model.sample(100, distance=2, seed=1, **together)
    assert found == [s for s in model.sample(1000, seed=1, **together) if not near.within(1, [s, "mardogia"])[0]][:100]
    assert not Neighbours(["mardogia"]).within(1, found).any()
    likely = [string for string, _ in model.most_likely(20, distance=2, length=(3, None))]
    assert not near.within(1, likely).any()
    every = [string for string, _ in model.most_likely(1500, length=(3, None)) if not near.within(1, [string])[0]]
    assert likely[: len(every)] == every == ["kyung", "seung"]


def test_a_distance_of_one_is_new(model: StringModel):
    assert model.sample(500, distance=1, seed=2) == model.sample(500, new=True, seed=2)
    with pytest.raises(UsageError, match="the distance is -1; it must be a whole number of 0 or more"):
        model.sample(1, distance=-1)


def test_what_tells_a_distance_is_made_once_for_each(model: StringModel, monkeypatch: pytest.MonkeyPatch):
    made: list[int] = []
    monkeypatch.setattr(Apart, "of", lambda edits, file, given: made.append(edits) or new(edits, file, given))
    model.sample(2, distance=2, not_in=["unlisted"])
    model.sample(2, distance=2, not_in=["unlisted"], starts_with="a")
    assert made == [2]
    model.sample(2, distance=2, not_in=["another"])
    model.sample(2, distance=1, not_in=["another"])
    assert made == [2, 2, 1]


def test_a_distance_that_leaves_nothing(model: StringModel):
    with pytest.raises(UsageError, match="only 26 strings meet the conditions, and every one of them is refused"):
        model.sample(1, length=1, distance=2, not_in=["x"])


def test_strings_of_a_list_are_refused(model: StringModel, tmp_path: Path):
    some = model.sample(300, seed=3)
    assert not set(some) & set(model.sample(2000, not_in=some, seed=3))
    path = tmp_path / "some.txt"
    path.write_text("\n".join(some) + "\n")
    assert model.sample(500, not_in=path, seed=3) == model.sample(500, not_in=some, seed=3)


def test_a_length_is_a_number_or_a_pair():
    assert Wish(length=5).conditions() == [Length(5, 5)]
    assert Wish(length=(3, 8)).conditions() == [Length(3, 8)]
    assert Wish(length=(None, 8)).conditions() == [Length(0, 8)]
    assert Wish(length=(3, None)).conditions() == [Length(3)]
    assert Wish().conditions() == []


def test_what_is_asked_for_twice_holds_twice():
    assert Wish(contains="an", where=StartsWith("x")).conditions()[-1] == StartsWith("x")
    assert [str(c) for c in Wish(contains=["a", "b"]).conditions()] == ["contains 'a'", "contains 'b'"]
    assert [str(c) for c in Wish(ends_with=["a", "ia"]).conditions()] == ["ends with 'a'", "ends with 'ia'"]


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Wish(starts_with=3), "starts_with is 3; it must be a string or several"),  # type: ignore[arg-type]
        (Wish(contains=["a", 3]), "contains is ['a', 3]; it must be a string or several"),  # type: ignore[list-item]
        (Wish(length=(1, 2, 3)), "the length is (1, 2, 3); it must be a whole number or a pair (least, most)"),  # type: ignore[arg-type]
        (Wish(length="5"), "the least length is '5'; it must be a whole number of 0 or more"),  # type: ignore[arg-type]
        (
            Wish(where="a"),  # type: ignore[arg-type]
            "where is 'a'; it must be a condition, such as StartsWith('an') | EndsWith('a')",
        ),
    ],
)
def test_what_is_of_another_type(wish: Wish, sentence: str):
    with pytest.raises(UsageError) as raised:
        wish.conditions()
    assert str(raised.value) == sentence


def test_a_model_that_does_not_know_its_list_cannot_tell_what_is_new(model: StringModel):
    forgetful = replace(model.file_, fingerprints=None)
    with pytest.raises(UsageError, match="this model does not know which strings were on its list"):
        Wish(new=True).samples(forgetful, model.distribution_, 1)


def test_most_likely_first(model: StringModel):
    found = model.most_likely(30, length=5, ends_with="a", new=True)
    names = set(read_corpus("names").strings)
    assert [s for s, _ in found if len(s) != 5 or s[-1] != "a" or s in names] == []
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert scores == pytest.approx(model.score_samples([s for s, _ in found]).tolist(), abs=1e-6)
    drawn = model.sample(3000, length=5, ends_with="a", new=True, seed=1)
    others = [s for s in drawn if s not in dict(found)]
    assert model.score_samples(others).max() <= scores[-1]


# --- the other case


@pytest.mark.parametrize(
    ("wish", "folded"),
    [
        ({"starts_with": "Mar"}, {"starts_with": "mar"}),
        ({"ends_with": "IA", "never": "XY"}, {"ends_with": "ia", "never": "xy"}),
        ({"contains": ["An", "na"]}, {"contains": ["an", "na"]}),
        ({"only": "ABELINOR"}, {"only": "abelinor"}),
        ({"banned": ["EL", "an"]}, {"banned": ["el", "an"]}),
        ({"matches": "Mar.*(A|E)"}, {"matches": "mar.*(a|e)"}),
        ({"length": 5, "not_in": ["MARGO", "Marie", "x"]}, {"length": 5, "not_in": ["margo", "marie"]}),
    ],
    ids=str,
)
def test_text_in_the_other_case(model: StringModel, wish: dict, folded: dict):
    assert model.sample(200, seed=1, fold_case=True, **wish) == model.sample(200, seed=1, **folded)


def test_characters_that_the_model_knows_stay_as_they_are():
    mixed = Vocabulary("ABab")
    assert mixed.folded("AbBa") == "AbBa"
    assert Vocabulary("ABb").folded("aBb") == "ABb"
    assert Vocabulary("abß").folded("AéSS") == "aéSS"
    assert Wish(starts_with="Ab", fold_case=True).folded(mixed).starts_with == ("Ab",)


def test_a_text_that_the_model_cannot_spell_is_told_with_a_hint(model: StringModel):
    with pytest.raises(UnknownCharacterError) as raised:
        model.sample(1, starts_with="Mar")
    assert str(raised.value).endswith(f"; it knows 'm': write that, or{TRY.removeprefix(';')}")
    with pytest.raises(UnknownCharacterError) as raised:
        model.sample(1, starts_with="mär")
    assert str(raised.value).endswith("knows: abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("wish", "sentences"),
    [
        (Wish(never="ä"), ["never: no string has 'ä' anyway, the model does not know it"]),
        (
            Wish(never="aM", only="abE"),
            [
                f"only: no string has 'E' anyway, the model does not know it{TRY}",
                f"never: no string has 'M' anyway, the model does not know it{TRY}",
            ],
        ),
        (
            Wish(not_in=["Marina", "anna"]),
            [f"not_in: 1 of 2 have characters that the model knows in the other case alone, such as 'Marina'{TRY}"],
        ),
        (Wish(not_in=["Marina", "änna"], banned=["EL"], never="M", fold_case=True), []),
        (Wish(starts_with="mar", not_in=["anna"], only="abcdefghijklmnopqrstuvwxyz", banned=["ö"]), []),
    ],
    ids=str,
)
def test_what_is_asked_for_in_vain(model: StringModel, wish: Wish, sentences: list[str]):
    assert list(wish.in_vain(model.file_.vocabulary)) == sentences


# --- what is kept


def test_the_same_conditions_are_prepared_once(monkeypatch: pytest.MonkeyPatch):
    made: list[str] = []
    new, learned = Preparations._new, Guiding._made

    def counting(*args: Any) -> Any:
        made.append("conditions")
        return new(*args)

    def counting_rounds(self: Guiding, *args: Any) -> Any:
        made.append("round")
        return learned(self, *args)

    monkeypatch.setattr(Preparations, "_new", staticmethod(counting))
    monkeypatch.setattr(Guiding, "_made", counting_rounds)
    model = wavemore.load()
    first = model.sample(1, ends_with="ella", seed=1)
    assert [model.sample(1, ends_with="ella", seed=1) for _ in range(3)] == [first] * 3
    assert made == ["conditions"]
    many = model.sample(300, ends_with="ston", seed=1)
    assert made.count("conditions") == 2
    rounds = made.count("round")
    assert rounds >= 1
    assert model.sample(300, ends_with="ston", seed=1) == many
    assert made.count("round") == rounds
    model.sample(1, ends_with="ella", temperature=0.9)
    assert made.count("conditions") == 3


def test_an_error_keeps_what_was_found(model: StringModel):
    with pytest.raises(SamplingError, match="only 676 such strings exist, and 700 are asked for") as raised:
        model.sample(700, length=2, unique=True, seed=1)
    assert raised.value.strings is not None
    assert len(set(raised.value.strings)) == 676
