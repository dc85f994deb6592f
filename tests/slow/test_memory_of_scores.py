"""How much memory scoring takes above the model: at most 1.5 batches, however many there are.

A batch is 262,144 rows. What it takes is counted as a process has it at its peak, in resident memory
(`tests/peaks.py`): the columns that are read, all arrays while it is worked on, those of the engine, of pyarrow and of
the Parquet reader and writer, and the columns that are added. The arrays are the greater part: the columns of a batch
of names are 8 MB.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import peaks
import pytest

from wavemore.estimator import load
from wavemore.scale.scorer import ROWS_AT_ONCE

pytestmark = pytest.mark.slow
pyarrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

BATCHES = 6
MOST = 200e6  # bytes that a worker needs for names beside its model: what the documentation says


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Callable[[int], Path]:
    """A file of mostly distinct names, which need more memory than those of a list over and over; its size is in
    batches."""
    if not peaks.CLEAR.exists():
        pytest.skip("only Linux tells how much memory a process has had at its peak")
    folder, names = tmp_path_factory.mktemp("names"), load().sample(ROWS_AT_ONCE * BATCHES, seed=1)

    def file(batches: int) -> Path:
        path = folder / f"{batches}.parquet"
        some = names[: ROWS_AT_ONCE * batches]
        table = pyarrow.table({"id": pyarrow.array(range(len(some)), "int32"), "name": some})
        pq.write_table(table, path, row_group_size=1 << 17)
        return path

    return file


def used(*words: str | Path) -> tuple[int, int]:
    """Bytes at the peak above the model, and bytes of the columns, of a process of its own."""
    command = [sys.executable, peaks.__file__, *map(str, words)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found["peak"], found["batch"]


def test_a_job_takes_at_most_one_and_a_half_batches(files, tmp_path):
    one, _ = used("job", files(1), tmp_path / "one")
    many, _ = used("job", files(BATCHES), tmp_path / "many")
    assert many <= 1.5 * one
    assert many < MOST


def test_a_column_takes_at_most_one_and_a_half_batches_and_what_is_returned(files):
    one, columns = used("core", files(1))
    many, _ = used("core", files(BATCHES))
    assert many <= 1.5 * one + BATCHES * columns
    assert one < MOST
