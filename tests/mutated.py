"""Model files that were changed at random: their bytes, their header, their settings, their arrays.

Each change is drawn from a seed, so a file that is badly taken can be made again by its number.
"""

import contextlib
import io
import json
import struct
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import safetensors.numpy

from wavemore.cli import run
from wavemore.errors import WavemoreError
from wavemore.estimator import StringModel, load
from wavemore.settings.config import Recipe

_NUMBERS = [0, 1, -1, 2, 3, 64, 256, 1000, 4096, 65536, 10**9, 2**53, 2**62, 2**63, 10**30, 0.5, 1e-300, 1e300, -0.0]
_VALUES = [*_NUMBERS, None, True, False, "", "x", "wavenet", "ngram", "gru", "transformer", "gated", "none", [], {}]
_VALUES += [[2] * 12, [2, 2], [1] * 200, [64, 64], [4096], [[]], [1, [2]], {"kind": "lstm"}, "\ud800", "x" * 10_000]

_KEYS = ["more", "kind", "members", "layers", "order", "ngram", "cycles", "heads", "groups", "max_length"]


def mutated(sound: bytes, seed: int) -> bytes:
    """The bytes of a model file with one change, or a few."""
    random = Random(seed)
    change = random.choice([_bytes, _header, _about, _about, _about, _nested, _arrays, _arrays])
    return change(sound, random)


def _bytes(sound: bytes, random: Random) -> bytes:
    data = bytearray(sound)
    for _ in range(random.choice([1, 1, 5, 50])):
        place = random.randrange(min(len(data), random.choice([16, 2000, len(data)])))
        if random.random() < 0.7:
            data[place] = random.randrange(256)
        elif random.random() < 0.5:
            del data[place : place + random.choice([1, 8, 1000])]
        else:
            data[place:place] = random.randbytes(random.choice([1, 8, 1000]))
        if not data:
            break
    return bytes(data)


def _header(sound: bytes, random: Random) -> bytes:
    """Shapes, offsets and types, as the header of a safetensors file names them."""
    size = struct.unpack("<Q", sound[:8])[0]
    header, body = json.loads(sound[8 : 8 + size]), sound[8 + size :]
    name = random.choice([name for name in header if name != "__metadata__"])
    entry = header[name]
    match random.randrange(5):
        case 0:
            entry["shape"] = [*entry["shape"], random.choice([0, 1, 2, 2**40, 2**62])]
        case 1:
            entry["shape"] = random.choice([[0, 2**62], [0, 2**31, 2**31], [0] * 70, [1] * 40, [2**64 - 1], []])
            entry["data_offsets"] = [0, 0] if 0 in entry["shape"] else entry["data_offsets"]
        case 2:
            entry["dtype"] = random.choice(["F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "C64", "X"])
        case 3:
            entry["data_offsets"] = random.choice([[0, 0], [0, 2**62], [4, 0], [0], [len(body), len(body) + 8]])
        case _:
            header[random.choice(["more", "seen.train", "ngram.ngrams", "held_out.log_likelihoods"])] = dict(entry)
    return _safetensors(header, body)


def _about(sound: bytes, random: Random) -> bytes:
    """Values of the settings and of all else in the metadata."""
    about = _metadata(sound)
    for _ in range(random.choice([1, 1, 2, 4])):
        places = list(_places(about))
        table, key = random.choice(places)
        match random.randrange(8):
            case 0:
                table.pop(key) if isinstance(table, dict) else None
            case 1 if isinstance(table, dict):
                table[random.choice(_KEYS)] = deepcopy(random.choice(_VALUES))
            case 2 if key in about:
                about["characters"] = "".join(map(chr, range(97, 97 + random.choice([0, 1, 7, 5000, 50_000]))))
            case _:
                table[key] = deepcopy(random.choice(_VALUES))
    return _with_entry(sound, json.dumps(about))


def _nested(sound: bytes, random: Random) -> bytes:
    """Metadata that is nested deeply."""
    about = _metadata(sound)
    table, key = random.choice(list(_places(about)))
    table[key] = "HERE"
    depth = random.choice([5, 60, 200, 320, 500, 900, 1500, 20_000])
    left, right = random.choice([("[", "]"), ('{"a": ', "}"), ('[{"a": ', "}]"), ("[[], ", "]")])
    return _with_entry(sound, json.dumps(about).replace('"HERE"', left * depth + "1" + right * depth))


def _arrays(sound: bytes, random: Random) -> bytes:
    """The arrays themselves: their numbers, shapes and types, and which there are."""
    arrays = {name: array.copy() for name, array in safetensors.numpy.load(sound).items()}
    changes: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda a: a.reshape(-1),
        lambda a: a.reshape(-1)[:0],
        lambda a: np.concatenate([a.reshape(-1), a.reshape(-1)]),
        lambda a: a.astype(random.choice([np.float64, np.float16, np.int64, np.uint8, np.int32])),
        lambda a: np.full_like(a, random.choice([0, 1, 127])),
        lambda a: a[::-1].copy() if a.ndim else a,
        lambda a: (a * 3).astype(a.dtype),
        lambda a: np.arange(random.choice([1, 10, 10_000, 200_000])).astype(a.dtype),
    ]
    with np.errstate(all="ignore"):
        for _ in range(random.choice([1, 1, 3])):
            name = random.choice(list(arrays))
            match random.randrange(6):
                case 0:
                    del arrays[name]
                case 1:
                    arrays[random.choice([*arrays, "more"])] = arrays[name]
                case 2 if arrays[name].size and arrays[name].dtype == np.float32:
                    flat = arrays[name].reshape(-1)
                    flat[random.randrange(len(flat))] = random.choice([np.nan, np.inf, 1e9, 1e38, -1e9])
                case _:
                    arrays[name] = np.ascontiguousarray(random.choice(changes)(arrays[name]))
            if not arrays:
                break
    return safetensors.numpy.save(arrays, {"wavemore": json.dumps(_metadata(sound))})


def _places(table: Any) -> Any:
    """Every key of the nested tables, with the table that has it."""
    items = table.items() if isinstance(table, dict) else enumerate(table)
    for key, value in list(items):
        yield table, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _metadata(sound: bytes) -> dict[str, Any]:
    size = struct.unpack("<Q", sound[:8])[0]
    return json.loads(json.loads(sound[8 : 8 + size])["__metadata__"]["wavemore"])


def _with_entry(sound: bytes, entry: str) -> bytes:
    size = struct.unpack("<Q", sound[:8])[0]
    header = json.loads(sound[8 : 8 + size])
    header["__metadata__"] = {"wavemore": entry}
    return _safetensors(header, sound[8 + size :])


def _safetensors(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


_SMALL = {"groups": [2, 2], "embedding": 4, "hidden": 8}
KINDS: dict[str, dict[str, Any]] = {
    "network": _SMALL,
    "mixture": {**_SMALL, "ngram": 3},
    "ensemble": {**_SMALL, "members": 2},
    "n-gram": {"kind": "ngram"},
    "gru": {"kind": "gru", "embedding": 4, "hidden": 8},
    "transformer": {"kind": "transformer", "hidden": 8},
}


def ends_well(folder: Path, strings: list[str], kind: str, seeds: Iterable[int]) -> int:
    """Change a model of this kind once for each seed: it must be refused in a sentence within a second, or score,
    sample and be shown within five, of the processor's time. How many were refused."""
    path = folder / "changed.safetensors"
    recipe = Recipe.from_dict({"model": KINDS[kind], "train": {"steps": 2, "batch": 32}})
    StringModel(recipe).fit(strings).save(path)
    sound, refused = path.read_bytes(), 0
    used(path, strings)
    for seed in seeds:
        path.write_bytes(mutated(sound, seed))
        begun, said = time.process_time(), ""
        try:
            used(path, strings)
        except WavemoreError as error:
            refused += 1
            said = str(error)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        assert time.process_time() - begun < (1 if said else 5), seed
        assert len(said) < 2000, seed
    return refused


def used(path: Path, strings: list[str]) -> None:
    """What people do with a model."""
    model = load(path)
    with np.errstate(over="ignore", invalid="ignore"):
        model.score_samples(strings[:3])
        model.sample(2, seed=1)
    for arguments in (["info", str(path)], ["info", str(path), "--json"]):
        with contextlib.redirect_stdout(io.StringIO()):
            assert run(arguments) == 0
