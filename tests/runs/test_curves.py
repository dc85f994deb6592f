"""Curves of past runs: what is computed from a history, and the picture of it."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavemore.errors import FileError, MissingExtraError, UsageError
from wavemore.runs.canvas import COLOURS
from wavemore.runs.curves import Curve, curves_of, smoothed, table
from wavemore.runs.picture import draw_curves


def losses(step: int) -> float:
    """That of a run that learns: 3 nats at first, and 2 at last."""
    return 2 + float(np.exp(-step / 10))


def written(
    path: Path, steps: int = 60, every: int = 2, members: int = 1, role: str = "model", shift: float = 0.0, **about: Any
) -> Path:
    """A history with one record every so many steps, evaluated every tenth."""
    run = {"record": "run", "format": 1, "role": role, "parameters": 328, "members": members, "seed": 1, **about}
    lines: list[dict[str, Any]] = [run]
    for step in range(every, steps + 1, every):
        for member in range(members):
            record = {
                "record": "step",
                **({"member": member} if members > 1 else {}),
                "step": step,
                "passes": step / 20,
                "seconds": step / 100,
                "steps": every,
                "batch_loss": losses(step) + shift,
                "mean_loss": sum(losses(s) for s in range(step - every + 1, step + 1)) / every + shift,
                "rate": 0.01,
                "gradient_norm": 5 / step,
                "steps_per_second": 100.0,
            }
            if step % 10 == 0:
                record |= {"record": "evaluation", "validation_loss": 2.2 + abs(step - 40) / 100 + member / 10 + shift}
            lines.append(record)
    with path.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "m.history.jsonl")


def test_the_figures_of_a_run(path):
    (curve,) = curves_of([path])
    assert (curve.name, curve.run, curve.network, curve.taught) == ("m", "m", None, False)
    steps, values = curve.points("batch_loss")
    assert steps.tolist() == list(range(2, 61, 2))
    assert values == pytest.approx([losses(step) for step in range(2, 61, 2)])
    assert curve.points("validation_loss", "passes")[0].tolist() == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert curve.best == (40, pytest.approx(2.2))
    assert curve.last_validation_loss == pytest.approx(2.4)
    assert curve.steps_per_second == pytest.approx(100)


def test_the_speed_is_over_all_steps(tmp_path):
    """10 steps at 10 a second and 30 at 100 a second take 1.3 s."""
    columns = {"steps": np.array([10.0, 30.0]), "steps_per_second": np.array([10.0, 100.0])}
    assert Curve("m", None, {}, columns).steps_per_second == pytest.approx(40 / 1.3)


def test_json_has_every_point_and_no_number_that_is_none(path):
    (curve,) = curves_of([path])
    record = json.loads(json.dumps(curve.to_dict(), allow_nan=False))
    assert [record[name] for name in ("run", "network", "seed", "parameters")] == ["m", None, 1, 328]
    assert (record["steps"], record["best_step"]) == (60, 40)
    points = record["points"]
    assert {len(values) for values in points.values()} == {30}
    assert "matrix_rate" not in points
    assert points["validation_loss"][:5] == [None, None, None, None, pytest.approx(2.5)]


def test_networks_of_an_ensemble_and_a_teacher_have_names(tmp_path):
    path = written(tmp_path / "m.history.jsonl", role="teacher")
    written(path, members=2, recipe={"train": {"teacher": "fast"}})
    curves = curves_of([path])
    assert [curve.name for curve in curves] == ["m, teacher", "m, network 1", "m, network 2"]
    assert [curve.run for curve in curves] == ["m, teacher", "m", "m"]
    assert [curve.taught for curve in curves] == [False, True, True]
    assert [row[6] for row in table(curves)] == ["best validation", "2.2000", "2.2000", "2.3000"]


def test_files_of_the_same_name_are_told_apart(tmp_path, path):
    (tmp_path / "b").mkdir()
    other = written(tmp_path / "b" / "m.history.jsonl")
    assert [curve.run for curve in curves_of([path, other])] == [str(path), str(other)]
    with pytest.raises(UsageError, match=r"^the history .*m\.history\.jsonl is named twice; name it once$"):
        curves_of([path, path])


def test_a_model_stands_for_the_history_beside_it(tmp_path, path, tiny_model):
    model = tmp_path / "m.safetensors"
    assert curves_of([model])[0].run == "m"  # while it trains there is no model yet
    tiny_model.save(model)
    assert curves_of([str(model)])[0].run == "m"
    path.unlink()
    sentence = rf"^there is no history beside {model}: {path} does not exist; train the model with a record$"
    with pytest.raises(FileError, match=sentence):
        curves_of([model])


def test_a_history_without_steps(tmp_path):
    path = written(tmp_path / "m.history.jsonl", steps=0)
    with pytest.raises(FileError, match=r"^the history .* has no steps yet; draw it later$"):
        curves_of([path])


# Smoothing.


def test_a_straight_line_is_not_moved_but_at_its_end():
    ends = np.arange(10.0, 1001, 10)
    counts = np.full(100, 10.0)
    line = smoothed(ends, counts, ends, share=0.1)
    assert line[:-5] == pytest.approx(ends[:-5])
    assert line[-1] == pytest.approx(ends[-6:].mean(), abs=5)


def test_smoothing_takes_the_mean_over_steps_and_not_over_records():
    """A record of 90 steps weighs as much as 9 of 10 steps."""
    ends, counts = np.array([10.0, 100.0, 110.0]), np.array([10.0, 90.0, 10.0])
    means = np.array([1.0, 2.0, 3.0])
    found = smoothed(ends, counts, means, share=2.0)
    assert found == pytest.approx([1.0, (10 + 180 + 30) / 110, (10 + 180 + 30) / 110])


def test_smoothing_makes_noise_smaller_and_passes_over_what_is_unknown():
    draw = np.random.default_rng(0)
    ends, counts = np.arange(1.0, 1001), np.ones(1000)
    noisy = 2 + draw.normal(0, 0.1, 1000)
    noisy[500] = np.nan
    smooth = smoothed(ends, counts, noisy)
    assert np.isnan(smooth[500])
    assert np.nanstd(smooth[50:]) < 0.1 / 5
    assert np.isnan(smoothed(ends, counts, np.full(1000, np.nan))).all()
    assert smoothed(np.array([7.0]), np.array([7.0]), np.array([2.5])).tolist() == [2.5]


# The picture.


def words(path: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))


def test_svg_has_axes_with_units_a_legend_and_what_to_look_for(path, tmp_path):
    draw_curves(curves_of([path]), tmp_path / "a.svg")
    found = words(tmp_path / "a.svg")
    assert {
        *("How training went: m", "loss, nats per character", "learning rate", "gradient norm", "(log scale)"),
        *("steps a second", "step", "batch loss", "batch loss, smoothed", "validation loss"),
    } <= set(found)
    assert any(word.startswith("Where the dashed line stops falling") for word in found)
    assert "of each network" not in found
    assert not any("taught run" in word for word in found)
    draw_curves(curves_of([path]), tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_several_runs_have_their_names_in_the_legend(path, tmp_path):
    taught = written(tmp_path / "_$odd$ 名.history.jsonl", members=2, recipe={"train": {"teacher": "fast"}})
    curves = curves_of([path, taught])
    draw_curves(curves, tmp_path / "a.svg", over="passes")
    found = words(tmp_path / "a.svg")
    assert {"How training went: 2 runs", "m", "_$odd$ 名", "passes over the training part", "of each network"} <= {
        *found
    }
    assert any(word.startswith("The batch loss of a taught run is that against") for word in found)
    draw_curves(curves, tmp_path / "b.svg", over="seconds")
    assert "seconds since the start" in words(tmp_path / "b.svg")


CHANGES = [{}, {"gradient_norm": 0}, {"gradient_norm": None, "validation_loss": None}]
LENGTHS = [2, 4, 60]


@pytest.mark.parametrize(
    ("steps", "change"),
    [
        pytest.param(steps, change, marks=() if i == j else pytest.mark.slow)
        for i, steps in enumerate(LENGTHS)
        for j, change in enumerate(CHANGES)
    ],
)
def test_runs_of_every_length_are_drawn(tmp_path, steps, change):
    """Also where a gradient vanished, and where nothing was evaluated."""
    path = written(tmp_path / "m.history.jsonl", steps=steps)
    lines = [{**json.loads(line), **change} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    draw_curves(curves_of([path]), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_a_run_that_diverged_is_drawn_on_a_log_scale(tmp_path):
    path = written(tmp_path / "m.history.jsonl")
    with path.open("a") as file:
        file.writelines(
            json.dumps({"record": "step", "step": step, "steps": 1, "batch_loss": 4.0**step, "mean_loss": 4.0**step})
            + "\n"
            for step in range(61, 75)
        )
    curves = curves_of([path])
    draw_curves(curves, tmp_path / "a.svg")
    assert any("e+" in cell for cell in table(curves)[1])


def test_what_cannot_be_drawn_is_refused(path, tmp_path, monkeypatch):
    curves = curves_of([path])
    with pytest.raises(UsageError, match=r"^the picture is a\.pdf; it must be a file that ends in \.svg or \.png$"):
        draw_curves(curves, "a.pdf")
    many = [Curve(str(i), None, curves[0].about, curves[0].columns) for i in range(len(COLOURS) + 1)]
    with pytest.raises(UsageError, match=r"^there are 8 runs, and a picture shows 7 at most; draw fewer of them$"):
        draw_curves(many, tmp_path / "a.svg")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="drawing a picture needs matplotlib"):
        draw_curves(curves, tmp_path / "a.svg")
    assert not (tmp_path / "a.svg").exists()
