"""Which code runs which kind of model."""

from typing import Any

from wavemore.config import ModelConfig, NgramConfig
from wavemore.engine import Engine
from wavemore.ensemble import Ensemble
from wavemore.modelfile import ModelFile
from wavemore.ngram import Ngram
from wavemore.predictor import Predictor

__all__ = ["predictor_of"]


def predictor_of(file: ModelFile) -> Predictor[Any]:
    """What a model file predicts with: NumPy alone for a WaveNet, an ensemble of them and an n-gram model, PyTorch for
    the other baselines. Raises `ModelFileError` for unsound counts, `MissingExtraError` without PyTorch."""
    config = file.recipe.model
    if isinstance(config, ModelConfig):
        if config.members == 1:
            return Engine(config, file.weights)
        return Ensemble(Engine(config, member) for member in file.members())
    if isinstance(config, NgramConfig):
        return Ngram.of(config, len(file.vocabulary), file.weights)
    from wavemore.nn.sequence_predictor import SequencePredictor

    return SequencePredictor(config, file.weights)
