"""Building an ONNX graph node by node, with onnx's own `helper`; nothing else of the package imports onnx."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wavemore.errors import MissingExtraError, UsageError

__all__ = ["DOUBLE", "FLOAT", "INT32", "INT64", "OPSET", "Graph", "model_bytes"]

OPSET = 12
"""The lowest that has all that is used: `Max` and `Min` of whole numbers came with it, in May 2020."""
IR = 7
"""The version of the file's own layout that goes with it."""

FLOAT, INT32, INT64, BOOL, DOUBLE = 1, 6, 7, 9, 11
"""Types by their numbers in ONNX."""

_LARGEST = 2**31 - 1  # bytes of a protobuf message
_TYPES = {"float32": FLOAT, "int32": INT32, "int64": INT64, "float64": DOUBLE, "bool": BOOL}

Given = str | np.ndarray | np.generic
"""What a node takes: the name of another one's result, or a constant."""


class Graph:
    """Nodes and constants. Called with the name of an operator and what it takes, it adds a node and returns the name
    of its result. Names are short, since a file of a small model is made of them."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = [0]

    def __call__(self, operator: str, *inputs: Given, name: str | None = None, **attributes: Any) -> str:
        return self.several(operator, *inputs, names=[name or self._name()], **attributes)[0]

    def several(self, operator: str, *inputs: Given, names: Sequence[str], **attributes: Any) -> Sequence[str]:
        """A node with several results, of these names."""
        taken = [given if isinstance(given, str) else self.constant(np.asarray(given)) for given in inputs]
        self.nodes.append(_onnx().helper.make_node(operator, taken, [*names], **attributes))
        return names

    def constant(self, array: np.ndarray, name: str | None = None) -> str:
        """The name of a constant; equal ones stand in the file once."""
        array = np.asarray(array, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = name or self._name()
            self.constants[self._known[key]] = array
        return self._known[key]

    def loop(self, times: int, carried: Mapping[str, str], body: Callable[..., Sequence[str]]) -> list[str]:
        """A Loop that carries values on: the type of each, such as "float32", and the name of what it begins as.

        times    how many turns
        body     gets a graph, the name of the number of the turn, int64 from 0 on, and that of each value, and returns
                 what each becomes. Names of the graph around are known inside

        Returns what they are in the end."""
        helper = _onnx().helper
        inside = Graph()
        inside.constants, inside._known, inside._count = self.constants, self._known, self._count
        turn, going, still, *before = (self._name() for _ in range(3 + len(carried)))
        inside.several("Identity", going, names=[still])
        after = body(inside, turn, *before)
        value = helper.make_tensor_value_info

        def told(names: Sequence[str]) -> list[Any]:
            return [value(name, _TYPES[kind], None) for name, kind in zip(names, carried, strict=True)]

        subgraph = helper.make_graph(
            inside.nodes,
            "turn",
            [value(turn, INT64, []), value(going, BOOL, []), *told(before)],
            [value(still, BOOL, []), *told(after)],
        )
        names = [self._name() for _ in carried]
        self.several("Loop", np.array(times), np.array(True), *carried.values(), names=names, body=subgraph)
        return names

    def _name(self) -> str:
        self._count[0] += 1
        return f"n{self._count[0]}"


def model_bytes(
    graph: Graph,
    inputs: Mapping[str, tuple[str, Sequence[str | int]]],
    outputs: Mapping[str, tuple[str, Sequence[str | int]]],
    *,
    name: str,
    about: Mapping[str, str],
    described: str,
    version: str,
) -> bytes:
    """The file: always the same bytes for the same graph.

    inputs, outputs    the type and the shape of each; a text in a shape stands for any size
    about              the metadata
    described          for people who open the file in a viewer

    Raises `UsageError` for more than ONNX can hold in one file.
    """
    size = sum(array.nbytes for array in graph.constants.values())
    if size > _LARGEST:
        raise UsageError(f"the model takes {size:,} bytes, and one ONNX file holds {_LARGEST:,} at most")
    onnx = _onnx()
    helper, value = onnx.helper, onnx.helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes,
        name,
        *([value(n, _TYPES[kind], shape) for n, (kind, shape) in these.items()] for these in (inputs, outputs)),
        [onnx.numpy_helper.from_array(array, n) for n, array in graph.constants.items()],
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="wavemore",
        producer_version=version,
        doc_string=described,
    )
    helper.set_model_props(model, dict(about))
    return model.SerializeToString(deterministic=True)


def _onnx() -> Any:
    try:
        import onnx
        import onnx.numpy_helper
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("ONNX", "onnx", "onnx") from error
    return onnx
