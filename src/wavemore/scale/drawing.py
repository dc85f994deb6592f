"""Samples as Arrow arrays, batch by batch: batch i of a seed is the same bytes on whatever worker.

Without conditions, and with `faithful`, the batches one after the other are what `model.sample(n, seed=seed)` gives:
string number k depends on the seed and on k alone. Otherwise each batch has a seed of its own, made of the seed and of
its number.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.sampling.sample import sample_strings
from wavemore.sampling.sampler import AsDrawn
from wavemore.sampling.source import BLOCK
from wavemore.scale.carried import Carried
from wavemore.scale.texts import as_arrow
from wavemore.settings.strict import whole_number
from wavemore.tables.parquet import pyarrow_for

if TYPE_CHECKING:
    from pyarrow import Array

__all__ = ["BATCH", "sampled"]

BATCH = 1 << 17
"""Strings of a batch, where nothing is said."""


def sampled(
    model: "StringModel | str | Path | Carried | None",
    i: int,
    *,
    seed: int,
    size: int = BATCH,
    strings: int | None = None,
    faithful: bool = True,
    **wish: Any,
) -> "Array":
    """Batch i of the samples of a seed, i from 0: `pyarrow.large_string`, (strings,).

    size        of every batch; a multiple of 1,024 where strings are faithful
    strings     how many of this batch, where it is the last and is not full
    faithful    the model's own distribution, as `StringModel.sample` has it; without it plausible strings, as
                `wavemore sample` makes them
    wish        what strings must be like, and how they are drawn: arguments of `StringModel.sample`, such as
                starts_with="an"

    Raises what `StringModel.sample` raises, and `UsageError` for what goes through all batches together (`unique`).
    """
    whole_number("the number of a batch", i, 0)
    whole_number("the seed", seed, 0)
    whole_number("the size of a batch", size, 1)
    count = size if strings is None else min(size, whole_number("the number of strings", strings, 0))
    if "unique" in wish:
        raise UsageError("unique looks at all batches together; draw them, and take out what comes twice")
    carried = model if isinstance(model, Carried) else None
    loaded = carried.model() if carried is not None else model if isinstance(model, StringModel) else None
    if loaded is None:
        loaded = Carried(cast("str | Path | None", model)).model()
    if wish or not faithful:
        found = loaded.sample(count, seed=_own_seed(seed, i), plausible=not faithful, **wish)
        pyarrow = pyarrow_for("a column of Arrow")
        return pyarrow.array(found, pyarrow.large_string())
    if size % BLOCK:
        raise UsageError(f"the size of a batch is {size:,}; it must be a multiple of {BLOCK:,}")
    return _drawn(loaded, seed, i * size, count)


def _drawn(model: StringModel, seed: int, first: int, count: int) -> "Array":
    """So many strings of a seed from number `first` on, which begins a block."""
    pyarrow = pyarrow_for("a column of Arrow")
    longest = model.file_.recipe.data.max_length
    sampler = sample_strings(model.distribution_, 0, seed=seed, max_length=longest).sampler
    source = cast(AsDrawn, sampler).source
    beginning, room, parts, done = source.beginning(), source.room(), [], 0
    while done < count:
        drawn = source.batch(first + done, min(room, count - done), beginning=beginning)
        parts.append(as_arrow(drawn.ids, model.distribution_.vocabulary))
        done += len(drawn.ids)
    return pyarrow.concat_arrays(parts) if parts else pyarrow.array([], pyarrow.large_string())


def _own_seed(seed: int, i: int) -> int:
    """The seed of batch i alone: 128 bits of both numbers."""
    state = np.random.SeedSequence(seed, spawn_key=(i,)).generate_state(2, np.uint64)
    return int(state[0]) << 64 | int(state[1])
