"""What a model file gives away of its list: an attack on the n-grams, and what a private file holds."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from wavemore.errors import ConfigError
from wavemore.estimator import StringModel, fit
from wavemore.models.disclosure import disclosure
from wavemore.models.modelfile import ModelFile
from wavemore.runs.history import read_history

LENGTH = 12
QUICK = {"model.hidden": 8, "model.embedding": 4, "model.members": 1, "train.steps": 4}


def secrets(count: int = 1000) -> list[str]:
    """Strings of twelve random letters, which nobody can guess."""
    draw = random.Random(0)
    return ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=LENGTH)) for _ in range(count)]


def put_together(file: ModelFile) -> set[str]:
    """The strings that the n-grams of a file spell, from the boundary on: each piece of the full order begins as the
    one before it ends. Where several go on, all are followed. Without a dictionary, and without asking the model."""
    if not file.recipe.model.counts:
        return set()
    ngrams, size = file.ngram_arrays["ngrams"].tolist(), len(file.vocabulary)
    pieces: list[tuple[int, ...]] = [()]
    for key in ngrams:
        pieces.append((*pieces[key // size], key % size))
    order = max(map(len, pieces))
    following: dict[tuple[int, ...], list[int]] = {}
    for piece in pieces:
        if piece and (len(piece) == order or piece[0] == 0):
            following.setdefault(piece[:-1], []).append(piece[-1])
    found: set[str] = set()
    open_: list[tuple[int, ...]] = [(0,)]
    while open_:
        ids = open_.pop()
        for after in following.get(ids[-(order - 1) :] if len(ids) >= order else ids, []):
            if after == 0 and len(ids) > 1:
                found.add(file.vocabulary.decode(ids[1:]))
            elif after and len(ids) <= LENGTH:
                open_.append((*ids, after))
    return found


@pytest.fixture(scope="module")
def unguessable() -> list[str]:
    return secrets()


def test_no_string_comes_back_from_a_private_file(unguessable, tmp_path: Path):
    model = fit(unguessable, settings={**QUICK, "data.private": True}, record=tmp_path / "run.jsonl")
    model.save(tmp_path / "private.safetensors")
    file = ModelFile.load(tmp_path / "private.safetensors")
    assert put_together(file) & set(unguessable) == set()
    assert (file.fingerprints, file.held_out_scores) == (None, None)
    assert disclosure(file) == "nothing but what samples and scores tell"
    text = (tmp_path / "private.safetensors").read_bytes() + (tmp_path / "run.jsonl").read_bytes()
    sha256 = fit(unguessable, recipe="ngram").file_.provenance["data"]["sha256"].encode()
    assert not [word for word in (sha256, b"wavemore.fit", b"sha256", *map(str.encode, unguessable)) if word in text]
    numbers = {"strings": 1000, "distinct": 1000, "unseen_share": pytest.approx(0.5 / 13_001)}  # no letter is rare
    assert file.provenance["data"] == numbers
    assert file.provenance["split"]["train"] == 800
    assert read_history(tmp_path / "run.jsonl")[0].about["list"] == numbers


def test_the_attack_finds_the_training_strings_where_ngrams_are_mixed_in(unguessable):
    file = fit(unguessable, settings=QUICK).file_
    assert len(put_together(file) & set(unguessable)) > 700
    said = disclosure(file)
    assert "put together" in said
    assert "guessed" in said


def test_fingerprints_alone_are_said_to_be_there(tiny_model: StringModel):
    file = tiny_model.file_
    assert disclosure(file).startswith("whether a guessed string was on it (not with")
    assert disclosure(replace(file, fingerprints=None)) == "nothing but what samples and scores tell"


def test_a_private_model_samples_and_scores(unguessable):
    model = fit(unguessable, settings={**QUICK, "data.private": True}, seed=1)
    assert len(model.sample(5, seed=1)) == 5
    assert model.file_.ngram_weight is None


def test_counts_alone_cannot_be_private(unguessable):
    with pytest.raises(ConfigError) as caught:
        fit(unguessable, recipe="ngram", settings={"data.private": True})
    assert str(caught.value) == (
        "data.private is true, and an n-gram model is nothing but pieces of the list; choose another recipe"
    )
