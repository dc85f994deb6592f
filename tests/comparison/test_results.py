"""What a comparison shows: medians over seeds, ranges, and the interval of the median run."""

from dataclasses import replace

import pytest

from wavemore.comparison.results import Comparison, FinishedRun, Result, Spread

MEASURED = {"hardware": "a machine, 2 cores", "versions": {"wavemore": "9", "numpy": "2"}, "date": "2026-11-22"}


def run(seed: int, seconds: float | None, validation: float, unseen: float) -> FinishedRun:
    losses = {
        "validation": {
            "nats_per_character": validation,
            "nats_per_character_interval": [validation - 0.1, validation + 0.1],
        },
        "validation unseen": {"nats_per_character": unseen, "nats_per_character_interval": None},
    }
    return FinishedRun(seed, 1234567, seconds, losses, {} if seconds is None else MEASURED)


@pytest.fixture
def comparison() -> Comparison:
    fitted = [run(0, 120.0, 2.3, 2.7), run(1, 1010.4, 2.1, 2.5), run(2, 0.5, 2.2, 2.9)]
    results = [
        Result("fast|er", "fast", fitted, ["seed 3: the loss is nan"]),
        Result("file", "m.safetensors", [run(7, None, 2.0, 2.4)]),
        Result("wild", "wild.toml", [], ["seed 0: the loss is inf", "seed 1: the loss is inf"]),
    ]
    parts = ["validation", "validation unseen"]
    return Comparison("names", 32033, "abc", "lecture", (0, 1, 2, 3), parts, results, "wavemore compare ...")


def test_medians_ranges_and_the_interval_of_the_median_run(comparison):
    result = comparison.results[0]
    assert result.loss("validation") == Spread(2.2, 2.1, 2.3)
    assert result.loss("validation unseen") == Spread(2.7, 2.5, 2.9)
    assert result.seconds == Spread(120.0, 0.5, 1010.4)
    assert result.median_run.seed == 2  # by the validation loss
    assert result.interval("validation") == (pytest.approx(2.1), pytest.approx(2.3))
    assert result.interval("validation unseen") is None
    assert result.loss("test") is result.interval("test") is None
    of_two = replace(result, runs=result.runs[:2])
    assert of_two.loss("validation") == pytest.approx((2.2, 2.1, 2.3))
    assert of_two.median_run.seed == 1


TEXT = """\
                 parameters       seconds       validation  validation unseen
fast|er           1,234,567           120           2.2000             2.7000
  3 seeds                    0.50 - 1,010  2.1000 - 2.3000    2.5000 - 2.9000
  95 % interval                            2.1000 - 2.3000                  -
file              1,234,567             -           2.0000             2.4000
  95 % interval                            1.9000 - 2.1000                  -
wild             failed: seed 0: the loss is inf

names: 32,033 strings, lecture split; losses in nats per character
each figure is the median over seeds 0, 1, 2, 3; a model file and an n-gram model are one run
"""


def test_text(comparison):
    text = comparison.to_text()
    assert text.startswith(TEXT)
    notes = text.removeprefix(TEXT).split("\n")
    assert notes[-2:] == [
        "fitted on a machine, 2 cores; wavemore 9, numpy 2, 2026-11-22",
        "fast|er failed: seed 3: the loss is nan",
    ]
    assert [note.split(" ", 3)[:3] for note in notes[:2]] == [["the", "95", "%"], ["seconds", "are", "wall"]]


def test_markdown(comparison):
    lines = comparison.to_markdown().split("\n")
    assert lines[:6] == [
        "| | parameters | seconds | validation | validation unseen |",
        "| --- | ---: | ---: | ---: | ---: |",
        r"| fast\|er | 1,234,567 | 120 (0.50 - 1,010) | 2.2000 (2.1000 - 2.3000) [2.1000 - 2.3000] "
        "| 2.7000 (2.5000 - 2.9000) |",
        "| file | 1,234,567 | - | 2.0000 [1.9000 - 2.1000] | 2.4000 |",
        "| wild | | | failed: seed 0: the loss is inf | |",
        "",
    ]
    assert lines[6] == "- each cell: median (lowest - highest over seeds) [95 % interval over strings]"
    assert lines[-1] == "- command: `wavemore compare ...`"
    assert all(line.startswith("- ") for line in lines[6:])


def test_records(comparison):
    fast, file, wild = comparison.to_records()
    about = {"list": "names", "sha256": "abc", "split": "lecture"}
    assert wild == {**about, "row": "wild", "source": "wild.toml", "problems": comparison.results[2].problems}
    assert fast["losses"]["validation"] == {
        "nats_per_character": 2.2,
        "nats_per_character_range": [2.1, 2.3],
        "nats_per_character_interval": [pytest.approx(2.1), pytest.approx(2.3)],
    }
    assert (fast["seconds"], fast["seconds_range"], fast["median_seed"]) == (120.0, [0.5, 1010.4], 2)
    assert fast["runs"][1] == {"seed": 1, "seconds": 1010.4, "validation": 2.1, "validation unseen": 2.5, **MEASURED}
    assert (file["seconds"], file["seconds_range"], file["problems"]) == (None, None, [])


def test_of_no_runs_there_are_no_notes_on_figures(comparison):
    failed = replace(comparison, results=comparison.results[2:], parts=["validation"])
    assert failed.to_text().split("\n") == [
        "      parameters  seconds  validation",
        "wild  failed: seed 0: the loss is inf",
        "",
        "names: 32,033 strings, lecture split; losses in nats per character",
    ]
    assert failed.failed
    assert not replace(comparison, results=comparison.results[1:2]).failed
