"""`wavemore info`: what a model file holds, and what it remembers of its list."""

import re
from pathlib import Path

import pytest
from command_line import records

from wavemore.cli import run
from wavemore.models.disclosure import disclosure
from wavemore.models.modelfile import ModelFile


def shown(out: str) -> dict[str, str]:
    """The rows of `info` by name."""
    return dict(re.split(r"  +", line, maxsplit=1) for line in out.removesuffix("\n").split("\n"))


SMALL = "embedding = 4\nhidden = 8\n"


def test_info_shows_what_the_file_holds(answer):
    answer("train list.txt --recipe tiny.toml -q")
    out, err = answer("info list.safetensors")
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in out.removesuffix("\n").split("\n"))
    assert rows["parameters"] == "328"
    assert rows["context"] == "4 characters, groups (2, 2)"
    assert rows["characters"] == "7: abdeklo"
    assert rows["data strings"] == "60"
    assert rows["command"] == "wavemore train list.txt --recipe tiny.toml -q"
    assert re.fullmatch(r"\d\.\d{5}", rows["losses validation"])
    assert "data skipped" not in rows  # nothing was
    assert err == ""


def test_info_json(answer, tiny_path):
    (record,) = records(answer("info tiny.safetensors --json")[0])
    file = ModelFile.load(tiny_path)
    assert record == {
        "parameters": file.parameter_count,
        "characters": "abdeklo",
        "ngram_weight": None,
        "labels": None,
        "recipe": file.recipe.to_dict(),
        "provenance": file.provenance,
        "gives_away": disclosure(file),
        "remembers": {"train_fingerprints": 40, "held_out_fingerprints": 12, "held_out_scores": 6},
    }


def test_info_says_what_the_file_remembers(answer, tiny_path):
    assert shown(answer("info tiny.safetensors")[0])["remembers"] == (
        "40 training and 12 held-out strings by 32 bits, 6 held-out scores"
    )
    answer("train list.txt --recipe tiny.toml -q --set data.remember=false")
    assert shown(answer("info list.safetensors")[0])["remembers"] == "no strings"
    (record,) = records(answer("info list.safetensors --json")[0])
    assert set(record["remembers"].values()) == {0}


def test_info_memory_tells_from_the_file_alone(answer, tiny_path, tiny_model):
    rows = shown(answer("info tiny.safetensors --memory")[0])
    drawn, seen = tiny_model.sample(50_000, seed=0), tiny_model.file_.fingerprints
    for part, hit in (("train", seen.train(drawn)), ("held out", seen.held_out(drawn))):
        assert rows[f"memory {part}"].startswith(f"{hit.mean():.3%} of 50,000 samples are among ")
    assert rows["memory"].startswith("a training string is ")
    (record,) = records(answer("info tiny.safetensors --memory --json")[0])
    assert record["memory"]["samples"] == 50_000
    assert f"is {record['memory']['factor']:.2f} times" in rows["memory"]


def test_info_memory_needs_fingerprints(answer, capfd):
    answer("train list.txt --recipe tiny.toml -q --set data.remember=false")
    assert run(["info", "list.safetensors", "--memory"]) == 2
    assert capfd.readouterr() == (
        "",
        "wavemore: the model list.safetensors keeps no fingerprints of its strings, so it cannot tell them from "
        "others; evaluate it on its list with --memory, or train it again with data.remember = true\n",
    )


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (SMALL, {"kind": "wavenet", "norm": "batch", "activation": "tanh", "embedding": "4", "hidden": "8"}),
        (
            f'{SMALL}groups = [2, 2]\ncycles = 2\nnorm = "rms"\nactivation = "gated"\nresidual = true\nmembers = 2\n'
            "ngram = 3",
            {
                "kind": "wavenet",
                "members": "2",
                "context": "7 characters, groups (2, 2), 2 cycles",
                "norm": "rms",
                "activation": "gated",
                "connections": "residual",
            },
        ),
        (f'{SMALL}kind = "gru"', {"kind": "gru", "context": "the whole string", "embedding": "4", "layers": "1"}),
        (f'{SMALL}kind = "transformer"\nheads = 2', {"kind": "transformer", "hidden": "8", "heads": "2"}),
        ('kind = "ngram"\norder = 3', {"kind": "ngram", "context": "2 characters", "order": "3"}),
    ],
    ids=["wavenet", "mixture", "gru", "transformer", "ngram"],
)
def test_info_shows_every_kind_of_model(answer, model, rows):
    Path("kind.toml").write_text(f"[model]\n{model}\n[train]\nsteps = 2\n")
    answer("train list.txt -o kind.safetensors --recipe kind.toml -q")
    shown = dict(re.split(r"  +", line, maxsplit=1) for line in answer("info kind.safetensors")[0].splitlines())
    assert rows.items() <= shown.items()
    (record,) = records(answer("info kind.safetensors --json")[0])
    assert ("n-gram" in shown) == ("ngram = 3" in model) == (record["ngram_weight"] is not None)
    if "n-gram" in shown:
        assert shown["n-gram"] == f"order 3, weight {record['ngram_weight']:.3f}"
        assert float(shown["losses validation"]) < float(shown["losses network validation"])


def test_info_without_arguments_describes_the_model_in_the_package(answer):
    assert "data name" in answer("info")[0]


def test_info_shows_unprintable_characters_by_their_code_point(answer, strings):
    Path("odd.txt").write_text("\n".join(string + "\u200b" for string in strings))
    answer("train odd.txt --recipe tiny.toml -q")
    assert r"8: abdeklo\u200b" in answer("info odd.safetensors")[0]
