"""Strings come back from a file as they were sampled into it."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.cli import run
from wavemore.estimator import StringModel

ODD = " \t\"',;|\x85\u2028\u2029\u00a0\x0b\x0c\x1c\x1f\x07\x1b\ufeff\u202e\\[{}]%#é漢e\u0301\U0001f600ab0-"


def came_back(model: Path, seed: int) -> tuple[list[str], list[str]]:
    """What `sample` wrote into a file, and what `score` read from it. A string of blanks alone is none to a list."""
    path = model.with_suffix(".txt")
    path.write_bytes(printed("sample", str(model), "-n", "30", "--seed", str(seed)))
    sampled = printed("sample", str(model), "-n", "30", "--seed", str(seed), "--json")
    read = printed("score", str(model), str(path), "--json", "--format", "text", "-q")
    given, scored = ([json.loads(line)["string"] for line in out.decode().split("\n")[:-1]] for out in (sampled, read))
    return [string if string.strip() else "" for string in given], scored


def printed(*arguments: str) -> bytes:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, "utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()) as err:
        assert run(arguments) == 0, err.getvalue()
    return raw.getvalue()


@settings(max_examples=40, deadline=None)
@given(
    st.sets(
        st.text(
            st.sampled_from(ODD) | st.characters(codec="utf-8", exclude_characters="\n\r\0"), min_size=1, max_size=9
        ).filter(lambda text: text.strip()),
        min_size=20,
        max_size=30,
    ),
    st.integers(0, 99),
)
def test_odd_strings(strings, seed):
    with tempfile.TemporaryDirectory() as folder:
        StringModel("ngram").fit(strings).save(f"{folder}/m.safetensors")
        sampled, read = came_back(Path(folder, "m.safetensors"), seed)
    assert read == sampled


@pytest.mark.parametrize("edge", ["\ufeff", "\ufeff\ufeff", " ", "\t", "\x85", "\u2028", '"', "'", ",", "\x1c"])
def test_what_stands_first_and_last_in_a_file(tmp_path, edge):
    strings = [f"{edge}{letter}{edge}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    StringModel("ngram").fit(strings).save(tmp_path / "m.safetensors")
    sampled, read = came_back(tmp_path / "m.safetensors", 1)
    assert sampled[0].startswith(edge)
    assert read == sampled
