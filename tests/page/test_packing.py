"""What the page gets of a model: arrays, n-grams, fingerprints, what people are told; and what is refused."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelfiles import CHARACTERS
from packed_models import ABC, COUNTED, KERNEL, KINDS, Asked, network_file, ngram_file, numbers
from tiny import tiny_strings

from wavemore.errors import UsageError
from wavemore.lists.corpus import read_corpus
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.fingerprints import Fingerprints
from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.models.plausible import Plausible
from wavemore.page.arrays import Arrays, unpacked
from wavemore.page.one_file import page_html
from wavemore.page.packing import packed
from wavemore.page.seen import shortened
from wavemore.settings.config import Recipe

SALT = bytes(range(16))
LISTED = [*tiny_strings(), "é", "e\u0301clair", "名前", "😀", "a" * 128, "b" * 129, "", "d" * 300]
NEW = [f"{string}{i}" for i, string in enumerate(tiny_strings(500))]


@given(st.integers(-40, 40), st.integers(0, 2**32))
def test_float16_keeps_eleven_bits_of_large_and_small_numbers(exponent: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    array = np.ldexp(draw.standard_normal((3, 4)), exponent).astype(np.float32)
    kept = Arrays()
    number, bias = kept.half(array), kept.single(array[0])
    raw, last = kept.raw(b"\x01\x02\x03"), kept.half(np.zeros((2, 0), np.float32))
    assert (number, bias, raw, last) == (0, 1, 2, 3)
    found = unpacked(kept.told, kept.data())
    np.testing.assert_allclose(found[0], array, rtol=2**-11, atol=float(np.abs(array).max()) * 2**-24)
    np.testing.assert_array_equal(found[1], array[0])
    assert found[2].tolist() == [1, 2, 3]
    assert found[3].shape == (2, 0)


def test_the_largest_weights_do_not_overflow() -> None:
    file = network_file(norm="none", activation="quick_gelu")
    weights = {name: array * np.float32(1e8) for name, array in file.weights.items()}
    large = packed(replace(file, weights=weights))
    assert all(np.isfinite(array).all() for array in unpacked(large.header["arrays"], large.data))


def _counts_of(orders: list[int], strings: list[str]) -> list[ModelFile]:
    return [ngram_file(order, strings, Vocabulary.of(strings)) for order in orders]


def test_the_page_counts_exactly_what_python_counts() -> None:
    draw = np.random.default_rng(0)
    random = ["".join(draw.choice(list("abcdefgh"), draw.integers(0, 12))) for _ in range(400)]
    many = ["ab"] * 70_000 + ["ba"] * 300 + ["b"]  # counts of many bits
    lists = [COUNTED, random, many, tiny_strings(300), ["a"], ["a" * 40], [chr(0x4E00 + i) for i in range(300)]]
    asked, files = Asked(), [file for strings in lists for file in _counts_of([1, 2, 3, 6, 9], strings)]
    cases = [asked.case("ngrams", asked.model(file)[0]) for file in files]
    told = asked.answers()
    for file, case in zip(files, cases, strict=True):
        parents, newest = (numbers(told[case][name], np.int32) for name in ("parents", "newest"))
        counts = numbers(told[case]["counts"], np.float64)
        keys = parents.astype(np.int64) * len(file.vocabulary) + newest
        assert keys.tolist() == file.weights["ngrams"].tolist()
        assert counts.tolist() == file.weights["counts"].tolist()
        assert told[case]["differ"] == []  # between JavaScript and WebAssembly


def test_n_grams_take_few_bits() -> None:
    (file,) = _counts_of([6], tiny_strings(2_000))
    told = packed(file).header
    size = told["arrays"][told["ngram"]["codes"]]["shape"][0]
    assert 8 * size / told["ngram"]["size"] < 4


def _remembering(training: list[str], aside: list[str]) -> ModelFile:
    return replace(network_file(), fingerprints=Fingerprints.of(training, aside, SALT))


def test_a_string_of_the_list_is_never_new() -> None:
    asked = Asked()
    parts = [(LISTED[:40], LISTED[30:]), (LISTED, []), ([], LISTED), (["a"], []), (tiny_strings(9_000), LISTED)]
    cases = [
        asked.case("seen", asked.model(_remembering(*part))[0], texts=[*part[0], *part[1], *NEW]) for part in parts
    ]
    (nothing, empty) = (
        asked.case("seen", asked.model(file)[0], texts=["a", ""]) for file in (network_file(), _remembering([], []))
    )
    told = asked.answers()
    for part, case in zip(parts, cases, strict=True):
        known = len(part[0]) + len(part[1])
        assert told[case][:known] == [True] * known
        assert sum(told[case][known:]) <= 3  # one in two thousand by chance
    assert told[nothing] == [None, None]
    assert told[empty] == [False, False]


def test_the_share_of_new_strings_that_are_taken_for_old_ones_is_told() -> None:
    fingerprints = Fingerprints.of((str(i) for i in range(20_000)), [], SALT)
    header = packed(replace(network_file(), fingerprints=fingerprints)).header
    told = header["seen"]
    assert told["mistaken"] == told["count"] / 2 ** told["bits"] <= 2**-11
    assert header["arrays"][told["codes"]]["shape"][0] * 8 / 20_000 < 13.5
    asked = Asked()
    model = asked.model(replace(network_file(), fingerprints=fingerprints))[0]
    case = asked.case("seen", model, texts=[f"x{i}" for i in range(20_000)])
    found = sum(asked.answers()[case])
    assert abs(found - 20_000 * told["mistaken"]) < 5 * np.sqrt(20_000 * told["mistaken"])


def test_fingerprints_of_64_bits_are_shortened_as_those_of_32() -> None:
    of_32 = Fingerprints.of(tiny_strings(), ["x"], SALT)
    of_64 = Fingerprints(SALT, of_32.training.astype(np.uint64) << np.uint64(32), of_32.aside.astype(np.uint64) << 32)
    for one, other in zip(shortened(of_32), shortened(of_64), strict=True):
        np.testing.assert_array_equal(one, other)


def test_people_are_told_of_the_model() -> None:
    scores = np.linspace(-40, -5, 1001, dtype=np.float32)
    about = {
        "data": {"name": "towns", "strings": 12, "unseen_share": 0.25},
        "split": {"train": 10},
        "losses": {"train": 1.5, "validation": 2.0},
    }
    file = replace(
        network_file(kinds=KINDS, groups=[2, 2]),
        provenance=about,
        held_out_scores=scores,
        plausible=Plausible(2.5, 6.0),
    )
    asked = Asked()
    case, private = (asked.case("about", asked.model(one)[0]) for one in (file, network_file()))
    told = asked.answers()
    assert told[case]["list"] == "towns"
    assert told[case]["strings"] == 12
    assert told[case]["trainedOn"] == 10
    assert told[case]["loss"] == {"train": 1.5, "validation": 2.0}
    assert told[case]["unseenShare"] == 0.25
    assert told[case]["plausible"] == {"mean": 2.5, "worst": 6.0}
    assert told[case]["parameters"] == file.parameter_count
    assert told[case]["maxLength"] == file.recipe.data.max_length
    assert len(told[case]["heldOut"]) == 201
    np.testing.assert_allclose(told[case]["heldOut"], np.linspace(-40, -5, 201), atol=1e-4)
    assert told[case]["labels"] == [{"name": name, "values": [*values]} for name, values in KINDS.items()]
    weights = told[case]["labelWeights"]
    assert weights[0] == {"label": {"language": "it", "gender": "m"}, "weight": 1 / 15}
    assert sum(one["weight"] for one in weights) == pytest.approx(1)
    shapes = [(level["shape"], level["flattened"]) for level in told[case]["levels"]]
    assert shapes == [([4, 3], None), ([2, 5], [2, 6]), ([1, 5], [1, 10])]
    assert not told[case]["knowsList"]
    nothing = ("list", "strings", "trainedOn", "loss", "plausible", "heldOut", "labelWeights", "mistaken")
    assert [told[private][name] for name in nothing] == [None] * len(nothing)


def test_baselines_of_pytorch_are_refused() -> None:
    recipe = Recipe.from_dict({"model": {"kind": "lstm"}})
    file = ModelFile(recipe, ABC, {}, path="lstm.safetensors")
    with pytest.raises(
        UsageError, match=r"^the model lstm\.safetensors is of kind 'lstm', which the page cannot run; "
    ):
        page_html(file)


def test_the_same_model_is_the_same_page() -> None:
    file = ModelFile.load(pretrained_path())
    assert page_html(file) == page_html(ModelFile.load(pretrained_path()))
    assert packed(file).compressed() == packed(file).compressed()


def test_nothing_in_a_model_gets_out_of_its_element() -> None:
    about = {"data": {"name": "</script><script>alert(1)</script><!--"}}
    page = page_html(replace(network_file(vocabulary=Vocabulary(CHARACTERS)), provenance=about))
    assert "alert(1)</script>" not in page
    told = json.loads(page.split('id="header">')[1].split("</script>")[0])
    assert told["about"]["list"] == about["data"]["name"]
    assert told["characters"] == [*CHARACTERS]


LETTERS = Vocabulary("abcdefghijklmnopqrstuvwxyz")
NOTES = {"groups": [2, 2, 2], "embedding": 24, "hidden": 128}
DEEP = {"groups": [2, 2], "cycles": 3, "embedding": 24, "hidden": 96, "activation": "gated", "residual": True}


@pytest.mark.parametrize(
    ("model", "parameters", "most"),
    [
        pytest.param(NOTES, 76_579, 400_000, id="as taught"),
        pytest.param({**DEEP, "members": 2, "ngram": 6}, None, 1_200_000, id="default", marks=pytest.mark.slow),
    ],
)
def test_pages_are_small(model: dict[str, Any], parameters: int | None, most: int) -> None:
    """With the fingerprints of 32,033 strings, as names.txt has; weights drawn at random take no less room than others,
    and the embedded names have as many n-grams, 117,000."""
    file = network_file(vocabulary=LETTERS, counted=[*read_corpus("names").strings], **model)
    assert parameters in (None, file.parameter_count)
    fingerprints = Fingerprints.of((str(i) for i in range(32_033)), [], SALT)
    assert len(page_html(replace(file, fingerprints=fingerprints)).encode()) <= most


@pytest.mark.parametrize("module", [KERNEL, KERNEL.with_name("counter.wasm")], ids=lambda path: path.stem)
def test_webassembly_is_what_its_text_says(tmp_path: Path, module: Path) -> None:
    assert 1_000 <= module.stat().st_size <= 2_048
    if shutil.which("wat2wasm") is None:
        pytest.skip("wat2wasm is not installed")
    out = tmp_path / "module.wasm"
    subprocess.run(["wat2wasm", str(module.with_suffix(".wat")), "-o", str(out)], check=True)
    assert out.read_bytes() == module.read_bytes()
