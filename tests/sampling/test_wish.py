"""What is asked for: one form for Python and the command line."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

import wavemore
from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus
from wavemore.sampling.constraints import EndsWith, Length, StartsWith
from wavemore.sampling.wish import Wish, WishFields


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
