"""What is planted is found, alone, in a model and through training; what is sound has no findings."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from inspected import model_of

from wavemore.inspection import inspect, inspect_history
from wavemore.runs.looks import Look
from wavemore.train import level, watch
from wavemore.train.network import Network

# A model.


def test_a_sound_model_has_no_findings(planted):
    assert planted().findings == []


@pytest.mark.parametrize("activation", ["tanh", "gelu", "quick_gelu", "gated"])
@pytest.mark.parametrize("norm", ["batch", "layer", "rms", "none"])
def test_a_new_model_has_no_findings(strings, activation, norm):
    recipe = {"model": {"groups": [2, 2], "hidden": 12, "embedding": 8, "activation": activation, "norm": norm}}
    assert inspect(model_of(recipe, strings), strings).findings == []


def test_dead_units_are_found_and_named(planted):
    def kill(weights: dict[str, np.ndarray]) -> None:
        for unit in (1, 6):
            weights["levels.0.norm.gamma"][unit] = 0

    assert planted(kill).findings == ["level 1: 2 of 8 units are dead (standard deviation below 0.01): 1, 6"]


def test_a_saturated_level_is_found(planted):
    def saturate(weights: dict[str, np.ndarray]) -> None:
        weights["levels.1.norm.gamma"] *= 40

    (finding,) = planted(saturate).findings
    assert re.fullmatch(r"level 2: \d\d% of its tanh values are saturated \(\|tanh\| above 0\.97\)", finding)


def test_a_vanishing_and_an_exploding_gradient_are_found(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 8, "norm": "none"}}, strings)
    small = {**file.weights, "levels.1.linear.weight": file.weights["levels.1.linear.weight"] * np.float32(1e-4)}
    found = inspect(replace(file, weights=small), strings).findings
    assert any(
        re.fullmatch(r"the gradient vanishes on its way down: level 1 has \S+ of level 2's gradient norm", sentence)
        for sentence in found
    )
    small = {**file.weights, "levels.0.linear.weight": file.weights["levels.0.linear.weight"] * np.float32(1e-4)}
    small["levels.1.linear.weight"] = file.weights["levels.1.linear.weight"] * 20
    found = inspect(replace(file, weights=small), strings).findings
    assert any(sentence.startswith("the gradient explodes on its way down: level 1 has ") for sentence in found)


def test_stale_statistics_are_found(planted):
    def shift(weights: dict[str, np.ndarray]) -> None:
        weights["levels.1.norm.running_mean"] += 2 * np.sqrt(weights["levels.1.norm.running_var"])

    def scale(weights: dict[str, np.ndarray]) -> None:
        weights["levels.1.norm.running_var"] *= 9

    found = planted(shift)
    assert [s for s in found.findings if "stale" in s] == [
        "levels.1.norm: the running mean is stale, "
        f"{found.looks[0].norms[1].shift_size:.2f} running standard deviations off the batch's"
    ]
    assert found.looks[0].norms[1].shift_size == pytest.approx(2, abs=0.4)
    found = planted(scale)
    assert [s for s in found.findings if "stale" in s] == [
        "levels.1.norm: the running variance is stale, its deviation off the batch's by a factor of "
        f"{found.looks[0].norms[1].scale_size:.2f}"
    ]
    assert found.looks[0].norms[1].scale_size == pytest.approx(3, rel=0.2)


@pytest.mark.parametrize(("rate", "words"), [(1e-9, "hardly moves it"), (50.0, "times the tensor itself")])
def test_steps_too_small_and_too_large_are_found(strings, rate, words):
    train = {"optimizer": "adamw", "rate": rate}
    found = inspect(model_of({"model": {"groups": [2, 2], "hidden": 8}, "train": train}, strings), strings)
    assert [sentence.split(":")[0] for sentence in found.findings if words in sentence] == [
        "embedding.weight",
        "levels.0.linear.weight",
        "levels.1.linear.weight",
        "head.linear.weight",
    ]


def test_a_level_that_is_saturated_in_each_part_of_its_gate_is_said_so(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 16, "activation": "gated"}}, strings)
    weights = {**file.weights, "levels.0.norm.gamma": file.weights["levels.0.norm.gamma"] * 50}
    found = inspect(replace(file, weights=weights), strings).findings
    assert [re.sub(r"\d+%", "N%", sentence) for sentence in found if "level 1" in sentence] == [
        "level 1: N% of its tanh values are saturated (|tanh| above 0.97)",
        "level 1: N% of its sigmoid values are saturated (within 0.015 of 0 or 1)",
    ]


def test_a_flat_gelu_is_found(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 16, "activation": "gelu"}}, strings)
    weights = {**file.weights, "levels.1.norm.beta": file.weights["levels.1.norm.beta"] - 3}
    found = inspect(replace(file, weights=weights), strings).findings
    assert any(
        re.fullmatch(r"level 2: \d\d% of its gelu values are saturated \(given less than -2\.24\)", s) for s in found
    )


# Through training.


@pytest.mark.parametrize("activation", ["tanh", "gelu", "quick_gelu", "gated"])
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_a_sound_run_has_no_findings(trained, activation, norm):
    course = trained(model__activation=activation, model__norm=norm, train__rate=0.003)
    assert course.findings == []
    assert course.steps.tolist() == [1, 31, 60, 90]


def test_a_rate_far_too_high_is_found(trained):
    found = trained(train__rate=1.0).findings
    assert [s.split(":")[0] for s in found if s.endswith("times the tensor itself at step 1; lower the rate")] == [
        "levels.0.linear.weight",
        "levels.1.linear.weight",
        "head.linear.weight",
    ]
    assert any(re.search(r"tanh values are saturated .* at step", sentence) for sentence in found)


def test_a_rate_far_too_low_is_found(trained):
    found = trained(train__rate=1e-7).findings
    assert [sentence.split(":")[0] for sentence in found] == [
        "embedding.weight",
        "levels.0.linear.weight",
        "levels.1.linear.weight",
        "head.linear.weight",
    ]
    assert found[0].endswith(": most steps hardly move it (less than 10^-5 of its size); raise the rate")


def test_weights_that_saturate_a_tanh_at_the_start_are_found(trained):
    def enlarge(network: Network) -> None:
        network.weights["levels.0.linear.weight"] *= 30

    (finding,) = (s for s in trained(enlarge, model__norm="none").findings if "saturated" in s)
    pattern = (
        r"level 1: 9\d% of its tanh values are saturated \(\|tanh\| above 0\.97\) at step 1; "
        r"more than 50% at 4 of 4 looks, from step 1 to 90"
    )
    assert re.fullmatch(pattern, finding)


def test_no_rate_is_called_both_too_high_and_too_low(course):
    sizes = [1e3, 1e-9, 1e-9, 1e-9]  # of the steps of one matrix, whose own size is 1

    def steps(look: Look, size: float) -> Look:
        parameters = (
            replace(p, weight=1.0, update=size) if p.name == "levels.0.linear.weight" else p for p in look.parameters
        )
        return look._replace(parameters=tuple(parameters))

    looks = tuple(steps(look, size) for look, size in zip(course.looks, sizes, strict=True))
    assert replace(course, looks=looks).findings == [
        "levels.0.linear.weight: the step is 1000.0 times the tensor itself at step 1; lower the rate"
    ]
    looks = tuple(steps(look, 1e-9) for look in course.looks)
    assert replace(course, looks=looks).findings == [
        "levels.0.linear.weight: most steps hardly move it (less than 10^-5 of its size); raise the rate"
    ]


def test_saturation_that_passes_is_found_where_it_was(trained, path):
    trained()
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        record = json.loads(line)
        if (record["record"], record.get("step")) == ("inside", 31):
            record["levels"][1]["saturated"]["tanh"] = 0.75
            lines[i] = json.dumps(record)
    path.write_text("\n".join([*lines, ""]))
    assert inspect_history(path)[0].findings == [
        "level 2: 75% of its tanh values are saturated (|tanh| above 0.97) at step 31 alone"
    ]


def test_dead_units_are_found_with_the_step_since_when(trained, path):
    def kill(network: Network) -> None:
        for unit in (3, 7):  # nothing reads it, so nothing brings it back
            network.weights["levels.0.norm.gamma"][unit] = 0
            for child in (0, 16):
                network.weights["levels.1.linear.weight"][unit + child] = 0

    sentence = "level 1: 2 of 16 units are dead (standard deviation below 0.01), 2 since step {}: 3, 7"
    assert trained(kill).findings == [sentence.format(1)]
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


def test_a_vanishing_gradient_is_found(trained):
    def shrink(network: Network) -> None:
        network.weights["levels.1.linear.weight"] *= np.float32(1e-4)

    found = trained(shrink, model__norm="none", train__rate=1e-6).findings
    sentence = (
        r"the gradient vanishes on its way down: level 1 has \S+ of level 2's gradient norm at step 1; "
        r"below 0\.01 at 4 of 4 looks, from step 1 to 90"
    )
    assert any(re.fullmatch(sentence, one) for one in found)


def test_stale_statistics_are_found_only_once_they_could_have_settled(trained, monkeypatch):
    def lag(network: Network) -> None:
        for module in (level, watch):  # which moves them, and which reads off how far they moved
            monkeypatch.setattr(module, "MOMENTUM", 1e-3)
        for i in range(2):
            network.weights[f"levels.{i}.norm.running_mean"].fill(9)

    found = trained(lag).findings
    assert any(s.startswith("at step 90, levels.0.norm: the running mean is stale, ") for s in found)
    assert [s for s in trained(lag, steps=20).findings if "stale" in s] == []
