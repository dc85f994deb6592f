#!/usr/bin/env bash
# A Parquet file that holds a column of string views is read back as views, and no row can be taken from the table.
#
# pyarrow 26.0.1. A table with a string_view column can be made, written to Parquet, read again with its schema, sliced,
# joined and written once more, but `Table.take` raises ArrowNotImplementedError, also where the view is a column that
# nobody asks about. So a program that puts the rows of a foreign file into another order passes on every file but these;
# `Table.filter` raises as well. Cast views to strings first.
#
# Seen: "read as string_view; take: Function 'array_take' has no kernel matching input types (string_view, int64)" and
# "after a cast: ['b', 'a']". The script fails where the behaviour is no longer this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pyarrow==26.0.1
cat > "$folder/views.py" <<'PY'
import io

import pyarrow
import pyarrow.parquet as pq

file = io.BytesIO()
pq.write_table(pyarrow.table({"name": ["a", "b"], "note": pyarrow.array(["x", "y"], pyarrow.string_view())}), file)
table = pq.read_table(io.BytesIO(file.getvalue()))
rows = pyarrow.array([1, 0])
try:
    table.take(rows)
    said = "works"
except pyarrow.ArrowNotImplementedError as error:
    said = str(error)
print(f"read as {table.schema.field('note').type}; take: {said}")
plain = table.cast(table.schema.set(1, pyarrow.field("note", pyarrow.string())))
print("after a cast:", plain.take(rows).column("name").to_pylist())
PY
said=$("$folder/venv/bin/python" "$folder/views.py")
echo "$said"
[ "$said" = "read as string_view; take: Function 'array_take' has no kernel matching input types (string_view, int64)
after a cast: ['b', 'a']" ]
