import pytest
import torch

from wavemore.nn import WaveNet
from wavemore.settings.config import ModelConfig, Recipe, TrainConfig, load_recipe
from wavemore.train.optimisers import SGD, AdamW, Muon, build_optimizer, orthogonalised, rate_at


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


def test_sgd_is_the_lectures_update_bit_for_bit():
    parameter = torch.nn.Parameter(torch.randn(50, generator=torch.Generator().manual_seed(0)))
    parameter.grad = torch.randn(50, generator=torch.Generator().manual_seed(1))
    expected = parameter.detach() + -0.1 * parameter.grad
    SGD([parameter]).step(0.1)
    assert torch.equal(parameter.detach(), expected)


def test_adamw_decays_matrices_and_not_vectors():
    matrix, vector = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))
    matrix.grad, vector.grad = torch.zeros(2, 2), torch.zeros(2)
    AdamW([matrix, vector], weight_decay=0.5).step(0.1)
    assert torch.allclose(matrix, torch.full((2, 2), 0.95))
    assert torch.equal(vector, torch.ones(2))


def test_adamw_goes_on_from_its_state_bit_for_bit():
    def run(steps: int, resume_at: int | None = None) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        parameter = torch.nn.Parameter(torch.ones(4, 3))
        optimizer = AdamW([parameter], weight_decay=0.1)
        for step in range(steps):
            if step == resume_at:
                state = {name: tensor.clone() for name, tensor in optimizer.state().items()}
                optimizer = AdamW([parameter], weight_decay=0.1)
                optimizer.restore(state)
            parameter.grad = torch.randn(4, 3, generator=generator)
            optimizer.step(0.05)
        return parameter.detach()

    assert torch.equal(run(6), run(6, resume_at=3))


def test_settings_choose_the_optimiser():
    model = WaveNet(ModelConfig(), 27)
    kinds = {"sgd": SGD, "adamw": AdamW, "muon": Muon}
    for name, kind in kinds.items():
        assert isinstance(build_optimizer(Recipe().with_settings({"train.optimizer": name}).train, model), kind)


@pytest.mark.parametrize("shape", [(32, 16), (16, 32), (16, 16)])
def test_muon_brings_the_singular_values_near_one_and_keeps_the_directions(shape):
    generator = torch.Generator().manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    matrix = u @ torch.diag(torch.logspace(0, -1, 16)) @ v
    result = orthogonalised(matrix, 6)
    assert torch.linalg.svdvals(result).max() < 1.3
    assert torch.linalg.svdvals(result).min() > 0.6
    aligned = u.T @ result @ v.T  # diagonal, since only the singular values change
    assert torch.allclose(aligned, torch.diag(aligned.diag()), atol=1e-4)


def test_muon_takes_the_matrices_and_leaves_the_rest_to_adamw():
    model = WaveNet(ModelConfig(groups=(2,), embedding=3, hidden=4), 5)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    build_optimizer(TrainConfig(optimizer="muon", rate=0.01, matrix_rate=1.0), model).step(0.01)
    moved = {name: (p.detach() - before[name]).norm().item() for name, p in model.named_parameters()}
    assert moved.pop("levels.0.linear.weight") == pytest.approx(1.0, rel=0.35)  # a gradient of rank one
    assert all(0 < distance < 0.1 for distance in moved.values())


def test_adamw_is_torchs():
    ours, theirs = (torch.nn.Parameter(torch.ones(4, 3)) for _ in range(2))
    optimizer = AdamW([ours], weight_decay=0.1, betas=(0.8, 0.95))
    reference = torch.optim.AdamW([theirs], lr=0.05, betas=(0.8, 0.95), weight_decay=0.1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        ours.grad = theirs.grad = torch.randn(4, 3, generator=generator)
        optimizer.step(0.05)
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-6)
