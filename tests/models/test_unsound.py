"""Anything unsound in place of a model is one sentence."""

import json
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from modelfiles import CHARACTERS, Weights, a_model, about_of, refusal, write

from wavemore.errors import ModelFileError
from wavemore.models.modelfile import ModelFile, is_model_file
from wavemore.models.soundness import FORMAT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


# --- files that are none of ours


@pytest.mark.parametrize("kept", [0, 1, 8, 9, 100, -100, -1])
def test_a_truncated_file(path: Path, kept: int):
    a_model().save(path)
    path.write_bytes(path.read_bytes()[:kept])
    message = refusal(path)
    assert message.startswith(f"{path} is not a wavemore model, or is damaged or cut short (")
    assert message.endswith("); train it or copy it again")


@pytest.mark.parametrize(
    "content",
    [
        np.random.default_rng(0).bytes(2000),
        b"\0" * 2000,
        b"\xff" * 2000,
        b"anna\nbob\n" * 100,
        pickle.dumps({"embedding.weight": [0.0] * 100}),
        b"PK\x03\x04" + b"\0" * 2000,
        b"\x02\0\0\0\0\0\0\0[]",
        b"\x03\0\0\0\0\0\0\0{\xff}",
    ],
    ids=["random", "zeros", "ones", "text", "pickle", "zip", "header that is no object", "header that is no text"],
)
def test_a_file_of_another_kind(path: Path, content: bytes):
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path} is not a wavemore model, or is damaged or cut short (")
    assert not is_model_file(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_another_safetensors_file(path: Path, metadata: dict[str, str] | None):
    path.write_bytes(safetensors.numpy.save(a_model().weights, metadata))  # pyright: ignore[reportArgumentType]
    assert refusal(path) == f"{path} is a safetensors file, but not a wavemore model; train one with it"
    assert not is_model_file(path)


def test_a_byte_changed_anywhere_never_ends_in_another_error(path: Path):
    """A changed weight cannot be told from a right one; everything else is refused or does not matter."""
    a_model().save(path)
    sound = path.read_bytes()
    draw = np.random.default_rng(0)
    for position in draw.choice(len(sound), size=300, replace=False):
        damaged = bytearray(sound)
        damaged[position] ^= int(draw.integers(1, 256))
        path.write_bytes(damaged)
        with suppress(ModelFileError):
            ModelFile.load(path)


# --- unsound metadata


def without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda about: {name: value for name, value in about.items() if name != key}


def with_(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda about: {**about, **changes}


UNSORTED = "the characters of a vocabulary are distinct and sorted; build it with Vocabulary.of(strings)"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (with_(format=0), "its format is 0, not a whole number from 1 up"),
        (with_(format="1"), "its format is '1', not a whole number from 1 up"),
        (with_(format=True), "its format is True, not a whole number from 1 up"),
        (with_(format=1.0), "its format is 1.0, not a whole number from 1 up"),
        (without("format"), "its format is None, not a whole number from 1 up"),
        (lambda about: [about], "its format is None, not a whole number from 1 up"),
        (without("recipe"), '"recipe" is missing or of the wrong type'),
        (with_(recipe="notes"), '"recipe" is missing or of the wrong type'),
        (without("characters"), '"characters" is missing or of the wrong type'),
        (with_(characters=list(CHARACTERS)), '"characters" is missing or of the wrong type'),
        (without("provenance"), '"provenance" is missing or of the wrong type'),
        (with_(provenance=[]), '"provenance" is missing or of the wrong type'),
        (with_(recipe={"modle": {}}), 'unknown key "modle" (did you mean "model"?)'),
        (with_(recipe={"model": {"hidden": 0}}), "model.hidden = 0; it must be from 1 to 65536"),
        (with_(recipe={"model": {"groups": 8}}), "model.groups = 8; it must be a list of whole numbers"),
        (
            with_(recipe={"train": {"rate": float("nan")}}),
            "train.rate = nan; it must be a finite number",
        ),
        (with_(characters=CHARACTERS[::-1]), UNSORTED),
        (with_(characters="aa"), UNSORTED),
        (
            with_(characters="a\ud800"),
            r"'\ud800' is a lone surrogate and not a character; a vocabulary cannot have it",
        ),
        (lambda about: "{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (lambda about: "", "Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_unsound_metadata(path: Path, change: Callable[[dict[str, Any]], object], why: str):
    model = a_model()
    write(path, dict(model.weights), change(about_of(model)))
    assert refusal(path) == f"the model {path} has unsound metadata: {why}"


@pytest.mark.parametrize("entry", ["[" * 100_000, '{"format": ' + "1" * 5_000 + "}"], ids=["nested", "long"])
def test_metadata_that_the_parser_gives_up_on(path: Path, entry: str):
    write(path, dict(a_model().weights), entry)
    assert refusal(path).startswith(f"the model {path} has unsound metadata: ")


def test_a_newer_format(path: Path):
    model = a_model()
    write(path, dict(model.weights), {**about_of(model), "format": FORMAT + 1, "recipe": "of another kind"})
    assert refusal(path) == (
        f"the model {path} has format 2, written by a newer wavemore than this one, which reads up to 1; "
        "upgrade with: pip install -U wavemore"
    )


# --- unsound weights


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Weights], Weights]:
    return lambda weights: {**weights, name: change(weights[name])}


def filled(name: str, value: float) -> Callable[[Weights], Weights]:
    def fill(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array.flat[-1] = value
        return array

    return changed(name, fill)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda weights: {name: array for name, array in weights.items() if name != "head.linear.bias"},
            "lacks head.linear.bias; train it or copy it again",
        ),
        (
            lambda weights: {**weights, "head.norm.gamma": np.ones(10, dtype=np.float32)},
            "has a tensor that does not belong there, head.norm.gamma; train it or copy it again",
        ),
        (
            changed("levels.0.linear.weight", np.transpose),
            "holds levels.0.linear.weight as float32 of shape (3, 4), and its settings need float32 of shape (4, 3); "
            "train it or copy it again",
        ),
        (
            changed("levels.1.norm.beta", lambda array: array.astype(np.float64)),
            "holds levels.1.norm.beta as float64 of shape (3,), and its settings need float32 of shape (3,); "
            "train it or copy it again",
        ),
        (
            filled("head.linear.weight", np.nan),
            "holds numbers in head.linear.weight that are not finite (NaN or infinity); train it again",
        ),
        (
            filled("embedding.weight", -np.inf),
            "holds numbers in embedding.weight that are not finite (NaN or infinity); train it again",
        ),
        (
            filled("levels.0.norm.running_var", -1e-6),
            "holds a negative variance in levels.0.norm.running_var; train it again",
        ),
    ],
    ids=["missing", "extra", "shape", "dtype", "nan", "infinity", "variance"],
)
def test_unsound_weights(path: Path, change: Callable[[Weights], Weights], why: str):
    model = a_model()
    weights = {name: np.ascontiguousarray(array) for name, array in change(dict(model.weights)).items()}
    write(path, weights, about_of(model))
    assert refusal(path) == f"the model {path} {why}"


@pytest.mark.parametrize(("dtype", "size"), [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("F8_E8M0", 1)])
def test_a_number_type_that_numpy_lacks(path: Path, dtype: str, size: int):
    tensor = {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}
    header = json.dumps({"__metadata__": {"wavemore": json.dumps(about_of(a_model()))}, "embedding.weight": tensor})
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + b"\0" * size)
    said = refusal(path)
    if dtype == "BF16" and "ml_dtypes" in sys.modules:  # which gives NumPy that type, for onnx
        assert said.startswith(f"the model {path} holds embedding.weight as bfloat16 of shape (1")
    else:
        assert said.startswith(f"{path} is not a wavemore model, or is damaged or cut short (")


def test_a_negative_mean_and_a_variance_of_zero_are_sound(path: Path):
    model = a_model()
    weights = filled("levels.0.norm.running_mean", -1.0)(filled("levels.0.norm.running_var", 0.0)(dict(model.weights)))
    write(path, weights, about_of(model))
    ModelFile.load(path)
