#!/usr/bin/env bash
# In onnxruntime the logarithm of a number hangs on how many others are in the tensor, and a product on how many rows are.
#
# onnxruntime 1.32.0 on the CPU, float32, one thread. Log takes values many at once and the rest one by one, in two ways
# that round differently: of 2,000 values about a fifth have another last bit alone than among 10,000. Exp and LogSoftmax
# do not. MatMul with a stack of weights multiplies one row in another way than two or more; with one constant weight it
# does not. So a graph whose results must not change with the batch writes log(exp(a) + exp(b)) with LogSoftmax, and sees
# to it that there are two rows.
#
# Seen: "1.32.0: Log differs, Exp is the same, LogSoftmax is the same, MatMul of one row is the same, MatMul of one row and
# a stack differs, of two rows is the same".
# The script fails where the behaviour is no longer this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
said=$("$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import helper, numpy_helper

draw = np.random.default_rng(0)


def session(operator, inputs=("x",), constants=(), **attributes):
    value = helper.make_tensor_value_info
    node = helper.make_node(operator, list(inputs), ["y"], **attributes)
    graph = helper.make_graph([node], "g", [value("x", 1, None)], [value("y", 1, None)], list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def told(one, x, some, axis=0):
    """Whether the first 2,000 entries are the same alone, or in twos, as with all others."""
    whole = one.run(None, {"x": x})[0].take(np.arange(2000), axis)
    apart = np.concatenate([one.run(None, {"x": x[i : i + some]})[0] for i in range(0, 2000, some)], axis)
    assert np.allclose(whole, apart, rtol=1e-5, atol=1e-6)
    return "is the same" if np.array_equal(whole, apart) else "differs"


values = draw.uniform(0.5, 4, 10_000).astype(np.float32)
rows = draw.standard_normal((10_000, 12), dtype=np.float32)
weights = draw.standard_normal((3, 12, 12), dtype=np.float32)
one = session("MatMul", ("x", "w"), [numpy_helper.from_array(weights[0], "w")])
stack = session("MatMul", ("x", "w"), [numpy_helper.from_array(weights, "w")])
found = [f"{operator} {told(session(operator), values, 1)}" for operator in ("Log", "Exp")]
found.append(f"LogSoftmax {told(session('LogSoftmax', axis=-1), rows, 1)}")
found.append(f"MatMul of one row {told(one, rows, 1)}")
found.append(f"MatMul of one row and a stack {told(stack, rows, 1, axis=1)}")
found.append(f"of two rows {told(stack, rows, 2, axis=1)}")
print(f"{onnxruntime.__version__}: {', '.join(found)}")
PY
)
echo "$said"
test "$said" = "1.32.0: Log differs, Exp is the same, LogSoftmax is the same, MatMul of one row is the same, MatMul of one row and a stack differs, of two rows is the same"
