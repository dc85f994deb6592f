"""The networks of a model as ONNX nodes: dilated causal convolutions, each a product with the children side by side.

The same nodes answer two questions. Of strings, each position's prediction is wanted, so each level has a node at every
position (`positions`). Of a context, only the last one is, and the levels of the top cycle have no more nodes than the
tree of that prediction: they are flattened in steps, as taught (`last`).

Shapes in this file
    M  networks     K  labels     n  positions     B  strings     C  channels     V  vocabulary
    nodes of a level are ([M], [K], n, B, C): K from the level on that labels shift, before that 1
"""

import numpy as np

from wavemore.export.graph import Graph
from wavemore.export.parameters import Parameters, Stage
from wavemore.predict.activation import EPS, QUICK_GELU

__all__ = ["Network"]

_END = np.array([np.iinfo(np.int64).max])
_TIME = np.array([-3])  # the axis of positions


class Network:
    """Nodes of these networks in a graph."""

    def __init__(self, graph: Graph, parameters: Parameters) -> None:
        self._graph, self._of = graph, parameters
        self.config = parameters.config

    def positions(self, ids: str) -> str:
        """(context - 1 + n, B) int32 ids -> logits ([K], n, B, V) of what follows each of the last n positions."""
        return self._logits(ids, tree=False)

    def last(self, ids: str) -> str:
        """(context, B) int32 ids -> logits ([K], 1, B, V) of what follows them."""
        return self._logits(ids, tree=True)

    def _logits(self, ids: str, *, tree: bool) -> str:
        graph, of = self._graph, self._of
        levels = self.config.levels
        flattened = len(levels) - len(self.config.groups) if tree else len(levels)  # the first level that is
        shrunk = np.cumsum([(g - 1) * dilation for g, dilation in levels])  # positions that are gone after each level
        nodes = graph("Gather", graph.constant(of.embedding, "embedding"), ids, axis=of.embedding.ndim - 2)
        read: list[str] = []
        for i, ((g, dilation), stage) in enumerate(zip(levels, of.stages, strict=True)):
            children = [self._child(nodes, j, g, 0 if i >= flattened else dilation) for j in range(g)]
            nodes = self._nodes(i, stage, children)
            if stage.head is not None:
                left = int(shrunk[-1] - shrunk[i])
                newest = nodes if not left else self._from(nodes, -1 if tree else left)
                read.append(graph("MatMul", self._side_by_side(newest), graph.constant(stage.head, f"head{i + 1}")))
        logits = self._sum(read)
        if of.head_bias is not None:
            logits = graph("Add", logits, of.head_bias)
        if of.head_shifts is not None:
            logits = graph("Add", logits, self._shift(of.head_shifts))
        return logits

    def _child(self, nodes: str, j: int, g: int, dilation: int) -> str:
        """The j-th oldest child of each node; with dilation 0 the children stand side by side, g for each node."""
        if g == 1:
            return nodes
        if not dilation:
            return self._graph("Slice", nodes, np.array([j]), _END, _TIME, np.array([g]))
        after = (g - 1 - j) * dilation
        return self._graph("Slice", nodes, np.array([j * dilation]), np.array([-after]) if after else _END, _TIME)

    def _from(self, nodes: str, position: int) -> str:
        return self._graph("Slice", nodes, np.array([position]), _END, _TIME)

    def _side_by_side(self, nodes: str) -> str:
        """(M, [K], n, B, H) -> ([K], n, B, M H): one product with all heads is the mean of all networks' logits."""
        if not self._of.several:
            return nodes
        axes = 4 + self._of.labelled
        turned = self._graph("Transpose", nodes, perm=[*range(1, axes - 1), 0, axes - 1])
        return self._graph("Reshape", turned, np.array([*[0] * (axes - 2), -1]))

    def _nodes(self, i: int, stage: Stage, children: list[str]) -> str:
        graph = self._graph
        side_by_side = children[0] if len(children) == 1 else graph("Concat", *children, axis=-1)
        y = graph("MatMul", side_by_side, graph.constant(stage.weight, f"level{i + 1}"))
        if stage.bias is not None:
            y = graph("Add", y, stage.bias)
        if stage.shifts is not None:
            y = graph("Add", y, self._shift(stage.shifts))
        if stage.gamma is not None:  # of a LayerNorm the mean is 0 already
            # With ReduceMean and Sqrt a row's last bits hung on the rows beside it, in some runtimes.
            channels = stage.weight.shape[-1]
            square = graph("MatMul", graph("Mul", y, y), np.full((channels, 1), 1 / channels, np.float32))
            by = graph("Pow", graph("Add", square, np.float32(EPS)), np.float32(-0.5))
            y = graph("Mul", graph("Mul", y, by), stage.gamma)
        if stage.beta is not None:
            y = graph("Add", y, stage.beta)
        y = self._activated(y)
        return graph("Add", y, children[-1]) if stage.residual else y

    def _activated(self, y: str) -> str:
        graph, hidden = self._graph, self.config.hidden
        if self.config.activation == "tanh":
            return graph("Tanh", y)
        if self.config.activation == "gelu":
            half = graph("Mul", y, np.float32(0.5))
            return graph("Mul", half, graph("Add", graph("Erf", graph("Mul", y, np.float32(0.5**0.5))), np.float32(1)))
        if self.config.activation == "quick_gelu":
            return graph("Mul", y, graph("Sigmoid", graph("Mul", y, np.float32(QUICK_GELU))))
        last = np.array([-1])
        signal = graph("Slice", y, np.array([0]), np.array([hidden]), last)
        return graph("Mul", graph("Tanh", signal), graph("Sigmoid", graph("Slice", y, np.array([hidden]), _END, last)))

    def _shift(self, rows: np.ndarray) -> str:
        """What each label adds, ([M], K, 1, 1, W), from what the values of each kind of label add, ([M], R, W)."""
        graph = self._graph
        name, axis = graph.constant(rows), rows.ndim - 2
        each = self._sum([graph("Gather", name, numbers.astype(np.int32), axis=axis) for numbers in self._of.rows])
        return graph("Unsqueeze", each, axes=[axis + 1, axis + 2])

    def _sum(self, parts: list[str]) -> str:
        total = parts[0]
        for part in parts[1:]:
            total = self._graph("Add", total, part)
        return total
