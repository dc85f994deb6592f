"""The inside through training: planted troubles are found from a history, a sound run has none, pictures and text say
what the records do."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from wavemore.canvas import figure_type
from wavemore.errors import FileError
from wavemore.estimator import StringModel
from wavemore.inspection import Course, inspect_history
from wavemore.inspection.course_pictures import course_pictures
from wavemore.inspection.course_report import course_records, course_text
from wavemore.inspection.page import write_courses
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet
from wavemore.predict.chunks import Chunks
from wavemore.runs.history import HistoryFile, is_history
from wavemore.runs.looks import Look
from wavemore.runs.measures import Histogram, Parameter
from wavemore.settings.config import Recipe
from wavemore.train import Recorder
from wavemore.train.batches import SharedBatches
from wavemore.train.run import Run

Planted = Callable[..., Course]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.history.jsonl"


@pytest.fixture
def planted(strings: list[str], path: Path) -> Planted:
    """The course of a small run whose settings and first weights may be changed."""

    def planted(change: Callable[[WaveNet], None] = lambda model: None, steps: int = 90, **settings: Any) -> Course:
        base = {
            "model": {"groups": [2, 2], "embedding": 4, "hidden": 16},
            "train": {"form": "shared", "optimizer": "adamw", "rate": 0.01, "steps": steps, "batch": 30},
        }
        named = {name.replace("__", "."): value for name, value in settings.items()}
        recipe = Recipe.from_dict(base).with_settings(named)
        vocabulary = Vocabulary.of(strings)
        part = SharedBatches(Chunks.of(strings, vocabulary, recipe.wavenet.groups), len(vocabulary))
        run = Run.of(recipe, len(vocabulary), part, part)
        assert isinstance(run.model, WaveNet)
        with torch.no_grad():
            change(run.model)
        recorder = Recorder([HistoryFile(path)], {"role": "model", "recipe": recipe.to_dict()})
        recorder.begin([run], resumed=False)
        for _ in run.train(recorder):
            pass
        recorder.close()
        (course,) = inspect_history(path)
        return course

    return planted


def drawn(course: Course, name: str) -> Any:
    """The figure of one picture of a course."""
    (picture,) = (picture for picture in course_pictures(course) if picture.name == name)
    figure = figure_type()(figsize=picture.size)
    picture.draw(figure)
    return figure


def labels(figure: Any) -> list[str]:
    return [label for axes in figure.axes for label in axes.get_legend_handles_labels()[1]]


# Findings: what is planted is found, alone.


@pytest.mark.parametrize("activation", ["tanh", "gelu", "gated"])
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_a_sound_run_has_no_findings(planted, activation, norm):
    course = planted(model__activation=activation, model__norm=norm, train__rate=0.003)
    assert course.findings == []
    assert course.steps.tolist() == [1, 31, 60, 90]


def test_a_rate_far_too_high_is_found(planted):
    found = planted(train__rate=1.0).findings
    assert [s.split(":")[0] for s in found if s.endswith("times the tensor itself at step 1; lower the rate")] == [
        "levels.0.linear.weight",
        "levels.1.linear.weight",
        "head.linear.weight",
    ]
    assert any("tanh values are saturated at step" in sentence for sentence in found)


def test_a_rate_far_too_low_is_found(planted):
    found = planted(train__rate=1e-7).findings
    assert [sentence.split(":")[0] for sentence in found] == [
        "embedding.weight",
        "levels.0.linear.weight",
        "levels.1.linear.weight",
        "head.linear.weight",
    ]
    assert found[0].endswith(": most steps hardly move it (less than 10^-5 of its size); raise the rate")


def test_weights_that_saturate_a_tanh_at_the_start_are_found(planted):
    def enlarge(model: WaveNet) -> None:
        model.matrices()[0].mul_(30)

    (finding,) = (s for s in planted(enlarge, model__norm="none").findings if "saturated" in s)
    pattern = (
        r"level 1: 9\d% of its tanh values are saturated at step 1 \(\|tanh\| above 0\.97\); "
        r"more than 50% are at 4 of 4 looks, from step 1 to 90"
    )
    assert re.fullmatch(pattern, finding)


def test_no_rate_is_called_both_too_high_and_too_low(planted):
    course = planted()
    sizes = [1e3, 1e-9, 1e-9, 1e-9]  # of the steps of one matrix, whose own size is 1

    def steps(look: Look, size: float) -> Look:
        parameters = (
            replace(p, weight=1.0, update=size) if p.name == "levels.0.linear.weight" else p for p in look.parameters
        )
        return look._replace(parameters=tuple(parameters))

    looks = tuple(steps(look, size) for look, size in zip(course.looks, sizes, strict=True))
    assert Course("m", {}, looks).findings == [
        "levels.0.linear.weight: the step is 1000.0 times the tensor itself at step 1; lower the rate"
    ]
    looks = tuple(steps(look, 1e-9) for look in course.looks)
    assert Course("m", {}, looks).findings == [
        "levels.0.linear.weight: most steps hardly move it (less than 10^-5 of its size); raise the rate"
    ]


def test_saturation_that_passes_is_found_where_it_was(planted, path):
    planted()
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        record = json.loads(line)
        if (record["record"], record.get("step")) == ("inside", 31):
            record["levels"][1]["saturated"]["tanh"] = 0.75
            lines[i] = json.dumps(record)
    path.write_text("\n".join([*lines, ""]))
    assert inspect_history(path)[0].findings == [
        "level 2: 75% of its tanh values are saturated at step 31 (|tanh| above 0.97); "
        "more than 50% are at step 31 alone"
    ]


def test_dead_units_are_found_with_the_step_since_when(planted, path):
    def kill(model: WaveNet) -> None:
        norm: Any = model.levels[0].norm
        for unit in (3, 7):  # nothing reads it, so nothing brings it back
            norm.gamma[unit] = 0
            for child in (0, 16):
                model.matrices()[1][unit + child] = 0

    sentence = "level 1: 2 of 16 units are dead (standard deviation below 0.01), 2 since step {}: 3, 7"
    assert planted(kill).findings == [sentence.format(1)]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for record in lines:
        if record["record"] == "inside" and record["step"] == 31:
            record["levels"][0]["dead"] = []
    path.write_text("".join(json.dumps(record) + "\n" for record in lines))
    assert inspect_history(path)[0].findings == [sentence.format(60)]
    for record in lines:
        if record["record"] == "inside" and record["step"] == 90:
            record["levels"][0]["dead"] = []
    path.write_text("".join(json.dumps(record) + "\n" for record in lines))
    assert inspect_history(path)[0].findings == []


def test_a_vanishing_gradient_is_found(planted):
    def shrink(model: WaveNet) -> None:
        model.matrices()[1].mul_(1e-4)

    found = planted(shrink, model__norm="none", train__rate=1e-6).findings
    sentence = (
        "the gradient vanishes on its way down: level 1 has below 0.01 of level 2's at 4 of 4 looks, from step 1 to 90"
    )
    assert sentence in found


def test_stale_statistics_are_found_only_once_they_could_have_settled(planted):
    def lag(model: WaveNet) -> None:
        for level in model.levels:
            level.norm.momentum = 1e-6  # pyright: ignore
            level.norm.running_mean.fill_(9)  # pyright: ignore

    found = planted(lag).findings
    assert any(s.startswith("at step 90, levels.0.norm: the running mean is stale, ") for s in found)
    assert [s for s in planted(lag, steps=20).findings if "stale" in s] == []


# What is shown.


def test_text_and_records_say_the_same(planted):
    course = planted()
    text = "\n".join(course_text(course))
    records = json.loads(json.dumps(list(course_records(course)), allow_nan=False))
    assert text.startswith("m: 90 steps, 4 looks inside, each at a step of training and on its batch\n")
    assert {record["what"] for record in records} == {"run", "activations", "parameter", "norm", "findings"}
    names = [parameter.name for parameter in course.looks[0].matrices]
    for name in names:
        ratios = [one["log10_update_to_weight"] for one in records if one.get("name") == name and "shape" in one]
        assert re.search(rf"^  {re.escape(name)} +{' +'.join(f'{ratio:.2f}' for ratio in ratios)}$", text, re.M)
    for level in (1, 2):
        shares = [one["saturated"]["tanh"] for one in records if one.get("level") == level]
        assert re.search(rf"^  level {level}, tanh +{' +'.join(f'{share:.1%}' for share in shares)}$", text, re.M)
    assert text.endswith("no odd steps")


def test_a_run_that_goes_on_an_ensemble_and_a_baseline(strings, tiny_recipe, path):
    StringModel(tiny_recipe.with_settings({"model.members": 2, "train.form": "shared"})).fit(strings, record=path)
    whole = path.read_text().splitlines()
    last = max(i for i, line in enumerate(whole) if '"record": "inside"' in line)
    path.write_text("\n".join(whole[:last]) + '\n{"record": "ste')
    (course,) = inspect_history(path)
    heading = next(course_text(course))
    assert heading == (
        "m: 30 steps so far, of 60, 2 looks inside, each at a step of training and on its batch "
        "(the first of 2 networks)"
    )
    gru = Recipe.from_dict({"model": {"kind": "gru", "embedding": 4, "hidden": 8}, "train": {"steps": 40}})
    StringModel(gru).fit(strings, record=path)
    (course,) = inspect_history(path)
    assert course.looks[0].levels == ()
    assert course.findings == []
    *table, closing = course_text(course)
    assert "saturated" not in "\n".join(table)
    assert closing == (
        "nothing wants attention: no odd steps; dead units, saturation and gradients are looked at in levels alone"
    )
    assert [picture.name for picture in course_pictures(course)] == ["steps", "gradients", "gradient-sizes"]


def test_pictures_have_axes_units_and_what_to_look_for(planted, tmp_path):
    course = planted(model__activation="gated")
    written = write_courses([course], tmp_path / "seen")
    names = ["steps", "gradients", "levels", "activations", "gradient-sizes", "norms"]
    assert [path.name for path in written] == [f"{name}.svg" for name in names]
    for path in written:
        words = re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))
        assert any(word.startswith("Look for ") for word in words), path.name
    assert "-3, the lecture's rule of thumb" in written[0].read_text(encoding="utf-8")
    again = write_courses([course], tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]


def test_a_page_holds_a_teacher_and_its_pupil(planted, tmp_path):
    course = planted(train__rate=1.0)
    teacher = Course("m, teacher", {"role": "teacher"}, course.looks)
    (page,) = write_courses([teacher, course], tmp_path / "x.html")
    text = page.read_text(encoding="utf-8")
    assert text.count('src="data:image/svg+xml;base64,') == 12
    assert "<li>m, teacher: level 1: " in text
    assert "<li>m: level 1: " in text


def test_a_table_shows_all_looks_or_says_how_many(planted):
    course = planted()
    first = course.looks[0]
    few = Course("m", {}, tuple(first._replace(step=step) for step in range(1, 9)))
    heading, _, steps, *_ = course_text(few)
    assert heading.endswith("8 looks inside, each at a step of training and on its batch")
    assert steps.split() == ["step", *map(str, range(1, 9))]
    many = Course("m", {}, tuple(first._replace(step=1000000 * step) for step in range(1, 11)))
    heading, _, steps, *others = course_text(many)
    assert heading.endswith(
        "10 looks inside, each at a step of training and on its batch; 6 of 10 shown, --json has all"
    )
    assert len(steps.split()) == 7
    assert max(map(len, others)) <= 120


def test_the_peaks_of_all_looks_are_within_the_axes(planted):
    """Those of later looks may be higher than the first's, with which they share an axis."""
    course = planted()
    first, last = course.looks[0], course.looks[-1]
    peak = np.zeros_like(last.levels[0].activated.shares)
    peak[3] = 1.0
    level = last.levels[0]._replace(activated=Histogram(last.levels[0].activated.edges, peak))
    course = Course("m", {}, (first, last._replace(levels=(level, *last.levels[1:]))))
    figure = drawn(course, "activations")
    gives = figure.axes[len(figure.axes) // 2 :]
    assert max(line.get_ydata().max() for axes in gives for line in axes.lines) == pytest.approx(100)
    assert all(axes.get_ylim()[1] >= 100 for axes in gives)
    assert all(axes.get_ylim()[0] == 1e-2 for axes in gives)


def test_gradient_norms_of_zero_are_told_where_they_cannot_be_drawn(planted):
    course = planted()
    assert not any(label.startswith("0 ") for label in labels(drawn(course, "gradients")))

    def still(look: Look, *groups: str) -> Look:
        parameters = (replace(p, gradient=0.0) if p.group in groups else p for p in look.parameters)
        return look._replace(parameters=tuple(parameters))

    one, two, three, four = course.looks
    looks = (one, still(two, "level 1"), still(three, "level 2", "head"), still(four, "level 2", "head"))
    notes = [label for label in labels(drawn(Course("m", {}, looks), "gradients")) if label.startswith("0 ")]
    assert notes == ["0 at step 31: level 1", "0 from step 60 on: level 2, head"]


def test_the_panels_of_gradients_are_named_by_their_steps(planted, path):
    course = planted()
    assert [axes.get_title() for axes in drawn(course, "gradient-sizes").axes] == ["step 1", "step 60", "step 90"]
    assert "At step 1 the head's ratio is large by design" in course_pictures(course)[0].look_for
    later = Course("m", {}, course.looks[1:])
    assert "by design" not in course_pictures(later)[0].look_for


def test_a_single_look_can_be_drawn(planted, tmp_path):
    course = planted(steps=1)
    assert len(course.looks) == 1
    assert len(write_courses([course], tmp_path / "x.png")) == 6
    assert next(course_text(course)).startswith("m: 1 steps, one look inside")


# What is refused.


def test_a_history_is_told_from_lists_and_models(planted, path, tmp_path, tiny_path):
    planted(steps=1)
    path.rename(tmp_path / "renamed")
    (tmp_path / "list.jsonl").write_text('{"name": "emma"}\n')
    assert is_history(tmp_path / "renamed")
    assert is_history("nosuch.history.jsonl")
    assert not is_history(tmp_path / "list.jsonl")
    assert not is_history(tiny_path)
    assert not is_history("nosuch")


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["levels"][0].pop("mean"),
        lambda record: record["levels"][0].update(activation="relu"),
        lambda record: record["levels"][0]["given"].update(shares=[]),
        lambda record: record["levels"].append(3),
        lambda record: record["parameters"][0].update(update=-1.0),
        lambda record: record["parameters"][0].update(weight=float("nan")),
        lambda record: record["parameters"][0].update(shape="3"),
        lambda record: record["norms"][0].update(shift=None),
        lambda record: record["norms"][0].update(scale=10**400),
        lambda record: record["levels"][0].update(level=float("inf")),
        lambda record: record["levels"][0].update(units=10**400),
        lambda record: record["levels"][0].update(units=0),
        lambda record: record["levels"][0].update(dead=[-3]),
        lambda record: record["levels"][0].update(dead=[16]),
        lambda record: record["parameters"][0].update(shape=[10**300, 10**300]),
        lambda record: record["parameters"][0].update(shape=[10**15] * 50),
        lambda record: record["parameters"][0].update(update=1e-300, weight=1e300),
        lambda record: record["parameters"][0].update(update=1e-300),
        lambda record: record["parameters"][0].update(gradient=1e200),
    ],
)
def test_unsound_records_are_refused(planted, path, change):
    planted(steps=1)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    (inside,) = (record for record in records if record["record"] == "inside")
    change(inside)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(FileError) as error:
        inspect_history(path)
    assert str(error.value) == f"the record of the inside at step 1 of {path} is not sound; remove its line"


@pytest.mark.parametrize("members", ["x", None, [2], 1.5])
def test_a_run_of_no_number_of_networks_is_refused(planted, path, members):
    planted(steps=1)
    about, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(about), "members": members}), *others, ""]))
    with pytest.raises(FileError) as error:
        inspect_history(path)
    assert str(error.value) == (
        f'a run in {path} has the members "{members}", which is no whole number; mend its record'
    )


def test_the_ratio_of_a_step_is_told_however_far_apart_the_sizes_are():
    ones = np.ones((2, 2))
    parameter = Parameter.of("head.linear.weight", ones * 1e150, ones, ones * 1e-150)
    assert parameter.update_ratio == pytest.approx(-300)
    assert replace(parameter, weight=1e300, update=1e-300).update_ratio == pytest.approx(-600)


@pytest.mark.parametrize(("rows", "units", "most"), [(40, 500, 1000), (96, 384, 2000), (7, 3, 100), (1000, 1, 10)])
def test_some_gradients_are_those_of_all_units(rows, units, most):
    """Unit 0 alone has none, and a step of 20 elements would see but each twentieth unit."""
    gradient = np.full((rows, units), 1e-3, np.float32)
    gradient[:, 0] = 0 if units > 1 else 1e-3
    gradient[:, 1::2] = 1e-5
    histogram = Parameter.of("levels.0.linear.weight", gradient, gradient, gradient, most=most).magnitudes
    taken = (gradient != 0) & (gradient == np.float32(1e-5))
    small = histogram.shares[histogram.edges[:-1] < -4].sum()
    assert histogram.shares.sum() == pytest.approx(1)
    assert small == pytest.approx(taken.sum() / np.count_nonzero(gradient), abs=0.05)


def test_records_of_different_networks_are_refused(planted, path):
    planted(steps=2)
    one = path.read_text()
    planted(steps=40, model__groups=[2, 2, 2])
    path.write_text(one + "".join(f"{line}\n" for line in path.read_text().splitlines() if '"inside"' in line))
    with pytest.raises(FileError, match=r"^the records of the inside in .* are of different networks; remove the odd"):
        inspect_history(path)


def test_a_history_without_the_inside_is_refused(path):
    path.write_text('{"record": "run", "format": 1}\n{"record": "step", "step": 1}\n')
    with pytest.raises(FileError) as error:
        inspect_history(path)
    assert str(error.value) == (
        f"the history {path} has no record of the inside yet; look again when its run has taken a step, or train the "
        "model again if an earlier version wrote it"
    )
