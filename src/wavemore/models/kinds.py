"""Which code runs which kind of model. Only that code is imported, so that a small model answers at once."""

from typing import TYPE_CHECKING, Any

from wavemore.models.modelfile import ModelFile
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Distribution, Predictor
from wavemore.settings.config import NgramConfig

if TYPE_CHECKING:
    from wavemore.predict.ensemble import Ensemble
    from wavemore.predict.ngram import Ngram

__all__ = ["distribution_of", "network_of", "ngram_of"]


def distribution_of(file: ModelFile) -> Distribution:
    """The distribution of a model file. NumPy alone predicts for a WaveNet, an ensemble of them, an n-gram model and a
    mixture, PyTorch for the other baselines. Raises `ModelFileError` for unsound counts, `MissingExtraError` without
    PyTorch."""
    return Distribution(_predictor(file), file.vocabulary)


def _predictor(file: ModelFile) -> Predictor[Any]:
    config = file.recipe.model
    if config.kind == "ngram":
        return ngram_of(file)
    if config.kind == "wavenet":
        network = network_of(file)
        if file.labels is not None:
            from wavemore.mixtures.any_label import AnyLabel

            labels = file.labels.occurring
            counts = file.labels.counts[labels]
            return AnyLabel(network, labels, counts / counts.sum())
        if file.ngram_weight is None:
            return network
        from wavemore.mixtures.mixture import Mixture

        return Mixture(network, ngram_of(file), file.ngram_weight)
    from wavemore.nn.sequence_predictor import SequencePredictor

    return SequencePredictor(config, file.weights)


def network_of(file: ModelFile) -> "Engine | Ensemble":
    """The WaveNet of a model file, or the ensemble of them, without an n-gram model that is mixed in."""
    config = file.recipe.wavenet
    if config.members == 1:
        return Engine(config, file.weights)
    from wavemore.predict.ensemble import Ensemble

    return Ensemble(Engine(config, member) for member in file.members())


def ngram_of(file: ModelFile) -> "Ngram":
    """The n-gram model that a model file is, or that is mixed in. Raises `ModelFileError` for unsound counts."""
    from wavemore.predict.ngram import Ngram

    config = file.recipe.model
    alone = config if isinstance(config, NgramConfig) else NgramConfig(kind="ngram", order=config.ngram)
    return Ngram.of(alone, len(file.vocabulary), file.ngram_arrays, f"the model {file.path}".rstrip())
