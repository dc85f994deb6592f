import pytest
import torch

from wavemore.errors import ShapeError
from wavemore.nn import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh


def test_flatten_in_steps_and_drop_the_axis_only_when_it_becomes_one():
    x = torch.arange(2 * 8 * 10).reshape(2, 8, 10)
    shapes = [tuple(x.shape)]
    for _ in range(3):
        x = FlattenConsecutive(2)(x)
        shapes.append(tuple(x.shape))
    assert shapes == [(2, 8, 10), (2, 4, 20), (2, 2, 40), (2, 80)]
    assert torch.equal(x, torch.arange(2 * 8 * 10).reshape(2, 80))  # neighbours stay neighbours


@pytest.mark.parametrize(("n", "shape"), [(8, (2, 80)), (4, (2, 2, 40)), (1, (2, 8, 10))])
def test_flatten_by_any_n(n, shape):
    assert tuple(FlattenConsecutive(n)(torch.zeros(2, 8, 10)).shape) == shape


def test_flatten_takes_two_axes_as_one_position():
    assert tuple(FlattenConsecutive(1)(torch.zeros(2, 10)).shape) == (2, 10)


def test_flatten_names_both_lengths_when_one_does_not_divide_the_other():
    with pytest.raises(ShapeError) as error:
        FlattenConsecutive(3)(torch.zeros(2, 8, 10))
    assert str(error.value) == (
        "cannot flatten 8 positions by 3: 3 does not divide 8; choose groups whose product is the context length"
    )


def test_flatten_takes_a_tensor_that_is_not_contiguous():
    x = torch.arange(2 * 4 * 3.0).reshape(2, 3, 4).transpose(1, 2)
    assert torch.equal(FlattenConsecutive(2)(x), x.contiguous().view(2, 2, 6))


def test_linear_starts_with_the_variance_of_its_input_and_stores_fan_in_first():
    layer = Linear(400, 300, generator=torch.Generator().manual_seed(1))
    assert layer.weight.shape == (400, 300)
    assert layer.weight.std().item() == pytest.approx(400**-0.5, rel=0.02)
    assert layer.bias is not None
    assert not layer.bias.any()
    x = torch.randn(7, 400)
    assert torch.allclose(layer(x), torch.nn.functional.linear(x, layer.weight.T, layer.bias), atol=1e-5)


def test_linear_without_bias():
    assert [name for name, _ in Linear(2, 3, bias=False).named_parameters()] == ["weight"]


def test_embedding_gives_the_row_of_each_id():
    layer = Embedding(5, 3)
    ids = torch.tensor([[0, 4], [4, 2]])
    assert torch.equal(layer(ids), layer.weight[ids])


@pytest.mark.parametrize("shape", [(16, 5), (16, 4, 5)])
def test_batchnorm_in_training_mode_uses_the_unbiased_statistics_of_all_leading_axes(shape):
    layer = BatchNorm1d(5)
    x = torch.randn(shape) * 3 + 1
    flat = x.reshape(-1, 5)
    expected = (x - flat.mean(0)) / torch.sqrt(flat.var(0, correction=1) + 1e-5)
    assert torch.allclose(layer(x), expected, atol=1e-6)
    assert torch.allclose(layer.running_mean, 0.1 * flat.mean(0), atol=1e-6)
    assert torch.allclose(layer.running_var, 0.9 + 0.1 * flat.var(0, correction=1), atol=1e-6)


def test_batchnorm_differs_from_torch_in_training_by_the_biased_variance_alone():
    x = torch.randn(8, 5)
    ours, theirs = BatchNorm1d(5), torch.nn.BatchNorm1d(5)
    assert not torch.allclose(ours(x), theirs(x), atol=1e-3)
    assert torch.allclose(ours.running_var, theirs.running_var)  # type: ignore[arg-type]
    biased = (x - x.mean(0)) / torch.sqrt(x.var(0, correction=0) + 1e-5)
    assert torch.allclose(theirs(x), biased, atol=1e-5)


def test_batchnorm_in_evaluation_mode_uses_the_running_statistics_row_by_row():
    layer = BatchNorm1d(5)
    for _ in range(20):
        layer(torch.randn(64, 5) * 2 + 3)
    layer.eval()
    x = torch.randn(6, 5)
    before = layer.running_mean.clone()
    assert torch.equal(torch.cat([layer(row[None]) for row in x]), layer(x))
    assert torch.equal(layer.running_mean, before)


def test_batchnorm_untrained_is_finite_in_evaluation_mode():
    x = torch.randn(1, 5)
    assert torch.allclose(BatchNorm1d(5).eval()(x), x, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 5), (1, 1, 5)])
def test_batchnorm_refuses_one_row_in_training_mode_and_says_what_to_do(shape):
    layer = BatchNorm1d(5)
    with pytest.raises(ShapeError) as error:
        layer(torch.zeros(shape))
    assert str(error.value) == (
        f"BatchNorm1d got one row, of shape {shape}, in training mode, and one row has no variance; "
        "call .eval() on the model to predict, or give at least two rows to train"
    )
    assert torch.equal(layer.running_mean, torch.zeros(5))


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5), (2, 4)])
def test_batchnorm_refuses_other_axes_and_channels(shape):
    with pytest.raises(ShapeError, match=r"BatchNorm1d takes \(rows, 5\) or \(rows, positions, 5\), but got"):
        BatchNorm1d(5)(torch.zeros(shape))


def test_sequential_applies_layers_in_order_and_leaves_out_none():
    linear = Linear(2, 3)
    layers = Sequential(linear=linear, norm=None, activation=Tanh())
    x = torch.randn(4, 2)
    assert torch.equal(layers(x), torch.tanh(linear(x)))
    assert [name for name, _ in layers.named_parameters()] == ["linear.weight", "linear.bias"]
    assert [type(layer).__name__ for layer in layers.layers] == ["Linear", "Tanh"]


def test_sequential_takes_a_list_and_numbers_it_as_in_the_lecture():
    model = Sequential([Linear(2, 2, bias=False), Tanh(), Linear(2, 2, bias=False)])
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "2.weight"]
    with torch.no_grad():
        model.layers[-1].weight *= 0.1  # type: ignore[operator]
    assert model.layers[-1].weight.abs().max() < 0.5  # type: ignore[operator, union-attr]


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5)])
def test_flatten_refuses_other_axes_and_n_below_one(shape):
    with pytest.raises(ShapeError, match=r"FlattenConsecutive takes \(rows, positions, channels\), but got"):
        FlattenConsecutive(2)(torch.zeros(shape))
    with pytest.raises(ShapeError, match="cannot flatten by 0"):
        FlattenConsecutive(0)
