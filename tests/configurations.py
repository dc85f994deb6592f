"""Settings of a WaveNet, drawn at random: every group, norm, activation and connection, in any combination."""

from typing import Any

from hypothesis import strategies as st

from wavemore.errors import ConfigError
from wavemore.settings.config import ModelConfig


def _model(**settings: Any) -> ModelConfig:
    try:
        return ModelConfig(**settings)
    except ConfigError:  # a residual or a skip with nothing to add
        return ModelConfig(**{**settings, "residual": False, "skip": False})


model_configs = st.builds(
    _model,
    groups=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    cycles=st.sampled_from([1, 1, 2]),
    embedding=st.integers(1, 8),
    hidden=st.integers(1, 12),
    norm=st.sampled_from(["batch", "layer", "rms", "none"]),
    activation=st.sampled_from(["tanh", "gelu", "quick_gelu", "gated"]),
    residual=st.booleans(),
    skip=st.booleans(),
    dropout=st.sampled_from([0.0, 0.3]),
    bias=st.booleans(),
    final_norm=st.booleans(),
)
