"""Values as they are written, and cells as they are read."""

import gzip
import io
import json
import math
from typing import Any

import numpy as np
import pytest
from rewriting import NAMES, part_of, refusal, written

from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.tables.columns import Part, as_texts
from wavemore.tables.formats import open_table, write_json_lines


def test_infinity_is_a_word_in_tables_and_null_in_json(tmp_path):
    out = io.BytesIO()
    scores = np.array([-math.inf, math.inf, math.nan, -1 / 3])
    write_json_lines(
        out, [Part(None, list("abcd"), {"log_ratio": scores, "unknown": ["", '"', "\n", "é"]}, range(1, 5))]
    )
    assert out.getvalue().decode() == (
        '{"line": 1, "string": "a", "log_ratio": null, "unknown": ""}\n'
        '{"line": 2, "string": "b", "log_ratio": null, "unknown": "\\""}\n'
        '{"line": 3, "string": "c", "log_ratio": null, "unknown": "\\n"}\n'
        '{"line": 4, "string": "d", "log_ratio": -0.333333, "unknown": "é"}\n'
    )
    assert as_texts("log_ratio", scores, infinities=True) == ["-inf", "inf", "", "-0.333333"]
    assert as_texts("guess_number", np.array([1234567.0, 3.0]), infinities=True) == ["1.23457e+06", "3"]


def test_a_percent_sign_in_a_name_is_a_character():
    out = io.BytesIO()
    write_json_lines(out, [Part(None, ["a"], {"log_likelihood_50%s": np.array([-1.0])}, [7])])
    assert json.loads(out.getvalue()) == {"line": 7, "string": "a", "log_likelihood_50%s": -1}


def test_what_goes_wrong_outside_is_not_taken_for_the_source(tmp_path):
    """An error of the writer passes through, and the source's own are those of `read_rows`."""
    path = written(tmp_path / "list", "anna\n")

    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError("full")

    with open_table(path, NAMES) as table, pytest.raises(OSError, match=r"^full$"):
        table.write(Full(), map(part_of, table.portions()))
    assert refusal(FileError, tmp_path / "no") == refusal(FileError, tmp_path / "no", format="parquet", column="a")
    assert (
        refusal(UsageError, path, format="xml")
        == 'unknown format "xml"; choose text, csv, tsv, jsonl, json, counted, parquet'
    )
    damaged = written(tmp_path / "list.gz", gzip.compress(b"anna\n" * 50)[:-9])
    assert refusal(CorpusError, damaged).startswith(f"{damaged} is a damaged gzip file: ")
