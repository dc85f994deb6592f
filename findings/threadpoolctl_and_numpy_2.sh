#!/usr/bin/env bash
# threadpoolctl before 3.5 does not find the BLAS inside NumPy 2's wheels, and limits nothing without a word.
#
# threadpoolctl 3.4.0 and 3.5.0 beside NumPy 2.2.6, both as wheels. NumPy's wheels bring an OpenBLAS whose file is named
# libscipy_openblas64_ since NumPy 1.26. threadpoolctl 3.4.0 knows libraries by the beginning of their names, does not
# know this one, lists none, and `threadpool_limits(1, user_api="blas")` returns as if it had worked: matrix products go
# on with a thread for each core. With 3.5.0 the library is listed and limited.
#
# Seen: "threadpoolctl 3.4.0: [] limited: []" and "threadpoolctl 3.5.0: ['openblas'] limited: [1]". The script fails
# where the behaviour is no longer this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/look.py" <<'PY'
import numpy
import threadpoolctl

found = [library["internal_api"] for library in threadpoolctl.threadpool_info() if "numpy" in library["filepath"]]
with threadpoolctl.threadpool_limits(1, user_api="blas"):
    limited = [library["num_threads"] for library in threadpoolctl.threadpool_info() if "numpy" in library["filepath"]]
assert numpy.__version__ == "2.2.6"
print(f"threadpoolctl {threadpoolctl.__version__}: {found} limited: {limited}")
PY
said=$(for version in 3.4.0 3.5.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.2.6 "threadpoolctl==$version"
    "$folder/$version/bin/python" "$folder/look.py"
done)
echo "$said"
[ "$said" = "threadpoolctl 3.4.0: [] limited: []
threadpoolctl 3.5.0: ['openblas'] limited: [1]" ]
