"""A stopped run, whole: from this file it goes on as if it had never stopped, and ends in the same bytes.

One safetensors file: the weights, the best weights so far, the optimiser's memory and the generator's state as tensors,
everything else as JSON in the metadata. No pickle.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from wavemore.errors import CheckpointError, FileError
from wavemore.files import write_whole

__all__ = ["Checkpoint"]

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run between two steps."""

    tensors: dict[str, Tensor]
    """Named "weights.*", "best.*", "optimizer.*", "batches.*" and "generator", after a number and a dot for each
    member of an ensemble; and "teacher.*"."""
    progress: dict[str, Any]
    """Step, history, best loss: the loop's own numbers."""
    about: dict[str, Any]
    """What the run is: recipe, data fingerprint, command. It must be the same when the run goes on."""

    def group(self, prefix: str) -> dict[str, Tensor]:
        """The tensors under a prefix, without it."""
        return {
            name.removeprefix(f"{prefix}."): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(f"{prefix}.")
        }

    def with_group(self, prefix: str, arrays: Mapping[str, np.ndarray]) -> "Checkpoint":
        """The same with arrays as tensors under a prefix."""
        named = {f"{prefix}.{name}": torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}
        return Checkpoint({**self.tensors, **named}, self.progress, self.about)

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all. Raises `FileError`."""
        entry = json.dumps({"format": FORMAT, "progress": self.progress, "about": self.about})
        tensors = {name: tensor.detach().clone().contiguous() for name, tensor in self.tensors.items()}
        write_whole(path, safetensors.torch.save(tensors, {"wavemore-checkpoint": entry}))

    @classmethod
    def load(cls, path: str | Path) -> "Checkpoint":
        """Read a file. Raises `FileError` or `CheckpointError`."""
        try:
            with Path(path).open("rb"):  # safetensors' own messages do not tell a missing file from a directory
                pass
            with safe_open(str(path), framework="pt") as file:
                record = json.loads((file.metadata() or {})["wavemore-checkpoint"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            version, progress, about = (record[key] for key in ("format", "progress", "about"))
        except OSError as error:
            raise FileError.of("read the checkpoint", path, error) from error
        except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise CheckpointError(f"{path} is not a sound checkpoint ({error}); start the run anew") from error
        if version != FORMAT:
            raise CheckpointError(
                f"the checkpoint {path} has format {version}, and this wavemore reads {FORMAT}; "
                "continue it with the version that wrote it, or start the run anew"
            )
        if not isinstance(progress, dict) or not isinstance(about, dict):
            raise CheckpointError(f"{path} is not a sound checkpoint (its metadata are no tables); start the run anew")
        return cls(tensors, progress, about)
