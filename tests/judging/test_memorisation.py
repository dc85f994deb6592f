"""What a model knows by heart: planted probabilities, whose sums and ratio are known, and counts of whole strings."""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.judging.memorisation import Mass, Memorisation, check_fingerprints, estimated, exact
from wavemore.lists.corpus import read_corpus, split
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.fingerprints import Fingerprints
from wavemore.predict.predictor import Distribution, Predictions

SALT = bytes(16)


class Planted:
    """Predicts single characters: each with a probability of its own, and then surely the end."""

    def __init__(self, probabilities: dict[str, float]) -> None:
        self.vocabulary = Vocabulary("".join(sorted(probabilities)))
        self.vocabulary_size = len(self.vocabulary)
        self._chances = np.array([1e-9, *(probabilities[c] for c in self.vocabulary.characters)])
        self.remembered = 1

    def start(self, strings: int) -> Any: ...

    def step(self, state: Any, going_on: np.ndarray, characters: np.ndarray) -> Any: ...

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        assert set(map(len, strings)) <= {1}
        ids, _ = vocabulary.encode_all(strings)
        first, end = np.log(self._chances), np.full(self.vocabulary_size, -60.0)
        end[0] = 0
        answers = np.stack([ids, np.zeros_like(ids)], axis=1).reshape(-1)
        places = np.tile([0, 1], len(strings))
        yield Predictions(np.arange(len(answers)), places, np.stack([first, end]).astype(np.float32), answers)


CHANCES = {"a": 0.4, "b": 0.2, "c": 0.1, "d": 0.2, "e": 0.1}


def test_exact_sums_are_those_of_the_distinct_strings():
    engine: Any = Planted(CHANCES)
    found = exact(Distribution(engine, engine.vocabulary), ["a", "b", "a", "c"], ["d", "a", "e", "d"])
    assert (found.train.strings, found.held_out.strings, found.samples) == (3, 2, None)
    assert found.train.total == pytest.approx(0.7)
    assert found.held_out.total == pytest.approx(0.3)  # a stands in the training part too
    assert found.train.squares == pytest.approx(0.16 + 0.04 + 0.01)
    assert found.factor == pytest.approx((0.7 / 3) / (0.3 / 2))
    assert found.interval is None  # of three strings
    assert found.to_dict() == {
        "train_strings": 3,
        "train_probability": pytest.approx(0.7),
        "held_out_strings": 2,
        "held_out_probability": pytest.approx(0.3),
        "factor": pytest.approx(0.7 / 0.45),
        "factor_interval": None,
        "samples": None,
    }


def test_samples_estimate_the_same(tiny_model):
    """Samples drawn from the planted probabilities, and a file whose fingerprints are of the planted parts."""
    engine: Any = Planted(CHANCES)
    planted = Fingerprints.of(["a", "b", "c"], ["a", "d", "e"], SALT)
    file = replace(tiny_model.file_, vocabulary=engine.vocabulary, fingerprints=planted)
    drawn = random.Random(1).choices([*CHANCES], weights=[*CHANCES.values()], k=20_000)
    found, whole = (
        estimated(file, Distribution(engine, engine.vocabulary), drawn),
        exact(Distribution(engine, engine.vocabulary), "abc", "ade"),
    )
    counts = Counter(drawn)
    assert found.samples == 20_000
    assert (found.train.strings, found.held_out.strings) == (3, 2)
    assert found.train.hits == counts["a"] + counts["b"] + counts["c"]
    assert found.held_out.hits == counts["d"] + counts["e"]
    assert found.train.total == pytest.approx((counts["a"] + counts["b"] + counts["c"]) / 20_000)
    assert found.factor is not None
    assert found.factor == pytest.approx(whole.factor, rel=0.05)
    for one, two in ((found.train, whole.train), (found.held_out, whole.held_out)):
        assert one.total == pytest.approx(two.total, rel=0.05)
        assert one.squares == pytest.approx(two.squares, rel=0.05)


def test_of_equal_strings_the_interval_is_that_of_the_samples_alone():
    """Shares of 0.2 and 0.1 of 1,000 samples: 1 / 200 + 1 / 100 is the variance of the logarithm of their ratio."""
    train, held_out = Mass(20, 0.2, 0.002, 200), Mass(10, 0.1, 0.001, 100)
    found = Memorisation(train, held_out, 1000)
    assert found.factor == 1
    assert found.interval == pytest.approx((math.exp(-1.959964 * math.sqrt(0.015)), math.exp(1.959964 * 0.015**0.5)))
    sure = Memorisation(replace(train, hits=None), replace(held_out, hits=None))
    assert sure.interval == pytest.approx((1, 1))


def test_the_interval_holds_a_factor_of_one_as_often_as_it_says():
    """A thousand probabilities, far apart, dealt out to two parts at random: nothing is known by heart."""
    draw, held = np.random.default_rng(0), 0
    for _ in range(400):
        chances = np.exp(draw.normal(-10, 1.2, 1000))
        train, held_out = (Mass(len(p), p.sum(), np.square(p).sum()) for p in np.split(chances, [800]))
        interval = Memorisation(train, held_out).interval
        assert interval is not None
        held += interval[0] <= 1 <= interval[1]
    assert 0.90 < held / 400 < 0.985


@pytest.mark.parametrize(
    "masses",
    [
        (Mass(0, 0.0, 0.0), Mass(20, 0.1, 0.001)),
        (Mass(20, 0.1, 0.001), Mass(0, 0.0, 0.0)),
        (Mass(20, 0.1, 0.001, 100), Mass(20, 0.0, 0.0, 0)),
    ],
)
def test_without_strings_or_samples_there_is_no_factor(masses):
    found = Memorisation(*masses)
    assert found.factor is found.interval is None
    assert found.to_dict()["factor_interval"] is None
    assert found.sentence == (
        "there are too few strings, or they are too unlikely, to tell what the model knows by heart"
    )


@pytest.mark.parametrize(
    ("train", "held_out", "sentence"),
    [
        (
            Mass(100, 0.4, 0.0016),
            Mass(50, 0.1, 0.0002),
            "a training string is 2.00 times as likely as a held-out one (95 % interval 2.00 to 2.00): the model knows "
            "strings by heart, or likelier ones were put into the training part",
        ),
        (
            Mass(100, 0.1, 0.0001, 20),
            Mass(100, 0.1, 0.0001, 20),
            "a training string is 1.00 times as likely as a held-out one (95 % interval 0.54 to 1.86): there is no "
            "sign that the model knows strings by heart",
        ),
        (
            Mass(100, 0.1, 0.0001),
            Mass(100, 0.4, 0.0016),
            "a training string is 0.25 times as likely as a held-out one (95 % interval 0.25 to 0.25): likelier "
            "strings were held out than learned, so the parts differ in kind",
        ),
        (
            Mass(100, 0.1, 0.0001, 20),
            Mass(100, 0.01, 0.000001, 2),
            "a training string is 10.00 times as likely as a held-out one, of too few strings to tell what the model "
            "knows by heart",
        ),
    ],
)
def test_all_of_it_in_words(train, held_out, sentence):
    assert Memorisation(train, held_out).sentence == sentence


def test_a_file_without_fingerprints_is_refused(tiny_model, strings):
    file = replace(tiny_model.file_, fingerprints=None, path="old.safetensors")
    message = (
        "the model old.safetensors keeps no fingerprints of its strings, so it cannot tell them from others; evaluate "
        "it on its list with --memory, or train it again with data.remember = true"
    )
    for ask in (check_fingerprints, lambda file: estimated(file, tiny_model.distribution_, strings)):
        with pytest.raises(UsageError) as caught:
            ask(file)
        assert str(caught.value) == message
    with pytest.raises(UsageError, match=r"^the model keeps no fingerprints "):
        check_fingerprints(replace(file, path=""))


def words(count: int) -> list[str]:
    """Distinct ones of six letters, any of them as likely as any other."""
    draw, found = random.Random(2), dict[str, None]()
    while len(found) < count:
        found["".join(draw.choices("abcd", k=6))] = None
    return list(found)


def test_a_model_that_learns_its_list_by_heart_is_told_from_one_that_does_not():
    """Counts of whole strings, and counts of pairs; from the list and from the file."""
    strings = words(600)
    by_heart, pairs = (StringModel("ngram", settings={"model.order": order}).fit(strings) for order in (8, 2))
    parts = split(read_corpus(strings), by_heart.file_.recipe.data)
    held_out = [*parts.validation, *parts.test]

    def known(model: StringModel) -> Memorisation:
        return exact(model.distribution_, parts.train, held_out)

    whole, found = known(by_heart), estimated(by_heart.file_, by_heart.distribution_, by_heart.sample(20_000, seed=0))
    assert whole.interval is not None
    assert found.interval is not None
    assert whole.interval[0] > 20
    assert found.interval[0] < whole.interval[1]
    assert whole.interval[0] < found.interval[1]
    assert found.train.total == pytest.approx(whole.train.total, rel=0.05)
    assert "knows strings by heart, or" in whole.sentence
    assert "knows strings by heart, or" in found.sentence
    assert known(pairs).factor == pytest.approx(1, abs=0.1)


def test_a_model_of_other_strings_knows_none_by_heart():
    """Dealt out to the parts at random, again and again; about one interval of twenty may miss."""
    others, strings = words(1200)[:600], words(1200)[600:]
    model = StringModel("ngram", settings={"model.order": 8}).fit(others)
    draw, held = random.Random(0), 0
    for _ in range(20):
        draw.shuffle(strings)
        found = exact(model.distribution_, strings[:480], strings[480:])
        assert found.interval is not None
        held += found.interval[0] < 1 < found.interval[1]
    assert held >= 17
