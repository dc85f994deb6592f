"""Whatever is wrong with a model file: one sentence on standard error, and the right exit code."""

import numpy as np
import pytest
from command_line import FAILED, respoiled


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.01, 0.5, 0.999])
def test_truncated_model(refused, tiny_path, keep):
    data = tiny_path.read_bytes()
    tiny_path.write_bytes(data[: int(keep * len(data))])
    message = refused(FAILED, "sample", "tiny.safetensors")
    assert message.startswith("tiny.safetensors is not a wavemore model, or is damaged or cut short (")
    assert message.endswith("); train it or copy it again")


def test_nan_model(refused, tiny_path):
    respoiled(tiny_path, lambda arrays, about: arrays["head.linear.weight"].fill(np.nan))
    assert refused(FAILED, "sample", "tiny.safetensors") == (
        "the model tiny.safetensors holds numbers in head.linear.weight that are not finite (NaN or infinity); "
        "train it again"
    )


def test_newer_model_format(refused, tiny_path):
    respoiled(tiny_path, lambda arrays, about: about.update(format=2))
    assert refused(FAILED, "sample", "tiny.safetensors") == (
        "the model tiny.safetensors has format 2, written by a newer wavemore than this one, which reads up to 1; "
        "upgrade with: pip install -U wavemore"
    )


def test_wrong_shapes(refused, tiny_path):
    def transpose(arrays: dict[str, np.ndarray], about: object) -> None:
        arrays["embedding.weight"] = np.ascontiguousarray(arrays["embedding.weight"].T)

    respoiled(tiny_path, transpose)
    assert refused(FAILED, "sample", "tiny.safetensors") == (
        "the model tiny.safetensors holds embedding.weight as float32 of shape (4, 8), and its settings need float32 "
        "of shape (8, 4); train it or copy it again"
    )


def test_wrong_keys(refused, tiny_path):
    respoiled(tiny_path, lambda arrays, about: arrays.pop("head.linear.bias"))
    assert refused(FAILED, "sample", "tiny.safetensors") == (
        "the model tiny.safetensors lacks head.linear.bias; train it or copy it again"
    )


def test_a_list_in_place_of_a_model(refused):
    assert refused(FAILED, "sample", "towns") == (
        "towns is a list and no model; train one first: wavemore train towns, or name the file of one"
    )
