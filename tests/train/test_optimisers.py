"""The optimisers are PyTorch's own where definitions agree, over many steps in float64. The learning rate's course."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from wavemore.settings.config import Recipe, TrainConfig, load_recipe
from wavemore.threads import Team
from wavemore.train.optimisers import SGD, AdamW, Muon, Optimizer, build_optimizer, orthogonalised, rate_at
from wavemore.train.run import _copy

SHAPES = {
    "embedding.weight": (7, 3),
    "levels.0.linear.weight": (6, 10),  # wide, as before a gate
    "levels.1.linear.weight": (20, 10),  # tall
    "levels.2.linear.weight": (10, 10),
    "levels.0.norm.gamma": (10,),
}
MATRICES = [name for name in SHAPES if name.startswith("levels") and name.endswith("weight")]
STEPS = 50
RATES = [0.05 * (1 - step / STEPS) for step in range(STEPS)]

Arrays = dict[str, np.ndarray]
Made = Callable[[Arrays], Optimizer]


def arrays(seed: int, scale: float = 1.0) -> Arrays:
    draw = np.random.default_rng(seed)
    return {name: scale * draw.standard_normal(shape) for name, shape in SHAPES.items()}


def muon(weights: Arrays) -> Muon:
    return Muon(weights, MATRICES, ratio=4.0, weight_decay=0.1, team=Team(1))


OURS: dict[str, Made] = {
    "sgd": SGD,
    "adamw": lambda weights: AdamW(weights, weight_decay=0.1, betas=(0.8, 0.95)),
    "muon": muon,
}


def trained(made: Made, steps: int = STEPS, resume_at: int | None = None) -> Arrays:
    weights = arrays(0)
    optimizer = made(weights)
    for step in range(steps):
        if step == resume_at:
            state = {name: np.array(array) for name, array in optimizer.state().items()}
            optimizer = made(weights)
            optimizer.restore(state)
        optimizer.step(arrays(1 + step, scale=1e4).items(), RATES[step])
    return weights


def trained_by_torch(groups: Callable[[dict[str, torch.nn.Parameter]], list[tuple[torch.optim.Optimizer, float]]]):
    """The same steps by PyTorch's optimisers, each of which has its learning rate times a factor; its matrices are
    (fan_out, fan_in)."""
    parameters = {name: torch.nn.Parameter(torch.from_numpy(array.T.copy())) for name, array in arrays(0).items()}
    optimizers = groups(parameters)
    for step in range(STEPS):
        for name, gradient in arrays(1 + step, scale=1e4).items():
            parameters[name].grad = torch.from_numpy(gradient.T.copy())
        for optimizer, factor in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = factor * RATES[step]
            optimizer.step()
    return {name: parameter.detach().numpy().T for name, parameter in parameters.items()}


def assert_equal(ours: Arrays, theirs: Arrays) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_sgd_is_pytorchs():
    assert_equal(trained(SGD), trained_by_torch(lambda all_: [(torch.optim.SGD(all_.values(), lr=1), 1.0)]))


def test_adamw_is_pytorchs():
    """Which decays what it is told to; ours decays matrices and not vectors."""

    def groups(parameters: dict[str, torch.nn.Parameter]) -> list[tuple[torch.optim.Optimizer, float]]:
        apart = [[p for p in parameters.values() if (p.ndim > 1) is many] for many in (True, False)]
        return [
            (torch.optim.AdamW(part, lr=1, betas=(0.8, 0.95), weight_decay=decay), 1.0)
            for part, decay in zip(apart, (0.1, 0.0), strict=True)
        ]

    assert_equal(trained(OURS["adamw"]), trained_by_torch(groups))


def test_muon_is_pytorchs(monkeypatch):
    """With as few iterations, and a learning rate of the matrices over that of all else, which AdamW takes without
    decay. Three things differ. PyTorch's matrices are (fan_out, fan_in), so they are transposed here. It orthogonalises
    in bfloat16, where ours has the precision of the weights: here it is made to as well. And it divides by the norm or
    1e-7, ours by their sum: gradients here are so large that this is below the tolerance."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)

    def groups(parameters: dict[str, torch.nn.Parameter]) -> list[tuple[torch.optim.Optimizer, float]]:
        rest = [parameter for name, parameter in parameters.items() if name not in MATRICES]
        matrices = torch.optim.Muon(
            [parameters[name] for name in MATRICES],
            lr=1,
            momentum=Muon.MOMENTUM,
            nesterov=True,
            ns_steps=Muon.ITERATIONS,
            adjust_lr_fn="original",
            weight_decay=0.1,
        )
        return [(matrices, 4.0), (torch.optim.AdamW(rest, lr=1, betas=(0.9, 0.95), weight_decay=0), 1.0)]

    assert_equal(trained(muon), trained_by_torch(groups))


@pytest.mark.parametrize("made", OURS.values(), ids=OURS)
@pytest.mark.parametrize("resume_at", [0, 1, 5])
def test_an_optimiser_goes_on_from_its_state_bit_for_bit(made, resume_at):
    whole, resumed = trained(made, 6), trained(made, 6, resume_at)
    assert all(np.array_equal(array, resumed[name]) for name, array in whole.items())


@pytest.mark.parametrize("made", [OURS["adamw"], OURS["muon"]], ids=["adamw", "muon"])
def test_a_state_depends_on_what_was_learned(made):
    """So that one that is lost would be seen in the test above."""

    class Forgetting:
        def __init__(self, weights: Arrays) -> None:
            self.inner = made(weights)
            self.step, self.state = self.inner.step, self.inner.state

        def restore(self, state: Any) -> None: ...

    whole, resumed = trained(made, 6), trained(Forgetting, 6, 5)
    assert not any(np.array_equal(array, resumed[name]) for name, array in whole.items())


@pytest.mark.parametrize("made", OURS.values(), ids=OURS)
def test_tensors_do_as_well_as_arrays(made):
    """As those of a device are."""
    weights = arrays(0)
    tensors: Any = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    ours, theirs = made(weights), made(tensors)
    for step in range(5):
        gradients = arrays(1 + step)
        ours.step(gradients.items(), 0.1)
        theirs.step(((name, torch.from_numpy(array)) for name, array in gradients.items()), 0.1)
        theirs.restore({name: _copy(array) for name, array in theirs.state().items()})
    for name, array in weights.items():
        np.testing.assert_allclose(array, tensors[name].numpy(), rtol=1e-12, atol=1e-12)


def test_muon_is_the_same_on_two_threads():
    team = Team(2)
    try:
        two = trained(lambda weights: Muon(weights, MATRICES, ratio=4.0, weight_decay=0.1, team=team))
    finally:
        team.close()
    assert all(np.array_equal(array, two[name]) for name, array in trained(muon).items())


@pytest.mark.parametrize("shape", [(32, 16), (16, 32), (16, 16), (1, 5), (5, 1)])
@pytest.mark.parametrize("iterations", [1, 3, 6])
def test_orthogonalised_is_a_polynomial_of_the_singular_values(shape, iterations):
    matrix = np.random.default_rng(0).standard_normal(shape)
    u, singular, v = np.linalg.svd(matrix, full_matrices=False)
    s = singular / (np.linalg.norm(matrix) + 1e-7)
    for _ in range(iterations):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    np.testing.assert_allclose(orthogonalised(matrix, iterations), (u * s) @ v, rtol=1e-9, atol=1e-12)
    if iterations == 6:
        assert s.min() > 0.6
        assert s.max() < 1.3


def test_orthogonalised_leaves_zeros():
    assert np.array_equal(orthogonalised(np.zeros((3, 2)), 3), np.zeros((3, 2)))


def test_settings_choose_the_optimiser():
    for name, kind in {"sgd": SGD, "adamw": AdamW, "muon": Muon}.items():
        config = Recipe().with_settings({"train.optimizer": name}).train
        assert isinstance(build_optimizer(config, arrays(0), MATRICES, Team(1)), kind)


def test_settings_reach_the_optimiser():
    config = TrainConfig(optimizer="muon", rate=0.01, matrix_rate=0.04, weight_decay=0.1)
    built = trained(lambda weights: build_optimizer(config, weights, MATRICES, Team(1)))
    assert all(np.array_equal(array, built[name]) for name, array in trained(muon).items())


# --- the learning rate


def test_the_lectures_stepped_rate():
    config = load_recipe("lecture").train
    assert [rate_at(config, step, 200_000) for step in (0, 149_999, 150_000, 199_999)] == [0.1, 0.1, 0.01, 0.01]


def test_warm_up_rises_to_the_rate_and_decay_falls_to_nearly_zero():
    config = TrainConfig(rate=2.0, warmup=0.1, decay="cosine")
    rates = [rate_at(config, step, 100) for step in range(100)]
    assert rates[:3] == pytest.approx([0.2, 0.4, 0.6])
    assert rates[9] == rates[10] == max(rates) == 2.0
    assert rates[55] == pytest.approx(1.0)
    assert 0 < rates[-1] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_linear_decay():
    config = TrainConfig(rate=1.0, warmup=0.0, decay="linear")
    assert [rate_at(config, step, 4) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]
