"""Training. In NumPy alone, but for `in_torch`."""

from wavemore.runs.checkpoint import Checkpoint
from wavemore.train.loop import Monitor, Trained, train
from wavemore.train.record import Recorder, Sink

__all__ = ["Checkpoint", "Monitor", "Recorder", "Sink", "Trained", "train"]
