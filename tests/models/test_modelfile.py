"""The model file: the same model gives the same bytes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from modelfiles import PROVENANCE, RECIPE, a_model, write

from wavemore.errors import FileError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile, is_model_file
from wavemore.settings.config import ModelConfig, Recipe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


# --- round trip


def test_saved_and_loaded_it_is_the_same_model_to_the_bit(path: Path):
    model = a_model()
    model.save(path)
    again = ModelFile.load(path)
    assert (again.recipe, again.vocabulary, again.provenance) == (model.recipe, model.vocabulary, model.provenance)
    assert again.weights.keys() == model.weights.keys()
    for name, array in model.weights.items():
        assert again.weights[name].dtype == np.float32
        assert again.weights[name].tobytes() == array.tobytes()


def test_a_trained_model_goes_round_to_the_same_bytes(tiny_path: Path, path: Path):
    ModelFile.load(tiny_path).save(path)
    assert path.read_bytes() == tiny_path.read_bytes()


def test_weights_may_lie_in_memory_in_any_order(path: Path):
    model = a_model()
    turned = {name: np.asfortranarray(array) for name, array in model.weights.items()}
    ModelFile(RECIPE, model.vocabulary, turned, PROVENANCE).save(path)
    loaded = ModelFile.load(path).weights
    assert all(np.array_equal(loaded[name], array) for name, array in model.weights.items())


def test_the_same_model_is_the_same_bytes_in_every_process(path: Path):
    a_model().save(path)
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r}); import modelfiles as t; "
    for seed in ("0", "1"):
        other = path.with_name(f"{seed}.safetensors")
        command = [sys.executable, "-c", f"{script}t.a_model().save({str(other)!r})"]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        assert other.read_bytes() == path.read_bytes()


def test_another_model_is_other_bytes(path: Path):
    a_model(seed=0).save(path)
    before = path.read_bytes()
    a_model(seed=1).save(path)
    assert path.read_bytes() != before


def test_the_parameter_count_leaves_running_statistics_out():
    model = a_model()
    ids, embedding, hidden = 10, 2, 3
    levels = 2 * embedding * hidden + 2 * hidden + 2 * hidden * hidden + 2 * hidden
    assert model.parameter_count == ids * embedding + levels + hidden * ids + ids


@pytest.mark.parametrize("vocabulary_size", [2, 27])
@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(groups=(8,)),
        ModelConfig(groups=(3,), embedding=10, hidden=200),
        ModelConfig(groups=(4, 2), bias=True),
        ModelConfig(groups=(2, 2, 2), final_norm=True),
        ModelConfig(groups=(1, 2), embedding=3, hidden=5, bias=True, final_norm=True),
    ],
    ids=lambda config: f"{config.groups}",
)
def test_weight_shapes_are_those_of_the_torch_model(config: ModelConfig, vocabulary_size: int):
    from wavemore.nn import WaveNet

    model = WaveNet(config, vocabulary_size)
    shapes = dict(config.weight_shapes(vocabulary_size))
    assert {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()} == shapes
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()}
    assert ModelFile(Recipe(model=config), Vocabulary(""), weights).parameter_count == model.parameter_count


# --- files that cannot be opened


def test_a_missing_file_and_a_directory_are_file_errors(tmp_path: Path):
    for path, reason in ((tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(FileError) as caught:
            ModelFile.load(path)
        assert str(caught.value) == f"cannot read the model {path}: {reason}"
        assert not is_model_file(path)


def test_is_model_file_looks_at_the_metadata_alone(path: Path):
    a_model().save(path)
    assert is_model_file(path)
    write(path, {"x": np.zeros(1)}, "{")
    assert is_model_file(path)
