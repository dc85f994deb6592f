"""A file that was changed, or that asks for more than it holds, is refused at once; `tests/slow` tries thousands."""

import json
import time
from pathlib import Path

import pytest
from modelfiles import a_model, about_of, refusal, write
from mutated import KINDS, ends_well

from wavemore.cli import run


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_changes_of_each_kind(tmp_path, strings, kind):
    assert ends_well(tmp_path, strings, kind, range(100_000, 100_030)) > 5


def asking(path: Path, **settings: object) -> str:
    """What is said, within a second, against a file whose settings of the model are others."""
    model = a_model()
    about = about_of(model)
    about["recipe"]["model"].update(settings)
    write(path, dict(model.weights), about)
    begun = time.process_time()
    message = refusal(path)
    assert time.process_time() - begun < 1
    assert len(message) < 900
    return message


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"groups": [1] * 300_000}, "...; it must be a list of at most 1,000 whole numbers"),
        ({"groups": [2] * 300_000}, "...; it must be a list of at most 1,000 whole numbers"),
        ({"groups": [1] * 1000, "cycles": 64}, "...; it must make at most 256 levels with all cycles"),
        ({"groups": [2**62] * 900}, "...; it must make at most 256 levels with all cycles"),
        ({"groups": [2**62] * 4, "cycles": 64}, "it must have a product, the context, of at most 4096"),
        ({"groups": [1] * 4, "cycles": 64, "members": 1000}, "lacks members.0.embedding.weight"),
        ({"members": 1000}, "lacks members.0.embedding.weight"),
        ({"hidden": 65536, "cycles": 64, "groups": [2, 2, 2, 2]}, "holds levels.0.linear.weight as"),
        ({"embedding": 65536, "activation": "gated", "skip": True}, "holds embedding.weight as"),
        ({"ngram": 64}, "lacks ngram.weight"),
        ({"norm": "x" * 500_000}, 'model.norm = "xxx'),
    ],
    ids=str,
)
def test_settings_that_ask_for_more_than_there_is(tmp_path, settings, says):
    assert says in asking(tmp_path / "model.safetensors", **settings)


@pytest.mark.parametrize("depth", [31, 40, 330, 500, 990, 5_000, 100_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a": ', "}"), ('[0, {"a": ', "}]")])
@pytest.mark.parametrize("place", ["provenance", "recipe", "characters"])
def test_metadata_that_are_nested_deeply(tmp_path, monkeypatch, capfd, depth, left, right, place):
    monkeypatch.chdir(tmp_path)
    model = a_model()
    entry = json.dumps({**about_of(model), place: {"model": "HERE"}})
    write(Path("model.safetensors"), dict(model.weights), entry.replace('"HERE"', left * depth + right * depth))
    for line in (["info", "model.safetensors"], ["info", "model.safetensors", "--json"]):
        assert run(line) == 1
        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith("wavemore: the model model.safetensors has unsound metadata: ")
        assert err.count("\n") == 1
        assert len(err) < 800
