"""What is measured inside a network, from arrays alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from wavemore.runs.measures import Histogram, Layer, Norm, Parameter, flat_shares, map_of


def test_flat_shares_of_each_activation():
    weights = np.array([0.75, 0.25])
    values = np.array([[0.0, 3.0], [-3.0, -3.0]])
    assert flat_shares("tanh", values, weights) == {"tanh": pytest.approx(0.375 + 0.25)}
    assert flat_shares("gelu", values, weights) == {"gelu": pytest.approx(0.25)}
    assert flat_shares("quick_gelu", values, weights) == {"quick_gelu": pytest.approx(0.25)}
    gated = np.array([[0.0, 5.0], [-3.0, 3.0]])
    assert flat_shares("gated", gated, weights) == {"tanh": pytest.approx(0.25), "sigmoid": pytest.approx(0.75)}
    slope = torch.tensor([-2.24, 2.0923], requires_grad=True)
    F.gelu(slope[:1]).sum().backward()
    assert slope.grad is not None
    assert abs(float(slope.grad[0])) == pytest.approx(1 - 0.97**2, abs=5e-3)  # as flat as tanh at 0.97


def test_sizes_ratios_and_zeros_of_a_parameter():
    weight, gradient = np.array([[3.0, 4.0]], np.float32), np.array([[0.0, 0.1]], np.float32)
    parameter = Parameter.of("levels.2.linear.weight", weight, gradient, -weight / 1000)
    assert parameter.group == "level 3"
    assert parameter.gradient_norm == pytest.approx(0.1)
    assert parameter.gradient_ratio == pytest.approx(0.1 / 5)
    assert parameter.update_ratio == pytest.approx(-3)
    assert parameter.zeros == 0.5
    assert parameter.magnitudes.shares.sum() == pytest.approx(1)
    still = Parameter.of("head.linear.bias", np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32))
    assert (still.group, still.gradient_ratio, still.update_ratio, still.zeros) == ("head", None, None, 1.0)
    assert still.magnitudes.shares.sum() == 0


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


def test_histograms_hold_what_lies_beyond_them_and_weigh_rows():
    found = Histogram.of(np.array([[-9.0, 0.5], [0.5, 9.0]]), -1, 1, np.array([3.0, 1.0]))
    assert found.shares[0] == pytest.approx(3 / 8)
    assert found.shares[-1] == pytest.approx(1 / 8)
    assert found.shares.sum() == pytest.approx(1)


def test_norms_are_compared_in_running_deviations():
    running = (np.array([1.0, 2.0]), np.array([4.0, 4.0]))
    norm = Norm.of("levels.0.norm", running, (np.array([3.0, 2.0]), np.array([16.0, 1.0])))
    assert np.allclose(norm.shift, [1, 0], atol=1e-4)
    assert np.allclose(norm.scale, [2, 0.5], atol=1e-4)
    assert norm.shift_size == pytest.approx(0.5**0.5, abs=1e-4)
    assert norm.scale_size == pytest.approx(2, abs=1e-4)


def test_dead_units_are_weighed_by_use():
    values = np.array([[0.0, 0.0], [1.0, 1.0]])
    layer = Layer.of(1, "tanh", values, values, np.array([1e6, 1.0]), 4.0)
    assert layer.dead == (0, 1)  # one window of a million does not bring a unit to life
    assert Layer.of(1, "tanh", values, values, np.array([1.0, 1.0]), 4.0).dead == ()


def test_the_map_keeps_distances_in_two_dimensions_and_its_signs():
    plane = np.random.default_rng(0).normal(size=(7, 2)) @ np.random.default_rng(1).normal(size=(2, 5))
    found = map_of(plane)
    distances = [np.linalg.norm(rows[:, None] - rows[None], axis=2) for rows in (plane, found.places)]
    assert np.allclose(*distances)
    assert sum(found.explained) == pytest.approx(1)
    assert np.allclose(map_of(-plane).places[:, 0].max(), np.abs(found.places[:, 0]).max())
    assert map_of(np.ones((3, 1))).explained == (0.0, 0.0)
