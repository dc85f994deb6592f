import pickle
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

import wavemore
from wavemore.errors import NotFittedError, TrainingError, UsageError
from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus
from wavemore.predict.windows import Windows
from wavemore.settings.config import Recipe


def test_it_learns(strings, tiny_recipe):
    model = StringModel(tiny_recipe, settings={"train.steps": 400, "train.evaluate_every": 100}).fit(strings)
    untrained = StringModel(tiny_recipe, settings={"train.steps": 1, "train.rate": 1e-9}).fit(strings)
    assert model.score(strings) > untrained.score(strings) + 2
    assert model.score(["bada"]) > model.score(["aabd"])
    losses = [record["validation_loss"] for record in model.history_]
    assert [record["step"] for record in model.history_] == [100, 200, 300, 400]
    assert model.file_.provenance["losses"]["validation"] == pytest.approx(min(losses))


def test_save_then_load_is_bit_identical(tiny_model, tmp_path, strings):
    path = tmp_path / "model.safetensors"
    tiny_model.save(path)
    again = wavemore.load(path)
    assert np.array_equal(again.score_samples(strings), tiny_model.score_samples(strings))
    assert again.sample(20, seed=1) == tiny_model.sample(20, seed=1)
    assert again.file_.provenance == tiny_model.file_.provenance
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_same_seed_same_model(strings, tiny_recipe):
    one, two = (StringModel(tiny_recipe, seed=3).fit(strings) for _ in range(2))
    other = StringModel(tiny_recipe, seed=4).fit(strings)
    assert one.score(strings) == two.score(strings) != other.score(strings)


def test_score_is_the_mean_of_score_samples(tiny_model, strings):
    scores = tiny_model.score_samples(strings)
    assert scores.shape == (len(strings),)
    assert scores.dtype == np.float64
    assert (scores < 0).all()
    assert tiny_model.score(strings) == pytest.approx(scores.mean())


def test_scikit_learn_can_clone_and_configure_it():
    model = StringModel("lecture", settings={"train.steps": 3}, seed=1)
    copy: Any = clone(model)  # type: ignore[type-var] - duck typing is what is tested
    assert copy is not model
    params = {"recipe": "lecture", "settings": {"train.steps": 3}, "seed": 1, "start": None, "unseen": "zero"}
    assert copy.get_params(deep=False) == model.get_params(deep=False) == params
    assert copy.set_params(seed=2) is copy
    assert copy.resolved_recipe().train.seed == 2
    with pytest.raises(UsageError, match="StringModel has no parameter 'depth'; its parameters are recipe, settings, "):
        copy.set_params(depth=3)


def test_a_fitted_model_can_be_fitted_again(strings, tiny_recipe):
    model = StringModel(tiny_recipe).fit(strings)
    assert model.sample(5, seed=1)
    model.fit([s.replace("a", "u") for s in strings])
    assert not any("a" in s for s in model.sample(50, seed=1))


def test_own_validation_and_test_lists_leave_the_list_whole(strings, tiny_recipe):
    model = StringModel(tiny_recipe).fit(strings[:40], validation=strings[40:50], test=["zebra"])
    split = model.file_.provenance["split"]
    assert (split["kind"], split["train"], split["validation"], split["test"]) == ("given", 40, 10, 1)
    assert "z" in model.file_.vocabulary.characters
    assert StringModel(tiny_recipe).fit(["ba", "be"], validation=["bo"]).file_.provenance["split"]["train"] == 2


def test_a_test_list_without_a_validation_list_is_refused(strings, tiny_recipe):
    with pytest.raises(UsageError, match="a test list of its own needs a validation list of its own"):
        StringModel(tiny_recipe).fit(strings, test=strings)


def test_provenance_says_where_the_model_comes_from(tiny_model, strings):
    provenance = tiny_model.file_.provenance
    assert provenance["data"]["strings"] == 60
    assert provenance["data"]["distinct"] == len(set(strings))
    assert len(provenance["data"]["sha256"]) == 64
    assert provenance["split"]["kind"] == "random"
    assert provenance["version"] == wavemore.__version__
    assert provenance["seed"] == 42


def test_fit_takes_a_generator_a_numpy_array_and_a_path(strings, tiny_recipe, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("\n".join(strings) + "\n", encoding="utf-8")
    sources = [(s for s in strings), np.array(strings), path, str(path)]
    fits = [wavemore.fit(source, recipe=tiny_recipe) for source in sources]  # type: ignore[arg-type]
    assert len({model.file_.provenance["data"]["sha256"] for model in fits}) == 1


def test_asked_before_it_is_fitted():
    for ask in (lambda m: m.sample(), lambda m: m.score(["a"]), lambda m: m.save("nowhere")):
        with pytest.raises(NotFittedError, match=r"not fitted yet; call fit\(strings\) first, or load a model"):
            ask(StringModel())


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m: m.score_samples("emma"), "a list of strings is needed, and 'emma' is a single one; write ['emma']"),
        (lambda m: m.score_samples(["a", 3]), "item 2 of the list is 3, of type int; it must be a string"),
        (lambda m: m.score([]), "there is no mean score of no strings; give at least one"),
        (lambda m: m.fit(["a"] * 30, resume=True), "to resume, name the checkpoint to go on from"),
    ],
)
def test_wrong_arguments(tiny_model, ask, sentence):
    with pytest.raises(UsageError) as error:
        ask(clone(tiny_model) if "resume" in sentence else tiny_model)
    assert str(error.value) == sentence


def test_repr_shows_what_was_given():
    assert repr(StringModel("lecture", seed=3)) == "StringModel(recipe='lecture', seed=3)"


def test_public_names_resolve_and_are_listed():
    assert dir(wavemore) == sorted(wavemore.__all__)
    assert all(getattr(wavemore, name) is not None for name in wavemore.__all__)
    with pytest.raises(AttributeError, match="module 'wavemore' has no attribute 'train_all'"):
        wavemore.train_all  # noqa: B018 - looking it up is the test


def test_settings_change_the_recipe():
    recipe = StringModel("lecture", settings={"model.hidden": 7}).resolved_recipe()
    assert isinstance(recipe, Recipe)
    assert (recipe.wavenet.hidden, recipe.wavenet.embedding) == (7, 24)


def test_the_same_model_in_pytorch(tiny_model, strings):
    windows = Windows.of(strings, tiny_model.file_.vocabulary, 4)
    log_p = torch.log_softmax(tiny_model.wavenet()(torch.from_numpy(windows.contexts())), 1).detach().numpy()
    total = log_p[np.arange(len(windows)), windows.answers()].sum()
    assert total == pytest.approx(tiny_model.score_samples(strings).sum(), abs=1e-3)


@pytest.mark.parametrize("nothing", [None, 3])
def test_what_is_no_list_is_refused(tiny_model, nothing):
    for ask in (StringModel().fit, tiny_model.score_samples, tiny_model.evaluate):
        with pytest.raises(UsageError, match=r"the list is (None|3); it must be strings"):
            ask(nothing)


def test_a_run_that_diverges_is_an_error_and_not_a_model(strings, tiny_recipe):
    settings = {"train.optimizer": "sgd", "train.rate": 1e12, "train.warmup": 0.0}
    with pytest.raises(TrainingError, match=r"at step 20; lower the learning rate \(train.rate is 1e\+12\)"):
        StringModel(tiny_recipe, settings=settings).fit(strings)


def test_a_read_corpus_is_taken_wherever_strings_are(tiny_model, strings):
    corpus = read_corpus(strings)
    assert tiny_model.score(corpus) == tiny_model.score(strings)
    assert tiny_model.evaluate(corpus).strings == len(strings)


def test_a_model_that_leans_towards_favourites(tiny_model, strings, tmp_path):
    liked = ["koko", "kobo", "KODO", "kolo"]
    leant = tiny_model.leaning(liked, 2, fold_case=True)
    assert leant.sample(50, seed=1) == tiny_model.sample(50, like=liked, strength=2, fold_case=True, seed=1)
    assert leant.sample(9, ends_with="o", seed=1) == tiny_model.sample(
        9, like=liked, strength=2, fold_case=True, ends_with="o", seed=1
    )
    assert leant.score(["koko"]) > tiny_model.score(["koko"]) + 1
    assert tiny_model.sample(50, seed=1) != leant.sample(50, seed=1)  # it is as it was
    again = pickle.loads(pickle.dumps(leant))
    assert np.array_equal(again.score_samples(strings), leant.score_samples(strings))
    path = tmp_path / "liked.txt"
    path.write_text("\n".join(liked))
    assert tiny_model.leaning(path, fold_case=True).sample(5, seed=1) == tiny_model.leaning(
        [s.lower() for s in liked]
    ).sample(5, seed=1)
    with pytest.raises(UsageError, match="a model that leans towards favourites is not saved; save the one that it"):
        leant.save(tmp_path / "leant.safetensors")
    assert leant.fit(strings).sample(50, seed=1) == StringModel(tiny_model.recipe).fit(strings).sample(50, seed=1)
    leant.save(tmp_path / "own.safetensors")
