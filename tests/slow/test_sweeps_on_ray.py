"""Comparisons and studies on real clusters of Ray: the figures and the folder of one machine, whichever worker makes a
run and when one of them dies; what was stopped goes on, and what goes wrong is one sentence.

Skipped where Ray is not installed; `make slow` installs it."""

import json
from pathlib import Path
from typing import Any

import pytest
from clusters import cluster
from compared import TINY, WILD, losses
from tiny import tiny_strings

from wavemore.comparison.running import compare
from wavemore.lists.corpus import Corpus, read_corpus

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of Ray's own
ray = pytest.importorskip("ray")

ROWS = ["tiny.toml", "wild.toml", "ngram", "other.toml", "pupil.toml"]
CLAIM: dict[str, Any] = {"quick": True, "claims": ["information"], "settings": {"train.steps": 2}}
CHANGING = {"seconds", "hardware", "versions", "date", "measured"}


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A list, and the recipes of `ROWS` where the driver stands."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    Path("other.toml").write_text(TINY.replace("hidden = 8", "hidden = 6"))
    Path("pupil.toml").write_text(f'{TINY}teacher = "tiny.toml"\n')
    Path("wild.toml").write_text(WILD if importable("torch") else WILD.replace('form = "windowed"\n', ""))
    return read_corpus(tiny_strings(300))


def importable(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in CHANGING}


def folder_of(path: str) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """The records of a comparison's folder, in their order, and its other files' bytes."""
    lines = (Path(path) / "compare.jsonl").read_text().removesuffix("\n").split("\n")
    others = {file.name: file.read_bytes() for file in Path(path).iterdir() if file.suffix != ".jsonl"}
    return [without_times(json.loads(line)) for line in lines], others


@pytest.mark.parametrize("nodes", [(1,), (1, 1), (2, 2)], ids=str)
def test_a_comparison_is_the_same_on_any_nodes(corpus, nodes):
    here = compare(corpus, ROWS, seeds=(0, 1), keep="here", test=True)
    with cluster(*nodes) as address:
        there = compare(corpus, ROWS, seeds=(0, 1), keep="there", test=True, on=f"ray={address}")
        said: list[str] = []
        again = compare(corpus, ROWS, seeds=(0, 1), keep="there", test=True, on=f"ray={address}", remark=said.append)
    assert losses(there) == losses(here) == losses(again)
    assert [result.problems for result in there.results] == [result.problems for result in here.results]
    assert there.results[1].problems[0].startswith("seed 0: the ")
    assert folder_of("there") == folder_of("here")
    assert sum(": taken from there, " in sentence for sentence in said) == 7
    assert all(run.seconds is not None and run.measured for run in there.results[0].runs)
