"""Rejection that remembers what failed, against every string of a tiny model."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice, product

import numpy as np
import pytest
from enumerated import ABC, LONGEST, chi_square_z, enumerated, sharp_engine, short

import wavemore
from wavemore.cli.sample import command
from wavemore.errors import SamplingError, UsageError
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Distribution
from wavemore.sampling import conditional
from wavemore.sampling.constraints import Condition, Contains, EndsWith, Length, StartsWith, WithoutWords
from wavemore.sampling.patterns import Matches
from wavemore.sampling.pruning import Tree
from wavemore.sampling.sample import Mode, Samples, sample_strings
from wavemore.sampling.sampler import Batch, Filter, Sampler
from wavemore.sampling.shape import UNSHAPED
from wavemore.sampling.wish import Wish

N = 20_000
WISHES: list[list[Condition]] = [
    [Matches("ab|abba|abbabc")],
    [Matches("a|ab|abc")],
    [Matches("(a|b)*?b")],
    [Matches("[abc]{0,4}cca")],
    [EndsWith("cab"), Length(6, 8)],
    [StartsWith("ca"), Contains("bb")],
    [WithoutWords(("a", "cc")), Length(4, 8)],
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return sharp_engine()


def samples(engine: Engine, n: int, *conditions: Condition, **options) -> Samples:
    return sample_strings(
        Distribution(engine, ABC), n, conditions=conditions, **{"seed": 1, "mode": "strict", **options}
    )


@pytest.mark.parametrize("conditions", WISHES, ids=lambda some: " & ".join(map(str, some)))
@pytest.mark.parametrize("seed", [1, 2])
def test_strings_follow_the_enumerated_distribution(engine: Engine, conditions: list[Condition], seed: int):
    found = samples(engine, N, *conditions, seed=seed)
    counts, probabilities = short(list(found)), enumerated(engine, conditions, UNSHAPED)
    assert counts.keys() <= probabilities.keys()
    assert counts.total() > N / 20
    assert chi_square_z(counts, probabilities) < 4.5
    assert found.clipped == found.clipped_most == 0
    assert found.unclipped == N


@pytest.mark.parametrize("conditions", [WISHES[3], WISHES[4], WISHES[6]], ids=lambda some: " & ".join(map(str, some)))
def test_a_tree_that_remembers_wrongly_would_be_noticed(engine: Engine, conditions: list[Condition], monkeypatch):
    """What failed is known where it failed, and not in the prefixes above it."""

    def refresh(self: Tree, rows: np.ndarray) -> None:
        self.bounds[rows] = self.weights[rows].sum(axis=1)

    monkeypatch.setattr(Tree, "refresh", refresh)
    counts = short(list(samples(engine, N, *conditions)))
    assert chi_square_z(counts, enumerated(engine, conditions, UNSHAPED)) > 10


def test_the_share_that_comes_through_grows(engine: Engine):
    """Once the 27 strings and all that failed are known, nothing fails any more."""
    batches = list(islice(_batches(samples(engine, 10**6, Length(3, 3))), 12))
    assert batches[0].through < batches[0].tried
    assert batches[-1].through == batches[-1].tried
    rare = list(islice(_batches(samples(engine, 10**6, EndsWith("cab"), Length(7, 8))), 12))
    assert rare[-1].through / rare[-1].tried > 5 * rare[0].through / rare[0].tried


def _batches(found: Samples) -> Iterator:
    return found.sampler.batches(found.filter, lambda: found.n)


@pytest.mark.parametrize("mode", ["exact", "strict"])
@pytest.mark.parametrize(
    "condition",
    [
        *(Length(1, 1), Length(3, 3), Length(0, 4), Length(6, 6), Matches("a|ab|abc")),
        *(Length(5, 5) & EndsWith("bb"), Length(0, 6) & Contains("cab")),
    ],
    ids=str,
)
def test_unique_strings_come_to_the_last_one_and_are_kept(engine: Engine, mode: str, condition: Condition):
    every = {"".join(s) for n in range(1, 7) for s in product("abc", repeat=n)}
    automaton = condition.automaton(ABC)
    meeting = {s for s in every if automaton.accepts(ABC.encode(s))}
    found: list[str] = []
    with pytest.raises(SamplingError, match=f"only {len(meeting):,} such strings exist, and 10,000 are asked for"):
        found.extend(samples(engine, 10_000, condition, unique=True, mode=mode))
    assert Counter(found) == Counter(meeting)


def test_unique_strings_of_which_some_are_refused(engine: Engine):
    found: list[str] = []

    def refused(strings: list[str]) -> np.ndarray:
        return np.array([s[0] == "a" for s in strings])

    with pytest.raises(SamplingError, match="only 18 such strings exist, and 19 are asked for"):
        found.extend(samples(engine, 19, Length(3, 3), unique=True, refused=refused))
    assert len(found) == 18
    with pytest.raises(UsageError, match="only 1 strings meet the conditions, and every one of them is refused"):
        samples(engine, 1, Matches("abc"), refused=refused)


def test_the_first_strings_are_the_same_however_many_are_asked_for(engine: Engine):
    """Few strings are drawn in small parts of a batch, and many in whole ones."""
    for condition in (EndsWith("cab"), Length(6, 6), Contains("bab") & Length(7, 9)):
        many = list(samples(engine, 4000, condition))
        for n in (1, 2, 30, 700, 2900):
            assert list(samples(engine, n, condition)) == many[:n]


def test_strict_gives_up_after_eight_million_characters_in_a_row_and_all_texts_say_so(engine: Engine):
    steps: list[int] = []

    def refused(strings: list[str]) -> np.ndarray:
        return np.ones(len(strings), dtype=bool)

    found = samples(engine, 1, EndsWith("b"), refused=refused)
    batches = found.sampler.batches

    class Counting(Sampler):
        def batches(self, passes: Filter, missing: Callable[[], int]) -> Iterator[Batch]:
            for batch in batches(passes, missing):
                steps.append(batch.steps)
                yield batch

    found.sampler = Counting()
    with pytest.raises(SamplingError, match="0 strings were found, and then none among"):
        list(found)
    assert sum(steps[:-1]) < 2**23 <= sum(steps)
    for text in (command.__doc__, sample_strings.__doc__, conditional.__doc__):
        said = " ".join(str(text).split())
        assert "until enough are found or eight million characters in a row have given none" in said


# --- the share of the model's strings that meet the conditions


def likely(probabilities: dict[str, float]) -> list[str]:
    """The likeliest strings, with two thirds of all probability together: nearly all that is drawn is among them."""
    ranked = sorted(probabilities, key=lambda s: -probabilities[s])
    cumulated = np.cumsum([probabilities[s] for s in ranked])
    return ranked[: int(np.searchsorted(cumulated, 2 / 3 * cumulated[-1])) + 1]


@pytest.mark.parametrize("mode", ["exact", "strict"])
@pytest.mark.parametrize("unique", [False, True], ids=["", "unique"])
@pytest.mark.parametrize("refusing", [False, True], ids=["", "refused"])
@pytest.mark.parametrize(
    ("n", "conditions"),
    [
        (27, [Length(3, 3)]),
        (700, [Length(6, 6)]),
        (400, [EndsWith("cab")]),
        (40, [StartsWith("ca"), Length(2, 5)]),
        (800, [Contains("bab"), ~StartsWith("b")]),
    ],
    ids=str,
)
def test_the_share_is_that_of_the_conditions_whatever_is_refused_or_used_up(
    engine: Engine, mode: str, unique: bool, refusing: bool, n: int, conditions: list[Condition]
):
    probabilities = enumerated(engine, conditions, UNSHAPED)
    truth, unwanted = sum(probabilities.values()), set(likely(probabilities))

    def refused(strings: list[str]) -> np.ndarray:
        return np.array([s in unwanted for s in strings], dtype=bool)

    n = min(n, len(probabilities) - len(unwanted) * refusing) if unique else n
    options = {"unique": unique, "refused": refused if refusing else None, "max_length": LONGEST}
    found = samples(engine, n, *conditions, mode=mode, **options)
    assert len(list(found)) == n
    assert abs(found.chance - truth) <= 4 * found.chance_error + 1e-6 * truth
    assert found.chance_error < truth / 4


@pytest.mark.parametrize("mode", ["exact", "strict"])
def test_the_share_of_names_of_two_characters(mode: Mode):
    model = wavemore.load()
    letters = model.file_.vocabulary.characters
    pairs = ["".join(pair) for pair in product(letters, repeat=2)]
    truth = float(np.exp(model.score_samples(pairs)).sum())
    unwanted = ["jo", "ty", "bo", "an", "al", "ed", "li"]
    for wish in (Wish(length=2), Wish(length=2, new=True), Wish(length=2, not_in=unwanted)):
        for unique in (False, True):
            found = wish.samples(model.file_, model.distribution_, 300, seed=1, unique=unique, mode=mode)
            assert len(list(found)) == 300
            assert abs(found.chance - truth) <= 4 * found.chance_error
            assert found.chance_error < truth / 5
