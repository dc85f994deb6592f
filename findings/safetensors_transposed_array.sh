#!/usr/bin/env bash
# safetensors 0.8.0 writes a transposed NumPy array's numbers in another order than its shape says, and says nothing.
#
# safetensors 0.8.0 and 0.7.0, numpy 2.4.6. `save` of `a.T`, or of an array in Fortran's order, takes the memory as it lies
# and the shape as it is seen: what is loaded has the right shape and type, and its numbers stand in the wrong places. 0.7.0
# saved these arrays rightly. The docstring of both asks for arrays that are contiguous, but 0.8.0 checks nothing. So a
# model whose layers were transposed on their way into the file loads without complaint and scores nonsense, after an
# update alone: save `np.ascontiguousarray` of each array, and compare after loading.
#
# Seen: "0.7.0: transposed [[0, 3], [1, 4], [2, 5]]; in Fortran's order [[0, 1, 2], [3, 4, 5]]; copied [[0, 3], [1, 4], [2, 5]]"
# and "0.8.0: transposed [[0, 1], [2, 3], [4, 5]]; in Fortran's order [[0, 3, 1], [4, 2, 5]]; copied [[0, 3], [1, 4], [2, 5]]".
# The script fails where the behaviour is no longer this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/turned.py" <<'PY'
import numpy as np
import safetensors
from safetensors.numpy import load, save

a = np.arange(6, dtype=np.float32).reshape(2, 3)
told = {"transposed": a.T, "in Fortran's order": np.asfortranarray(a), "copied": np.ascontiguousarray(a.T)}
said = [f"{name} {load(save({'a': one}))['a'].astype(int).tolist()}" for name, one in told.items()]
print(f"{safetensors.__version__}: {'; '.join(said)}")
PY
said=$(for version in 0.7.0 0.8.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 "safetensors==$version"
    "$folder/$version/bin/python" "$folder/turned.py"
done)
echo "$said"
[ "$said" = "0.7.0: transposed [[0, 3], [1, 4], [2, 5]]; in Fortran's order [[0, 1, 2], [3, 4, 5]]; copied [[0, 3], [1, 4], [2, 5]]
0.8.0: transposed [[0, 1], [2, 3], [4, 5]]; in Fortran's order [[0, 3, 1], [4, 2, 5]]; copied [[0, 3], [1, 4], [2, 5]]" ]
