"""Runs that are finished in another order than their turns, as on a cluster: the same figures and the same folder."""

import pickle
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest
from compared import LECTURE, kept, losses

from wavemore.comparison.making import Making
from wavemore.comparison.running import compare
from wavemore.errors import WavemoreError
from wavemore.tasks.task import Finished, Work


class Elsewhere:
    """A stand-in for a cluster: takes all tasks at once, sends them as bytes, and begins with the last. The runs of the
    titles in `lost` are never finished."""

    def __init__(self, *lost: str) -> None:
        self.lost = lost
        self.rounds: list[list[str]] = []

    def __call__(self, work: Work, shared: Making, tasks: Iterable[Any]) -> Generator[Finished, None, None]:
        taken = list(tasks)
        if taken:
            self.rounds.append([task.title for task in taken])
        assert not shared.progress
        for task in reversed(taken):
            assert task.place is None  # the folder is not theirs

            def result(task: Any = task) -> Any:
                if task.title.startswith(self.lost or "?"):
                    raise WavemoreError("its workers died")
                return pickle.loads(pickle.dumps(work(*pickle.loads(pickle.dumps((shared, task))))))

            yield Finished(task, result)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    engine = Elsewhere()
    monkeypatch.setattr(
        "wavemore.comparison.running.engine_of", lambda on, here, what: here if on == "here" else engine
    )
    return engine


def without_times(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name != "seconds"} for record in records]


def models() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("kept").iterdir() if path.suffix != ".jsonl"}


def test_figures_folder_and_order_are_those_of_one_machine(corpus, elsewhere):
    compare(corpus, ["other.toml"], seeds=(7,), keep="kept", settings=LECTURE)  # a line that was there before
    Path("before.jsonl").write_bytes(Path("kept/compare.jsonl").read_bytes())
    options: dict[str, Any] = {"seeds": (0, 1), "keep": "kept", "settings": LECTURE, "test": True}
    rows = ["tiny.toml", "nosuch.toml", "ngram", "other.toml"]
    here = compare(corpus, rows, **options)
    records, files = without_times(kept()), models()
    for path in Path("kept").glob("*.safetensors"):
        if path.name != records[0]["model"]:
            path.unlink()
    Path("kept/compare.jsonl").write_bytes(Path("before.jsonl").read_bytes())
    said: list[str] = []
    there = compare(corpus, rows, on="ray", remark=said.append, **options)
    assert losses(there) == losses(here)
    assert [result.problems for result in there.results] == [result.problems for result in here.results]
    assert (without_times(kept()), models()) == (records, files)
    assert said[0] == "nosuch (2 of 6) failed: cannot read the recipe nosuch.toml: No such file or directory"
    assert said[1].startswith("other, seed 1 (6 of 6): ")
    made = ["tiny, seed 0 (1 of 6)", "ngram (3 of 6)", "other, seed 0 (4 of 6)", "tiny, seed 1 (5 of 6)"]
    assert elsewhere.rounds == [[*made, "other, seed 1 (6 of 6)"]]


def test_the_same_run_of_two_rows_is_made_once(corpus, elsewhere, fits):
    Path("twin.toml").write_text(Path("tiny.toml").read_text())
    found = compare(corpus, ["tiny.toml", "twin.toml"], seeds=(0,), keep="kept", on="ray")
    assert fits == [(8, 0)]
    assert elsewhere.rounds == [["tiny, seed 0 (1 of 2)"]]
    assert list(found.results[0].runs) == list(found.results[1].runs)
    assert len(kept()) == 1


def test_a_run_that_is_lost_fails_its_row_alone(corpus, elsewhere):
    elsewhere.lost = ("tiny, seed 1",)
    found = compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1), keep="kept", on="ray")
    assert [len(result.runs) for result in found.results] == [1, 2]
    assert found.results[0].problems == ["seed 1: its workers died"]
    elsewhere.lost = ()
    again = compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1), keep="kept", on="ray")
    assert elsewhere.rounds[-1] == ["tiny, seed 1 (3 of 4)"]
    assert losses(again) == losses(compare(corpus, ["tiny.toml", "other.toml"], seeds=(0, 1)))


def test_a_model_file_and_a_stopped_run(corpus, elsewhere):
    """A file is judged elsewhere too; what a stopped run left here goes when the run is made."""
    compare(corpus, ["tiny.toml"], seeds=(0,), keep="kept")
    Path(kept()[0]["model"]).write_bytes(Path("kept", kept()[0]["model"]).read_bytes())
    name = kept()[0]["model"].removesuffix(".safetensors")
    Path("kept/compare.jsonl").unlink()
    for left in (".checkpoint", ".seconds"):
        Path("kept", name + left).write_text("1000")
    found = compare(corpus, ["tiny.toml", f"ours={name}.safetensors"], seeds=(0,), keep="kept", on="ray")
    tiny, ours = found.results
    assert tiny.runs[0].seconds is not None
    assert tiny.runs[0].seconds < 1000
    assert (ours.runs[0].losses, ours.runs[0].seed, ours.seconds) == (tiny.runs[0].losses, 0, None)
    assert {path.suffix for path in Path("kept").iterdir()} == {".jsonl", ".safetensors"}
