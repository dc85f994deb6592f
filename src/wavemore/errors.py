"""What can go wrong, as one family: every error wavemore raises on purpose is a `WavemoreError`.

    WavemoreError
    |-- UsageError            a wrong argument, option, recipe name or setting   (also a ValueError; exit code 2)
    |   |-- ConfigError       a configuration that does not hold together
    |   `-- UnknownCharacterError   a character that the vocabulary lacks
    |-- ShapeError            a tensor whose shape a layer cannot take           (also a ValueError)
    |-- CorpusError           a list of strings that cannot be read or split     (also a ValueError)
    |-- ModelFileError        a file that is not a sound model                   (also a ValueError)
    |-- CheckpointError       a stopped run that cannot be continued             (also a ValueError)
    |-- TrainingError         a run whose loss is no longer a number
    |-- SamplingError         conditions that the model's strings meet too rarely
    |-- NotFittedError        a StringModel asked before it was fitted (also a ValueError, an AttributeError)
    |-- FileError             a file that cannot be opened or written            (also an OSError)
    |-- FetchError            a list that cannot be fetched                      (also an OSError)
    `-- MissingExtraError     a package that an extra would install              (also an ImportError)

Every message is one sentence that says what is wrong, the value seen and what to do. `exit_code` is what the command
line returns for it. Bugs of wavemore itself are none of these: they show a traceback.
"""

import os

__all__ = [
    "CheckpointError",
    "ConfigError",
    "CorpusError",
    "FetchError",
    "FileError",
    "MissingExtraError",
    "ModelFileError",
    "NotFittedError",
    "SamplingError",
    "ShapeError",
    "TrainingError",
    "UnknownCharacterError",
    "UsageError",
    "WavemoreError",
    "is_out_of_memory",
]


class WavemoreError(Exception):
    """The root of the family: catch this to catch everything wavemore raises on purpose."""

    exit_code = 1


class UsageError(WavemoreError, ValueError):
    """An argument, option, recipe name or setting that is wrong in itself."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration with an unknown key, a wrong type, or values that do not fit together."""


class UnknownCharacterError(UsageError):
    """A string has a character that the vocabulary lacks."""


class ShapeError(WavemoreError, ValueError):
    """A tensor whose shape a layer cannot take."""


class CorpusError(WavemoreError, ValueError):
    """A list of strings that cannot be read, or is too small to split."""


class ModelFileError(WavemoreError, ValueError):
    """A file that is not a sound wavemore model."""


class CheckpointError(WavemoreError, ValueError):
    """A stopped run that cannot be continued with what was given."""


class TrainingError(WavemoreError):
    """A training run that cannot go on, for example because its loss is no longer finite."""


class SamplingError(WavemoreError):
    """Conditions that no string, or too small a share of the model's strings, meets."""

    strings: list[str] | None = None
    """Those that were found before, where a list of them was asked for."""


class NotFittedError(WavemoreError, ValueError, AttributeError):
    """A `StringModel` was asked for something before it was fitted or loaded."""


class FileError(WavemoreError, OSError):
    """A file that cannot be opened, read or written."""

    @classmethod
    def of(cls, action: str, path: object, error: OSError) -> "FileError":
        """The sentence for an `OSError`: `action` is a verb such as 'read' or 'write'."""
        reason = os.strerror(error.errno) if error.errno else str(error)
        return cls(f"cannot {action} {path}: {reason}")


class FetchError(WavemoreError, OSError):
    """A list that could not be fetched, or arrived changed."""


class MissingExtraError(WavemoreError, ImportError):
    """A package is absent that an extra of wavemore installs."""

    @classmethod
    def of(cls, purpose: str, package: str, extra: str) -> "MissingExtraError":
        """The sentence for one absent package."""
        return cls(
            f"{purpose} needs {package}, which is not installed; install it with: pip install 'wavemore[{extra}]'"
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory; PyTorch says it in a `RuntimeError`."""
    return isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)
