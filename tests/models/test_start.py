"""Models that start from another: what they begin as, when by itself, and what a run and a file say of it."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import tiny_strings

import wavemore
from wavemore.errors import CheckpointError, ConfigError
from wavemore.estimator import StringModel
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile
from wavemore.models.start import BASE, Start, base_path
from wavemore.predict.predictor import log_probabilities
from wavemore.train import Checkpoint
from wavemore.train.loop import _Job

SURNAMES = [
    *("Virtanen", "Korhonen", "Mäkinen", "Nieminen", "Mäkelä", "Hämäläinen", "Laine", "Heikkinen", "Koskinen"),
    *("Järvinen", "Lehtonen", "Lehtinen", "Saarinen", "Niemi", "Heinonen", "Salonen", "Turunen", "Laitinen", "Salo"),
    *("Tuominen", "Rantanen", "Jokinen", "Karjalainen", "Mattila", "Savolainen", "Lahtinen", "Ahonen", "Leppänen"),
    *("Väisänen", "Kallio", "Hiltunen", "Pitkänen", "Kinnunen", "Nurmi", "Lehto", "Seppälä", "Miettinen", "Peltonen"),
    *("Räsänen", "Toivonen"),
]
GREEK = ["Αλέξης", "Βασίλης", "Γιάννης", "Δήμητρα", "Ελένη", "Ζωή", "Ηλίας", "Θωμάς", "Ιωάννα", "Κώστας", "Νίκος"]


@pytest.fixture(scope="module")
def started() -> StringModel:
    return wavemore.fit(SURNAMES[:20], validation=SURNAMES[20:], seed=1)


def test_a_short_list_starts_from_the_base_model_and_is_learned_better(started):
    assert started.file_.recipe.train.start == BASE
    alone = wavemore.fit(SURNAMES[:20], validation=SURNAMES[20:], seed=1, start="none")
    assert alone.file_.recipe.train.start == ""
    assert "start" not in alone.file_.provenance
    loss, before = (model.file_.provenance["losses"]["validation"] for model in (started, alone))
    assert loss < before - 0.05


def test_the_file_says_what_it_started_from(started, tmp_path):
    started.save(tmp_path / "surnames.safetensors")
    file = ModelFile.load(tmp_path / "surnames.safetensors")
    told = file.provenance["start"]
    assert told["name"] == BASE
    assert len(told["weights"]) == 64
    assert set(Start(BASE).characters) | set("".join(SURNAMES)) == set(file.vocabulary.characters)
    other = wavemore.fit(SURNAMES, start=tmp_path / "surnames.safetensors", settings={"train.steps": 1})
    assert other.file_.provenance["start"]["name"] == str(tmp_path / "surnames.safetensors")
    assert other.file_.provenance["start"]["weights"] != told["weights"]


def test_the_first_weights_are_those_of_the_start_where_it_knows_a_character():
    start, strings = Start(BASE), ["Eλ", "λa"]
    vocabulary = Vocabulary.of([*strings, start.characters])
    weights = start.weights(0, vocabulary, strings, np.random.default_rng(0))
    old = start.file.weights
    known = [0, *(vocabulary.encode(start.characters))]
    assert np.array_equal(weights["embedding.weight"][known], old["embedding.weight"])
    assert np.array_equal(weights["head.linear.weight"][:, known], old["head.linear.weight"])
    new = int(vocabulary.encode("λ")[0])
    assert np.allclose(weights["head.linear.weight"][:, new], old["head.linear.weight"].mean(axis=1))
    same = [name for name in old if name.startswith("levels.")]
    assert len(same) > 10
    assert all(np.array_equal(weights[name], old[name]) for name in same)


def test_characters_are_first_expected_as_often_as_they_stand_on_the_list():
    """A round by its formula alone, from what the start's own model predicts; of several it is the first."""
    start = Start(BASE)
    strings = ["Zizz", "Zozz", "Zuzz"] * 40
    weights = start.weights(0, start.file.vocabulary, strings, np.random.default_rng(0))
    begun = ModelFile(start.file.recipe, start.file.vocabulary, weights)

    def expected(file: ModelFile) -> float:
        """The mean probability of a z at all places."""
        total = 0.0
        for _, contexts, logits, _ in distribution_of(file).predictions(strings):
            chances = np.exp(logits - logits.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
            total += float(chances[contexts, file.vocabulary.encode("z")[0]].sum())
        return total / 600

    share = 240 / 600
    assert expected(start.file) < 0.25
    assert expected(begun) == pytest.approx(share, abs=0.02)


def test_a_start_is_chosen_where_the_base_knows_the_characters_of_few_short_strings():
    def start(strings: Sequence[str], **settings: object) -> str:
        return StringModel(settings=settings).resolved_recipe(strings).train.start

    assert start(SURNAMES) == BASE
    assert start(SURNAMES, **{"train.steps": 3, "model.members": 2, "model.dropout": 0.0}) == BASE
    assert start(GREEK) == ""
    assert start([f"{name}{i}" for name in SURNAMES for i in range(50)]) == ""
    assert start([name * 5 for name in SURNAMES]) == ""
    assert start(SURNAMES, **{"model.hidden": 32}) == start(SURNAMES, **{"train.form": "windowed"}) == ""
    assert StringModel("fast").resolved_recipe(SURNAMES).train.start == ""


def test_passes_that_are_asked_for_count_in_place_of_steps():
    by_itself = StringModel().resolved_recipe(SURNAMES).train
    asked = StringModel(settings={"train.epochs": 30}).resolved_recipe(SURNAMES).train
    assert by_itself.steps > 0
    assert (asked.steps, asked.epochs, asked.start) == (0, 30, BASE)


@pytest.mark.parametrize("count", [5, 8])
def test_from_five_strings_up(count):
    model = wavemore.fit(SURNAMES[:count], seed=3)
    split = model.file_.provenance["split"]
    assert (split["train"], split["validation"], split["test"]) == (count - 2, 1, 1)
    scores = model.score_samples([*SURNAMES[10:30], *("".join(sorted(name)) for name in SURNAMES[10:30])])
    assert scores[:20].sum() > scores[20:].sum()  # names are likelier than their letters in another order


def test_networks_that_vote_start_alike_and_go_their_own_ways():
    model = wavemore.fit(SURNAMES, settings={"model.members": 2, "train.steps": 2, "train.threads": 1})
    first, second = model.file_.members()
    start = Start(BASE).file.weights["levels.0.linear.weight"]
    for one in (first, second):
        assert 0 < np.abs(one["levels.0.linear.weight"] - start).max() < 0.02
    assert not np.array_equal(first["levels.0.linear.weight"], second["levels.0.linear.weight"])


def test_what_cannot_be_started_from_is_refused(tmp_path, monkeypatch, tiny_model):
    monkeypatch.chdir(tmp_path)
    wavemore.fit(tiny_strings(), recipe="ngram").save("counts.safetensors")
    tiny_model.save("tiny.safetensors")
    for start, recipe, sentence in [
        ("counts.safetensors", "auto", 'that model is of kind "ngram"; it must be of kind "wavenet"'),
        ("tiny.safetensors", "fast", "and the recipe "),
        (BASE, "ngram", 'only a "wavenet" starts from another model'),
        (BASE, "lecture", 'only form = "shared" without a teacher starts from another model'),
    ]:
        with pytest.raises(ConfigError) as error:
            wavemore.fit(SURNAMES, recipe=recipe, start=start)
        assert sentence in str(error.value)
        assert str(error.value).startswith(f'train.start = "{start}"')


def test_a_private_model_does_not_name_the_place_of_its_start(tmp_path):
    path = tmp_path / "secret" / "my.safetensors"
    path.parent.mkdir()
    shutil.copy(base_path(), path)
    model = wavemore.fit(SURNAMES, start=path, settings={"data.private": True, "train.steps": 1})
    assert model.file_.recipe.train.start == model.file_.provenance["start"]["name"] == "my.safetensors"
    model.save(tmp_path / "private.safetensors")
    assert b"secret" not in (tmp_path / "private.safetensors").read_bytes()


def test_a_stopped_run_goes_on_to_the_same_bytes_and_from_no_other_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {"train.steps": 4, "train.evaluate_every": 2}
    shutil.copy(base_path(), "own.safetensors")
    whole = StringModel(settings=settings, start="own.safetensors").fit(SURNAMES, checkpoint="whole.checkpoint")
    whole.save("whole.safetensors")
    _stopped(monkeypatch, settings)
    again = StringModel(settings=settings, start="own.safetensors")
    again.fit(SURNAMES, checkpoint="run.checkpoint", resume=True).save("again.safetensors")
    assert Path("again.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()
    other = ModelFile.load("own.safetensors")
    other.weights["head.linear.bias"][0] += 1  # pyright: ignore[reportIndexIssue]
    other.save("own.safetensors")
    with pytest.raises(CheckpointError, match="the stopped run had other start than this one"):
        again.fit(SURNAMES, checkpoint="run.checkpoint", resume=True)


def _stopped(monkeypatch: pytest.MonkeyPatch, settings: dict[str, int]) -> None:
    """A run that is stopped at its first evaluation and leaves its checkpoint."""
    evaluated = _Job._evaluated

    def stop(job: _Job, member: int, evaluation: dict[str, Any], state: Checkpoint | None) -> None:
        evaluated(job, member, evaluation, state)
        job.stopped.set()

    model = StringModel(settings=settings, start="own.safetensors")
    with monkeypatch.context() as patched:
        patched.setattr(_Job, "_evaluated", stop)
        with pytest.raises(KeyboardInterrupt):
            model.fit(SURNAMES, checkpoint="run.checkpoint")


def test_sums_and_scores_of_a_started_model(started):
    """What follows any beginning sums to one over all characters that it knows."""
    likelihoods = log_probabilities(started.distribution_, ["", "Toivo", "ñü"])
    assert np.isfinite(likelihoods).all()
    for predictions in started.distribution_.predictions(["", "Toivo", "ñü"]):
        assert np.exp(predictions.logits).sum(axis=1) == pytest.approx(1, abs=1e-5)
