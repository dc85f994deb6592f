"""Training, in PyTorch."""

from wavemore.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError.of("training", "PyTorch", "train") from error

from wavemore.train.checkpoint import Checkpoint
from wavemore.train.loop import Monitor, Trained, train
from wavemore.train.record import Recorder, Sink

__all__ = ["Checkpoint", "Monitor", "Recorder", "Sink", "Trained", "train"]
