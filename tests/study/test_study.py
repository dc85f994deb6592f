"""A study as a whole: planted effects are found by real trainings, null ones are not, and finished runs are kept."""

import json
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import tiny_strings

from wavemore.errors import TrainingError, UsageError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import load_recipe
from wavemore.study import CLAIMS, study
from wavemore.study.drawing import chart_drawn
from wavemore.study.information import ORDER
from wavemore.study.measuring import Workplace
from wavemore.study.running import RUNS
from wavemore.study.statistics import Interval, verdict
from wavemore.study.trial import TrialRun
from wavemore.study.trials import Data, Plan, Trial, multiplications, parameters, plan_for, widths_for

STRINGS = tiny_strings(60)
FAST: dict[str, Any] = {"train.steps": 2}
GROUPS = [(8,), (4, 2), (2, 4), (2, 2, 2)]


def losses(trials: list[Trial]) -> np.ndarray:
    """The validation losses of real, short trainings."""
    strings = tiny_strings(300)
    data = Data("tiny", "", strings[:250], strings[250:], Vocabulary.of(strings).characters)
    place = Workplace(data, load_recipe("fast").with_settings({"train.steps": 40, "train.batch": 64}))
    return np.array([place.measure(trial)["validation"] for trial in trials])


def taught(**settings: Any) -> list[Trial]:
    """The same model with five seeds."""
    plain = Trial(groups=(2, 2, 2), widths=(12, 12, 12), embedding=6, epochs=1.0)
    return [replace(plain, seed=seed, **settings) for seed in range(5)]


def test_a_crippled_model_is_detected_and_the_same_model_twice_is_not():
    whole = losses(taught())
    crippled = losses(taught(widths=(2, 2, 2)))
    again = losses([replace(trial, seed=trial.seed + 100) for trial in taught()])
    assert verdict(Interval.of(crippled - whole), 0.005) == "supported"
    assert verdict(Interval.of(again - whole), 0.005) != "supported"
    assert verdict(Interval.of(whole - crippled), 0.005) == "not supported"


# Sizes.


@pytest.mark.parametrize("groups", GROUPS)
def test_parameters_and_multiplications_are_those_of_the_model(groups):
    plan = plan_for(load_recipe("fast"), 27, 5, quick=False)
    for size in plan.sizes:
        trial = plan.model(groups, size)
        count = WaveNet(trial.recipe(plan.base).wavenet, 27).parameter_count
        assert count == parameters(groups, trial.widths, trial.embedding, 27)
        assert count == pytest.approx(size, rel=0.04)
        assert multiplications(groups, trial.widths, trial.embedding, 27) >= count - 27 * trial.embedding - 5 * 3 * 600
    assert multiplications((2, 2), (3, 5), 4, 7) == 2 * 8 * 3 + 6 * 5 + 5 * 7


def test_widths_by_ratio_and_by_cost():
    low, middle, high = widths_for((2, 2, 2), 24, 76_500, 27, (0.5, 1, 2))
    assert middle == pytest.approx(2 * low, abs=1)
    assert high == pytest.approx(4 * low, abs=3)
    wide = widths_for((8,), 24, 200_000, 27, cost=multiplications)
    assert multiplications((8,), wide, 24, 27) == pytest.approx(200_000, rel=0.01)


def test_a_shared_model_is_one_run_whoever_asks_for_it():
    plan = plan_for(load_recipe("fast"), 27, 5, quick=False)
    main = plan.model((2, 2, 2), plan.main)
    assert main.probes
    assert [trial.probes for trial in plan.tuned(main)] == [False, True, False]
    assert not plan.model((2, 2, 2), plan.sizes[0]).probes
    assert not plan.model((2, 2, 2), plan.main, (0.5, 1, 2)).probes


# Permuted positions.


def test_windows_in_their_order_give_the_chunks_of_the_strings():
    vocabulary = Vocabulary.of(STRINGS)
    windows = Windows.of(STRINGS, vocabulary, 8)
    for groups in GROUPS:
        whole = Chunks.of(STRINGS, vocabulary, groups)
        arguments = (windows.answers(), windows.starts, len(vocabulary), groups)
        same = Chunks.of_windows(windows.contexts(), *arguments)
        assert [b.children.tolist() for b in same.branches] == [b.children.tolist() for b in whole.branches]
        assert [same.contexts.tolist(), same.answers.tolist()] == [whole.contexts.tolist(), whole.answers.tolist()]
        permuted = Chunks.of_windows(windows.contexts()[:, ORDER], *arguments)
        for branch in permuted.branches[:1]:
            ids = permuted.characters[branch.children]  # (g, n)
            wanted = windows.contexts()[:, ORDER].reshape(-1, groups[0])
            assert set(map(tuple, ids.T.tolist())) == set(map(tuple, wanted.tolist()))
    assert sorted(ORDER) == list(range(8))
    assert all(abs(one - other) == 4 for one, other in zip(ORDER[::2], ORDER[1::2], strict=True))


# Reports and kept runs.


def report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "study.json").read_text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole study with runs of two steps."""
    folder = tmp_path_factory.mktemp("study")
    study(STRINGS, folder, quick=True, settings=FAST, processes=1, command="a test")
    return folder


def test_the_report_has_every_claim_its_rule_and_its_verdict(whole):
    found = report(whole)
    assert [claim["claim"] for claim in found["claims"]] == list(CLAIMS)
    page, text = (whole / "study.html").read_text(), (whole / "study.md").read_text()
    for claim in found["claims"]:
        assert claim["verdict"] in ("supported", "not supported", "undecided")
        assert any(finding["decides"] for finding in claim["findings"])
        assert claim["question"] in text
        for finding in claim["findings"]:
            low, mean, high = (finding["interval"][key] for key in ("low", "mean", "high"))
            assert low <= mean <= high
            assert finding["interval"]["seeds"] == 5
            others = [one for one in ("supported", "not supported", "undecided") if one != finding["verdict"]]
            assert sorted(re.findall(r"(?:not )?supported|undecided", finding["otherwise"])) == sorted(others)
            assert finding["effect"] in text
    assert page.count("<svg") == sum(len(claim["charts"]) for claim in found["claims"]) >= 8
    assert "http" not in page.replace("http://www.w3.org/", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")
    assert "<script" not in page
    assert "lost numbers" not in text
    assert "came back bit for bit" in text


def test_direct_flattening_does_not_mind_permuted_positions(whole):
    """The check that the study carries with it: nothing is found where there is nothing."""
    (claim,) = (claim for claim in report(whole)["claims"] if claim["claim"] == "information")
    (flat,) = (finding for finding in claim["findings"] if finding["effect"].startswith("loss of (8,)"))
    assert flat["verdict"] != "supported"


def test_finished_runs_are_kept_and_spoiled_ones_made_again(whole, monkeypatch):
    made: list[Trial] = []
    measure = Workplace.measure

    def counted(self: Workplace, trial: Trial) -> dict[str, Any]:
        made.append(trial)
        return measure(self, trial)

    monkeypatch.setattr(Workplace, "measure", counted)
    before = report(whole)
    kept = sorted((whole / RUNS).iterdir())
    kept[0].write_text(kept[0].read_text()[:40])
    kept[1].unlink()
    said: list[str] = []
    study(STRINGS, whole, quick=True, settings=FAST, processes=1, remark=said.append, command="a test")
    assert len(made) == 2
    assert said[0].startswith(f"{len(kept) - 2} of {len(kept)} runs are taken from ")
    assert said[-1] == "2 of 2 runs"
    for one, other in zip(before["claims"], report(whole)["claims"], strict=True):
        assert one["findings"] == other["findings"]


def test_ctrl_c_keeps_the_run_under_way(tmp_path, monkeypatch):
    measure = Workplace.measure
    made: list[Trial] = []

    def interrupted(self: Workplace, trial: Trial) -> dict[str, Any]:
        made.append(trial)
        if len(made) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return measure(self, trial)

    monkeypatch.setattr(Workplace, "measure", interrupted)
    options: dict[str, Any] = {"quick": True, "claims": ["information"], "settings": FAST, "processes": 1}
    with pytest.raises(KeyboardInterrupt):
        study(STRINGS, tmp_path, **options)
    assert len(list((tmp_path / RUNS).iterdir())) == len(made) == 3
    study(STRINGS, tmp_path, **options)
    assert len(made) == len(list((tmp_path / RUNS).iterdir())) == 4 * 2 * 5


@pytest.mark.slow
def test_two_processes_find_the_same(tmp_path):
    options: dict[str, Any] = {"quick": True, "claims": ["information"], "settings": FAST}
    one, two = (study(STRINGS, tmp_path / str(processes), processes=processes, **options) for processes in (1, 2))
    assert one.claims[0].findings == two.claims[0].findings


def test_without_matplotlib_charts_are_tables(whole, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    study(STRINGS, whole, quick=True, settings=FAST, claims=["flow"], processes=1)
    page = (whole / "study.html").read_text()
    assert "<svg" not in page
    assert "<th>levels of two</th>" in page


@pytest.mark.slow
def test_runs_that_diverge_count_as_even_guessing(tmp_path, monkeypatch):
    def diverged(self: TrialRun) -> None:
        raise TrainingError("the loss is nan")

    monkeypatch.setattr(TrialRun, "train", diverged)
    found = study(STRINGS, tmp_path, quick=True, settings=FAST, processes=1)
    assert found.diverged == found.runs
    assert f"{found.runs} runs diverged" in (tmp_path / "study.md").read_text()
    claims = {claim["claim"]: claim for claim in report(tmp_path)["claims"]}
    assert claims["information"]["findings"][0]["interval"]["mean"] == 0
    assert claims["flow"]["verdict"] == "undecided"
    assert claims["flow"]["findings"][0]["interval"]["mean"] is None


def test_a_chart_is_the_same_bytes_twice_and_png_is_one():
    plan = plan_for(load_recipe("fast"), 27, 5, quick=True)
    assert isinstance(plan, Plan)
    from wavemore.study.claims import Chart, Line

    chart = Chart("a", "x", "y", [Line("one", [1, 2], [3, 4], [2, 3], [4, 5])], True)
    assert chart_drawn(chart) == chart_drawn(chart)
    assert chart_drawn(chart, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"claims": []}, f"no claim is named; the claims are {', '.join(CLAIMS)}"),
        (
            {"claims": ["hierachy"]},
            f'there is no claim "hierachy" (did you mean "hierarchy"?); they are {", ".join(CLAIMS)}',
        ),
        ({"seeds": 4}, "the number of seeds is 4; it must be 5 or more"),
        (
            {"settings": {"model.hidden": 3}},
            "model.hidden is what the study itself sets; leave it out of the settings",
        ),
        ({"settings": {"train.seed": 3}}, "train.seed is what the study itself sets; leave it out of the settings"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_made(tmp_path, options, message):
    with pytest.raises(UsageError) as error:
        study(STRINGS, tmp_path / "study", **options)
    assert str(error.value) == message
    assert not (tmp_path / "study").exists()
