"""wavemore learns what the strings on a list look like, scores how well any string fits, and makes more of them.

    import wavemore

    model = wavemore.fit("names")  # a file, a list's name, or any iterable of strings
    model.sample(5, starts_with="an", seed=1)
    model.score_samples(["emma", "xqzt"])  # log-likelihoods in nats
    model.save("names.safetensors")
    wavemore.load("names.safetensors")
    wavemore.odd(["anna", "berta", ...])  # how odd each string of a column is, without a model

Public names are imported when they are first used, so `import wavemore` takes no time and never imports PyTorch.
"""

from typing import TYPE_CHECKING, Any

from wavemore._version import __version__

if TYPE_CHECKING:
    from wavemore.comparison.classifier import StringClassifier
    from wavemore.comparison.running import compare
    from wavemore.errors import WavemoreError
    from wavemore.estimator import StringModel, fit, load
    from wavemore.judging.odd import odd
    from wavemore.lists.corpus import read_corpus
    from wavemore.settings.config import Recipe, load_recipe

__all__ = [
    "Recipe",
    "StringClassifier",
    "StringModel",
    "WavemoreError",
    "__version__",
    "compare",
    "fit",
    "load",
    "load_recipe",
    "odd",
    "read_corpus",
]

_MODULES = {
    "Recipe": "settings.config",
    "StringClassifier": "comparison.classifier",
    "StringModel": "estimator",
    "WavemoreError": "errors",
    "compare": "comparison.running",
    "fit": "estimator",
    "load": "estimator",
    "load_recipe": "settings.config",
    "odd": "judging.odd",
    "read_corpus": "lists.corpus",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'wavemore' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"wavemore.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
