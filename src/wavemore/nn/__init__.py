"""The models in PyTorch: layers, the WaveNet and the baselines. Knows nothing of files or optimisers."""

from wavemore.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError.of("wavemore.nn", "PyTorch", "torch") from error

from wavemore.nn.ensemble import Ensemble
from wavemore.nn.layers import (
    GELU,
    BatchNorm1d,
    Dropout,
    Embedding,
    FlattenConsecutive,
    Gate,
    LayerNorm,
    Linear,
    QuickGELU,
    RMSNorm,
    Sequential,
    Tanh,
)
from wavemore.nn.sequence import SequenceModel
from wavemore.nn.wavenet import WaveNet, evaluation_mode, sample_as_taught

__all__ = [
    "GELU",
    "BatchNorm1d",
    "Dropout",
    "Embedding",
    "Ensemble",
    "FlattenConsecutive",
    "Gate",
    "LayerNorm",
    "Linear",
    "QuickGELU",
    "RMSNorm",
    "SequenceModel",
    "Sequential",
    "Tanh",
    "WaveNet",
    "evaluation_mode",
    "sample_as_taught",
]
