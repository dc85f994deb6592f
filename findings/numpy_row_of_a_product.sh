#!/usr/bin/env bash
# A row of a matrix product depends, in its last bits, on where the row stands and how many rows there are.
#
# numpy 2.4.0 (its wheel for x86-64, which brings OpenBLAS along), float32. With OpenBLAS's kernel for Haswell processors,
# which Zen processors without AVX-512 use too, a row of a product of 12, 16, 24 or 48 rows gets other last bits when it
# moves to another place; in products of 4 or 8 rows it does not. With the kernel for Sandy Bridge no row changes. So a
# score or a sample that is computed in a batch need not be the one that is computed alone, and code that relies on that
# passes on one processor and fails on another: compute in blocks of rows that are known to be even.
#
# Seen: "Haswell: changed by their place: 12 16 24 48" and "Sandybridge: changed by their place: none".
# Needs a processor with AVX2. The script fails where the behaviour is no longer this.
set -euo pipefail
grep -qw avx2 /proc/cpuinfo || { echo "this processor has no AVX2, so its kernel cannot be run"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.0
cat > "$folder/rows.py" <<'PY'
import numpy as np

draw, changed = np.random.default_rng(0), []
weight = draw.standard_normal((96, 48), dtype=np.float32)
for rows in (4, 8, 12, 16, 24, 48):
    x = draw.standard_normal((rows, 96), dtype=np.float32)
    turned = (np.roll(np.roll(x, by, axis=0) @ weight, -by, axis=0) for by in range(1, rows))
    if not all(np.array_equal(x @ weight, one) for one in turned):
        changed.append(str(rows))
print("changed by their place:", " ".join(changed) or "none")
PY
status=0
for kernel in Haswell Sandybridge; do
    said=$(OPENBLAS_CORETYPE=$kernel OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/rows.py")
    echo "$kernel: $said"
    case "$kernel: $said" in
        "Haswell: changed by their place: 12 16 24 48" | "Sandybridge: changed by their place: none") ;;
        *) status=1 ;;
    esac
done
exit $status
