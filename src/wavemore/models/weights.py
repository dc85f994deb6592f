"""The names and shapes of the weights of every kind of network, without PyTorch."""

from dataclasses import replace

from wavemore.settings.config import ModelConfig, SequenceConfig

__all__ = ["sequence_weight_shapes", "weight_shapes"]

_NORM_WEIGHTS = {
    "batch": ("gamma", "beta", "running_mean", "running_var"),
    "layer": ("gamma", "beta"),
    "rms": ("gamma",),
    "none": (),
}
_NORM = ("gamma", "beta")


def weight_shapes(config: ModelConfig | SequenceConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every tensor of a model: those of the state_dict() of `nn.WaveNet`, `nn.Ensemble` or
    `nn.SequenceModel`."""
    if isinstance(config, SequenceConfig):
        return sequence_weight_shapes(config, vocabulary_size)
    if config.members > 1:
        one = weight_shapes(replace(config, members=1), vocabulary_size)
        return {f"members.{i}.{name}": shape for i in range(config.members) for name, shape in one.items()}
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocabulary_size, config.embedding)}
    channels = config.embedding
    width = config.hidden * (2 if config.activation == "gated" else 1)
    for i, (n, _) in enumerate(config.levels):
        shapes[f"levels.{i}.linear.weight"] = (channels * n, width)
        if config.bias:
            shapes[f"levels.{i}.linear.bias"] = (width,)
        shapes |= {f"levels.{i}.norm.{name}": (width,) for name in _NORM_WEIGHTS[config.norm]}
        channels = config.hidden
    shapes["head.linear.weight"] = (config.hidden * (len(config.levels) if config.skip else 1), vocabulary_size)
    if config.final_norm:
        shapes |= {f"head.norm.{name}": (vocabulary_size,) for name in _NORM_WEIGHTS["batch"]}
    else:
        shapes["head.linear.bias"] = (vocabulary_size,)
    return shapes


def sequence_weight_shapes(config: SequenceConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every tensor of a model: those of `nn.SequenceModel.state_dict()`."""
    channels = config.hidden if config.kind == "transformer" else config.embedding
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocabulary_size, channels)}
    first = 0
    if config.kind == "bow":  # layer 0 is the mean, which has no weights and stands beside the newest character
        first, channels = 1, 2 * channels
    for i in range(first, first + config.layers):
        layer = _layer_shapes(config, channels)
        shapes |= {f"layers.{i}.{name}": shape for name, shape in layer.items()}
        channels = config.hidden
    if config.kind == "transformer":
        shapes |= {f"norm.{name}": (config.hidden,) for name in _NORM}
    shapes["head.linear.weight"] = (config.hidden, vocabulary_size)
    shapes["head.linear.bias"] = (vocabulary_size,)
    return shapes


def _layer_shapes(config: SequenceConfig, channels: int) -> dict[str, tuple[int, ...]]:
    """The same for one layer that so many channels come into."""
    hidden = config.hidden
    if config.kind == "bow":
        return {"linear.weight": (channels, hidden), "norm.gamma": (hidden,), "norm.beta": (hidden,)}
    if config.kind == "transformer":
        fans = {
            "attention": (hidden, 3 * hidden),
            "projection": (hidden, hidden),
            "expand": (hidden, 4 * hidden),
            "contract": (4 * hidden, hidden),
        }
        shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": fan for name, fan in fans.items()}
        shapes |= {f"{name}.bias": fan[1:] for name, fan in fans.items()}
        return shapes | {f"{norm}.{name}": (hidden,) for norm in ("attention_norm", "mlp_norm") for name in _NORM}
    width = {"rnn": 1, "gru": 3, "lstm": 4}[config.kind] * hidden  # of all gates side by side
    return {"input.weight": (channels, width), "input.bias": (width,), "state.weight": (hidden, width)}
