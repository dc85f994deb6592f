"""A stopped run, whole: from this file it goes on as if it had never stopped, and ends in the same bytes.

One safetensors file: the weights, the best weights so far, the optimiser's memory and the generator's state as arrays,
everything else as JSON in the metadata. No pickle.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from wavemore.errors import CheckpointError, FileError
from wavemore.files import write_whole

__all__ = ["Checkpoint", "alike", "is_stopped_run", "joined", "parted"]

FORMAT = 2


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run between two steps."""

    arrays: dict[str, np.ndarray]
    """Named "weights.*", "best.*", "optimizer.*", "batches.*", "learner.*" and "average.*", after a number and a
    dot for each member of an ensemble; and "teacher.*"."""
    progress: dict[str, Any]
    """Step, history, best loss: the loop's own numbers."""
    about: dict[str, Any]
    """What the run is: recipe, data fingerprint, command. It must be the same when the run goes on."""

    def group(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays under a prefix, without it."""
        return {
            name.removeprefix(f"{prefix}."): array
            for name, array in self.arrays.items()
            if name.startswith(f"{prefix}.")
        }

    def with_group(self, prefix: str, arrays: Mapping[str, np.ndarray]) -> "Checkpoint":
        """The same with these arrays under a prefix."""
        named = {f"{prefix}.{name}": np.asarray(array) for name, array in arrays.items()}
        return Checkpoint({**self.arrays, **named}, self.progress, self.about)

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all. Raises `FileError`."""
        entry = json.dumps({"format": FORMAT, "progress": self.progress, "about": self.about})
        arrays = {name: np.asarray(array, order="C") for name, array in self.arrays.items()}
        write_whole(path, safetensors.numpy.save(arrays, {"wavemore-checkpoint": entry}))

    @classmethod
    def load(cls, path: str | Path) -> "Checkpoint":
        """Read a file. Raises `FileError` or `CheckpointError`."""
        try:
            with Path(path).open("rb"):  # safetensors' own messages do not tell a missing file from a directory
                pass
            with safe_open(str(path), framework="np") as file:
                record = json.loads((file.metadata() or {})["wavemore-checkpoint"])
                if isinstance(version := record["format"], int) and version != FORMAT:
                    raise CheckpointError(
                        f"the checkpoint {path} has format {version}, and this wavemore reads {FORMAT}; "
                        "continue it with the version that wrote it, or start the run anew"
                    )
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            progress, about = record["progress"], record["about"]
            if version != FORMAT or not isinstance(progress, dict) or not isinstance(about, dict):
                raise ValueError("its metadata are not those of a run")
        except OSError as error:
            raise FileError.of("read the checkpoint", path, error) from error
        except CheckpointError:
            raise
        except (SafetensorError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise CheckpointError(f"{path} is not a sound checkpoint ({error}); start the run anew") from error
        return cls(arrays, progress, about)


def joined(states: Sequence[Checkpoint], about: dict[str, Any]) -> Checkpoint:
    """One checkpoint of all members: a single one's as it is, of several with their numbers before the names."""
    if len(states) == 1:
        return states[0]
    arrays = {f"{i}.{name}": array for i, state in enumerate(states) for name, array in state.arrays.items()}
    return Checkpoint(arrays, {"members": [state.progress for state in states]}, about)


def parted(checkpoint: Checkpoint, members: int, about: Mapping[str, Any]) -> list[Checkpoint]:
    """Where each member stood. Raises `CheckpointError` where the checkpoint is of another run than `about` says, has
    another number of members, or is not whole."""
    for key, value in about.items():
        if key != "command" and not alike(checkpoint.about.get(key), value):
            raise CheckpointError(
                f"the stopped run had other {key} than this one; continue it with the same list and settings, "
                "or start the run anew"
            )
    if "command" in about and not isinstance(checkpoint.about.get("command"), str):
        raise CheckpointError("the checkpoint is not whole (its command is missing); start the run anew")
    if members == 1:
        return [checkpoint]
    progress = checkpoint.progress.get("members")
    if not isinstance(progress, list) or len(progress) != members:
        raise CheckpointError("the checkpoint is not whole (members are missing); start the run anew")
    return [Checkpoint(checkpoint.group(str(i)), state, checkpoint.about) for i, state in enumerate(progress)]


def is_stopped_run(path: Path) -> bool:
    """Whether a file is a checkpoint, cut short or not, by its beginning; an empty one may be any."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(1 << 16)
    return not head or b"wavemore-checkpoint" in head


def alike(one: Any, other: Any) -> bool:
    """Whether two entries of what runs are say the same. Settings may differ in their threads, which change no
    result."""

    def told(entry: Any) -> Any:
        if isinstance(entry, dict) and isinstance(entry.get("train"), dict):
            return {**entry, "train": {**entry["train"], "threads": 0}}
        return entry

    return told(one) == told(other)
