"""Checkpoints that do not belong to a run, or are not whole: each has its sentence, and the run stays as it is."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from interrupted import Run
from safetensors.numpy import load_file, save_file

from wavemore.errors import CheckpointError, FileError
from wavemore.train import Checkpoint
from wavemore.train.forms import runs_of
from wavemore.train.learner import generator_of, state_of


@pytest.fixture
def run(tiny_recipe, strings, tmp_path) -> Run:
    return Run(tiny_recipe, strings, tmp_path / "run.checkpoint")


@pytest.mark.parametrize("drawn", [0, 1, 7])
@pytest.mark.parametrize("kind", ["random", "integers"])
def test_a_generator_goes_on_from_its_state(drawn, kind):
    """Also where half of a number is left over, as after an odd count of 32-bit draws."""

    def draw(generator: np.random.Generator, count: int) -> list[Any]:
        if kind == "random":
            return generator.random(count, dtype=np.float32).tolist()
        return generator.integers(0, 2**31, count, dtype=np.int32).tolist()

    generator = np.random.default_rng(5)
    draw(generator, drawn)
    state = state_of(generator)
    assert (state.dtype, state.shape) == (np.uint64, (6,))
    other = generator_of(state)
    assert np.array_equal(state_of(other), state)
    expected = draw(generator, 9)
    assert draw(other, 9) == expected
    assert draw(generator_of(state_of(generator)), 9) != expected


@pytest.mark.parametrize(
    "state",
    [
        np.zeros(5, np.uint64),
        np.zeros((), np.uint64),
        np.ones(6),
        np.ones(6, np.int64),
        np.zeros(6, np.uint64),
        np.array([1, 1, 1, 1, 2, 0], np.uint64),
        np.array([1, 1, 1, 1, 0, 1 << 32], np.uint64),
    ],
)
def test_what_is_no_state_of_a_generator_is_refused(state):
    with pytest.raises(ValueError, match="the state of a generator"):
        generator_of(state)


def test_a_checkpoint_of_another_run_is_refused(run):
    with pytest.raises(KeyboardInterrupt):
        run(7)
    with pytest.raises(CheckpointError, match="the stopped run had other settings than this one"):
        run(resume=True, about={"settings": {}, "command": "a test"})


def test_unsound_checkpoints_are_refused(run):
    with pytest.raises(FileError, match=r"cannot read the checkpoint .*: No such file or directory"):
        run(resume=True)
    run.path.write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match="is not a sound checkpoint"):
        run(resume=True)
    with pytest.raises(KeyboardInterrupt):
        run(7)
    save_file(load_file(run.path), run.path)  # the metadata are gone
    with pytest.raises(CheckpointError, match="is not a sound checkpoint"):
        run(resume=True)


@pytest.mark.parametrize(
    "entry",
    [
        *("{}", "[]", "{", "1", "null", '{"format": 2}', '{"format": "2", "progress": {}, "about": {}}'),
        '{"format": 2, "progress": {}, "about": []}',
        '{"format": 2, "progress": [], "about": {}}',
        "[" * 100_000,
    ],
)
def test_checkpoints_with_odd_metadata_are_refused(run, entry):
    with pytest.raises(KeyboardInterrupt):
        run(7)
    save_file(load_file(run.path), run.path, {"wavemore-checkpoint": entry})
    with pytest.raises(CheckpointError, match="is not a sound checkpoint"):
        run(resume=True)


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3", "F16", "I32", "BOOL"])
def test_arrays_of_a_type_that_no_run_has_are_refused(run, kind):
    """NumPy has no type for the first two."""
    with pytest.raises(KeyboardInterrupt):
        run(7)
    saved = run.path.read_bytes()
    size = int.from_bytes(saved[:8], "little")
    header = json.loads(saved[8 : 8 + size])
    header["weights.x"] = {"dtype": kind, "shape": [0], "data_offsets": [len(saved) - 8 - size] * 2}
    header["weights.embedding.weight"] |= {
        "dtype": kind,
        "shape": [int(128 / {"I32": 4, "F16": 2, "BF16": 2}.get(kind, 1))],
    }
    entry = json.dumps(header).encode()
    run.path.write_bytes(len(entry).to_bytes(8, "little") + entry + saved[8 + size :])
    with pytest.raises(CheckpointError, match=r"is not a sound checkpoint|is not whole"):
        run(resume=True)


@pytest.mark.parametrize("version", [1, 3])
def test_a_checkpoint_of_another_format_is_refused(run, version):
    """The first had a generator of PyTorch's at its top, and nothing of learners."""
    arrays = {"generator": np.zeros(5056, np.uint8), "weights.embedding.weight": np.zeros((8, 4), np.float32)}
    entry = json.dumps({"format": version, "progress": {"step": 7}, "about": {}})
    save_file(arrays, run.path, {"wavemore-checkpoint": entry})
    with pytest.raises(CheckpointError) as caught:
        run(resume=True)
    assert str(caught.value) == (
        f"the checkpoint {run.path} has format {version}, and this wavemore reads 2; "
        "continue it with the version that wrote it, or start the run anew"
    )


def without(name: str) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.arrays.pop(name)


def with_array(name: str, array: np.ndarray) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.arrays.update({name: array})


def with_progress(**told: Any) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.progress.update(told)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (without("weights.embedding.weight"), "weights.embedding.weight is missing"),
        (without("best.head.linear.bias"), "best.head.linear.bias is missing"),
        (without("optimizer.steps"), "optimizer.steps is missing"),
        (without("batches.pass"), "batches.pass is missing"),
        (without("learner.generator"), "learner.generator is missing"),
        (
            with_array("weights.embedding.weight", np.zeros((8, 5), np.float32)),
            "weights.embedding.weight is float32 of shape (8, 5), and must be float32 of (8, 4)",
        ),
        (
            with_array("optimizer.mean.head.linear.bias", np.zeros(8)),
            "optimizer.mean.head.linear.bias is float64 of shape (8,), and must be float32 of (8,)",
        ),
        (
            with_array("best.head.linear.bias", np.zeros((), np.float32)),
            "best.head.linear.bias is float32 of shape (), and must be float32 of (8,)",
        ),
        (with_array("optimizer.steps", np.asarray(-1)), "the optimiser has taken -1 steps"),
        (with_array("batches.next", np.asarray(51)), "string 51 of pass 0 is none of 50 strings"),
        (with_array("batches.next", np.asarray(-5)), "string -5 of pass 0 is none of 50 strings"),
        (with_array("batches.pass", np.asarray(-2)), "string 16 of pass -2 is none of 50 strings"),
        (with_array("learner.generator", np.zeros(6, np.uint64)), "the state of a generator is none of PCG64"),
        (with_progress(step="7"), "it does not tell where the run stood"),
        (with_progress(step=True), "it does not tell where the run stood"),
        (with_progress(best_loss=None), "it does not tell where the run stood"),
        (with_progress(more=1), "it does not tell where the run stood"),
        (with_progress(step=12), "step 12 is none of 11, or the best, 0, comes later"),
        (with_progress(best_step=4), "step 1 is none of 11, or the best, 4, comes later"),
        (with_progress(history=[1]), "its history is none"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(run, change, why):
    run.recipe = run.recipe.with_settings({"train.form": "shared", "train.batch": 16, "train.steps": 11})
    with pytest.raises(KeyboardInterrupt):
        run(1)
    checkpoint = Checkpoint.load(run.path)
    change(checkpoint)
    checkpoint.save(run.path)
    before = run.path.read_bytes()
    with pytest.raises(CheckpointError) as caught:
        run(resume=True)
    assert str(caught.value) == f"the checkpoint is not whole ({why}); start the run anew"
    assert run.path.read_bytes() == before


def test_a_run_that_refuses_a_checkpoint_stays_as_it_is(run):
    run.recipe = run.recipe.with_settings({"train.form": "shared", "train.batch": 16, "train.steps": 11})
    with pytest.raises(KeyboardInterrupt):
        run(5)
    with runs_of(run.recipe, run.vocabulary, run.training, run.validation) as (one,):
        before = one.checkpoint({})
        checkpoint = Checkpoint.load(run.path)
        checkpoint.arrays["learner.generator"][:] = 0
        with pytest.raises(CheckpointError):
            one.restore(checkpoint)
        after = one.checkpoint({})
        assert after.progress == before.progress
        assert all(np.array_equal(array, after.arrays[name]) for name, array in before.arrays.items())


def test_the_command_of_a_checkpoint_is_a_text(run):
    with pytest.raises(KeyboardInterrupt):
        run(7)
    checkpoint = Checkpoint.load(run.path)
    del checkpoint.about["command"]
    checkpoint.save(run.path)
    with pytest.raises(CheckpointError, match="its command is missing"):
        run(resume=True)
