"""A folder that keeps finished runs: each model in a file of its own, and one line a run in `compare.jsonl`.

A run is told by its key: a digest of its settings, seed and teacher, of the list and of wavemore's version. So a run is
taken from the folder only where the very same one would be made again, and several comparisons may share a folder.
"""

import json
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import Any

from wavemore._version import __version__
from wavemore.comparison.results import FinishedRun
from wavemore.errors import FileError
from wavemore.files import check_writable, write_whole
from wavemore.models.modelfile import ModelFile
from wavemore.settings.config import Recipe

__all__ = ["RECORDS", "Folder", "Place", "run_key"]

RECORDS = "compare.jsonl"


def run_key(recipe: Recipe, teacher: str, fingerprint: str) -> str:
    """The digest of a run: what must be the same for its figures to be the same."""
    settings = {name: dict(table) for name, table in recipe.to_dict().items() if name != "description"}
    settings["data"].pop("remember", None)  # changes no figure
    about = {"settings": settings, "teacher": teacher, "list": fingerprint, "version": __version__}
    return sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]


class Place:
    """Where one run is kept: its model, and, until it is finished, its checkpoint and the seconds it has had."""

    def __init__(self, folder: Path, name: str, seed: int, key: str) -> None:
        plain = "".join(c if c.isalnum() or c in "._" else "-" for c in name)[:80]
        self.key = key
        self.model = folder / f"{plain}-{seed}-{key}.safetensors"
        self.checkpoint = self.model.with_suffix(".checkpoint")
        self._seconds = self.model.with_suffix(".seconds")

    @property
    def seconds(self) -> float:
        """How long the stopped run has been fitted; 0 where there is none."""
        try:
            return float(self._seconds.read_text()) if self.checkpoint.exists() else 0.0
        except (OSError, ValueError):
            return 0.0

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        write_whole(self._seconds, f"{seconds}\n".encode())

    def clear(self) -> None:
        """Let the stopped run go."""
        self.checkpoint.unlink(missing_ok=True)
        self._seconds.unlink(missing_ok=True)


class Folder:
    """The folder, made where it is not there yet. Raises `FileError` where it or its records cannot be had."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._records = self.path / RECORDS
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise FileError.of("make the folder", path, error) from error
        check_writable(self._records)
        self._read()

    def find(self, key: str) -> FinishedRun | None:
        """The finished run of this key."""
        record = self._read().get(key)
        return None if record is None else _run(record)

    def model(self, key: str) -> ModelFile:
        """Its model. Raises `FileError` or `ModelFileError`."""
        return ModelFile.load(self.path / self._read()[key]["model"])

    def keep(self, key: str, run: FinishedRun, about: dict[str, Any], before: Collection[str] = ()) -> None:
        """Write a finished run's line, above the lines of the keys in `before`; its model has been saved, and `about`
        names its file as "model". Where there is a line of this key already, all of it stays but the figures and what
        `about` says."""
        records = self._read()  # anew: another comparison may have written meanwhile
        record = {
            "key": key,
            **records.get(key, {}),
            "seed": run.seed,
            "parameters": run.parameters,
            "seconds": run.seconds,
            "losses": {part: dict(loss) for part, loss in run.losses.items()},
            **run.measured,
            **about,
        }
        if key in records:
            records[key] = record
        else:
            rows = list(records.items())
            rows.insert(next((i for i, (other, _) in enumerate(rows) if other in before), len(rows)), (key, record))
            records = dict(rows)
        lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in records.values()]
        write_whole(self._records, "".join(lines).encode("utf-8", "backslashreplace"))

    def _read(self) -> dict[str, dict[str, Any]]:
        """The records by key. Raises `FileError`."""
        try:
            lines = self._records.read_bytes().decode("utf-8").split("\n") if self._records.exists() else []
        except OSError as error:
            raise FileError.of("read", self._records, error) from error
        except UnicodeDecodeError as error:
            raise FileError(f"{self._records} is not UTF-8 text; mend or remove it") from error
        records = {}
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                record = json.loads(line)
                _run(record)
                _check_name(record["model"])
                records[str(record["key"])] = record
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise FileError(
                    f"line {number} of {self._records} is not the record of a run; mend or remove it"
                ) from error
        return records


def _check_name(name: object) -> None:
    """Raise a `ValueError` for what is not the name of a file in the folder itself."""
    if not isinstance(name, str) or not name or any(c in name for c in "/\\\0"):
        raise ValueError


def _run(record: dict[str, Any]) -> FinishedRun:
    losses = {
        str(part): {**loss, "nats_per_character": float(loss["nats_per_character"])}
        for part, loss in record["losses"].items()
    }
    place = {name: record[name] for name in ("hardware", "versions", "date")}
    return FinishedRun(int(record["seed"]), int(record["parameters"]), float(record["seconds"]), losses, place)
