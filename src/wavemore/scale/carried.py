"""A model that travels to other processes: small, and put together once in each of them.

What is pickled is the bytes of its file, whatever the model has worked out meanwhile; so a worker on another machine
needs no path. A process that gets the same bytes again, with each task, say, uses the model that it has.
"""

import hashlib
import tempfile
from pathlib import Path
from threading import Lock

from wavemore.estimator import StringModel, load

__all__ = ["Carried"]

_MOST = 8  # models that a process keeps
_models: dict[str, StringModel] = {}  # by the sum of their bytes
_lock = Lock()


class Carried:
    """A `StringModel`, None for the one in the package, or the path of one, as bytes.

    Raises `UsageError` for a model that leans towards favourites, and what `load` raises for a path."""

    def __init__(self, model: "StringModel | str | Path | None" = None) -> None:
        if not isinstance(model, StringModel):
            model = load(model)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            model.save(path)
            self.data = path.read_bytes()
        self.path = model.file_.path
        """Where it was read from, for messages."""
        self.sum = hashlib.sha256(self.data).hexdigest()

    def __repr__(self) -> str:
        return f"<Carried {self.path or 'model'}, {len(self.data):,} bytes>"

    def model(self) -> StringModel:
        """The model, the same one for all that carry these bytes in this process."""
        with _lock:
            if (known := _models.get(self.sum)) is not None:
                return known
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.safetensors"
                path.write_bytes(self.data)
                found = load(path)
            while len(_models) >= _MOST:
                _models.pop(next(iter(_models)))
            _models[self.sum] = found
            return found
