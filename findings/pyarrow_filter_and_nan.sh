#!/usr/bin/env bash
# A filter in pyarrow drops a row whose number is NaN when the rows come from a Parquet file, and keeps it in a table.
#
# pyarrow 26.0.1. A filter given to `pq.read_table` or to a dataset is first tried on the statistics of each row group.
# These leave NaN out, as the format asks, but are taken to hold for every row: `~(score < -100)` is true for NaN, and the
# row is lost where all other scores of its group are below -100. Where they are all equal, even `is_nan(score)` finds
# nothing. `Table.filter` with the same expression keeps the row. So which rows a program gets depends on how the file was
# cut into groups, and the rows that are lost are those that need attention: filter the table that was read, or write null, not NaN,
# for a score that could not be computed and ask for null.
#
# Seen: "~(score < -100), groups of 4: table [1, 3], file [1, 3]", "~(score < -100), groups of 3: table [1, 3], file [3]",
# "is_nan, the others differ: table [1], file [1]" and "is_nan, the others are equal: table [1], file []".
# The script fails where the behaviour is no longer this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pyarrow==26.0.1
cat > "$folder/nan.py" <<'PY'
import io
import math

import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet as pq


def ids(scores, which, rows=None):
    """The ids that the filter keeps: in the table, and in a file whose groups have this number of rows."""
    table, file = pyarrow.table({"id": range(len(scores)), "score": scores}), io.BytesIO()
    pq.write_table(table, file, row_group_size=rows)
    read = pq.read_table(io.BytesIO(file.getvalue()), filters=which)
    return f"table {table.filter(which)['id'].to_pylist()}, file {read['id'].to_pylist()}"


scores = [-200.0, math.nan, -210.0, -5.0]
kept, unknown = ~(pc.field("score") < -100), pc.is_nan(pc.field("score"))
print(f"~(score < -100), groups of 4: {ids(scores, kept, 4)}")
print(f"~(score < -100), groups of 3: {ids(scores, kept, 3)}")
print(f"is_nan, the others differ: {ids([-200.0, math.nan, -210.0], unknown)}")
print(f"is_nan, the others are equal: {ids([-200.0, math.nan, -200.0], unknown)}")
PY
said=$("$folder/venv/bin/python" "$folder/nan.py")
echo "$said"
[ "$said" = "~(score < -100), groups of 4: table [1, 3], file [1, 3]
~(score < -100), groups of 3: table [1, 3], file [3]
is_nan, the others differ: table [1], file [1]
is_nan, the others are equal: table [1], file []" ]
