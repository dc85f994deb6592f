"""When a guide is prepared for exact samples, and when it is not."""

import pytest
from models_at_random import KINDS

import wavemore
from wavemore.errors import SamplingError
from wavemore.estimator import StringModel
from wavemore.sampling.conditional import Exact, Limits, Preparation
from wavemore.sampling.constraints import Condition, EndsWith, conjunction
from wavemore.sampling.guided import Guided
from wavemore.sampling.sample import Samples
from wavemore.sampling.sampler import Filter
from wavemore.sampling.shape import UNSHAPED


@pytest.fixture(scope="module")
def names() -> StringModel:
    return wavemore.load()


def of_names(names: StringModel, *conditions: Condition) -> Preparation:
    automaton = conjunction(conditions, names.file_.vocabulary)
    assert automaton is not None
    return Preparation.of(names.distribution_, automaton, UNSHAPED, 1000)


def test_exact_strings_of_a_rare_condition_are_guided_in_the_end_and_say_how_far_they_may_be_off(names: StringModel):
    preparation = of_names(names, EndsWith("ston"))
    samples = Samples(preparation.exact(1), 400)
    strings = list(samples)
    assert 0 < samples.unclipped < len(strings)
    assert 0 < samples.clipped <= samples.clipped_most < 0.01
    tried = Samples(preparation.strict(1), samples.unclipped)
    assert strings[: samples.unclipped] == list(tried)
    assert (tried.unclipped, tried.clipped) == (samples.unclipped, 0)


def test_a_guide_is_prepared_when_it_costs_no_more_than_half_of_what_was_spent(names: StringModel, monkeypatch):
    spent, at = 0, []

    def guided(self: Preparation, seed: int, rounds: int) -> Guided:
        at.append(spent)
        nothing = dict.fromkeys(("kept", "chance_error", "log_bound", "clipped", "clipped_most"), 0.0)
        return Guided(source=self.source, chance=1.0, cost=20_000, strings=1, **nothing)

    monkeypatch.setattr(Preparation, "guided", guided)
    limits = Limits(free=0, first=20_000, guided_cost=1.0)
    for batch in Exact(of_names(names, EndsWith("sigma")), 1, limits).batches(Filter(), lambda: 10**9):
        spent += batch.cost
        if spent > 200_000:
            break
    assert len(at) == limits.rounds
    assert all(before / 2 >= 20_000 * (number + 1) for number, before in enumerate(at))


def test_few_strings_and_common_conditions_get_no_guide(names: StringModel, monkeypatch):
    monkeypatch.setattr(Preparation, "guided", lambda *_: pytest.fail("a guide was prepared"))
    assert len(names.sample(5000, ends_with="a", seed=1)) == 5000
    assert len(names.sample(3, ends_with="ella", seed=1)) == 3
    assert len(names.sample(676, length=2, seed=1, unique=True)) == 676


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_says_how_much_work_it_is(kind: str):
    model = KINDS[kind]()
    assert isinstance(model.work, int)
    assert (model.work > 0) == (kind != "n-gram")


def test_the_work_of_a_network_is_about_its_parameters(names: StringModel):
    parameters = names.file_.parameter_count
    assert 0.5 * parameters < names.distribution_.predictor.work < 1.5 * parameters


def test_a_condition_that_the_model_hardly_meets_is_told_with_its_chance(names: StringModel):
    limits = Limits(least_effective=1e9, good=2.0, rare=1.0)
    sentence = r"too rare for mode exact: about [\d.e-]+ of the model's strings meet them"
    with pytest.raises(SamplingError, match=sentence):
        list(Samples(Exact(of_names(names, EndsWith("ston")), 1, limits), 9000))


def test_fast_strings_that_the_model_never_ends_are_told_before_long(names: StringModel):
    with pytest.raises(SamplingError, match=r"^0 strings were found, and then none among") as raised:
        names.sample(3, contains=["q", "zz"], top_p=0.5, mode="fast", seed=1)
    assert raised.value.strings == []
