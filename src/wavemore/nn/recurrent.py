"""Recurrent layers: a state that each character changes. The plain one, the GRU and the LSTM.

A layer's Linears are those of all its gates side by side, so that a step costs one product of the state; the products
of the inputs are made for all positions at once. Written out over packed positions this is faster on a CPU than
`torch.nn.GRU` and its siblings (batches of 256 names forth and back, hidden 256, one thread, ms): RNN 12 against 12,
GRU 34 against 44, LSTM 45 against 54.

Shapes in this file
    N  packed positions     n  rows of one step     C  channels in     H  channels out, of the state
    G  gates                M  numbers that a row remembers: H, and 2 H in an LSTM
"""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from wavemore.nn.layers import Dropout, Linear
from wavemore.nn.packing import Packing, SequenceLayer

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]


class Recurrent(SequenceLayer):
    """What recurrent layers share; a kind says in `cell` how one position changes the state. (N, C) -> (N, H)."""

    GATES: int
    MEMORY = 1
    """M / H."""

    def __init__(self, channels: int, hidden: int, dropout: float, generator: torch.Generator | None) -> None:
        super().__init__()
        self.hidden = hidden
        self.input = Linear(channels, self.GATES * hidden, generator=generator)  # its bias is that of the gates
        self.state = Linear(hidden, self.GATES * hidden, bias=False, generator=generator)
        self.dropout = Dropout(dropout, generator=generator)

    @abstractmethod
    def cell(self, x: Tensor, memory: Tensor) -> Tensor:
        """The memory after a position, (n, M), from what the input says to the gates, (n, G * H), and the memory
        before. Its first H numbers are what the layer gives out."""

    def forward(self, x: Tensor, packing: Packing) -> Tensor:
        memory = self.begin(packing.rows)
        given = []
        for count, now in zip(packing.counts, self.input(x).split(packing.counts), strict=True):
            memory = self.cell(now, memory[:count])  # (n, M), n as many strings have this position
            given.append(memory[:, : self.hidden])
        return self.dropout(torch.cat(given))  # (N, H)

    def begin(self, rows: int) -> Tensor:
        return self.state.weight.new_zeros((rows, self.MEMORY * self.hidden))

    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        memory = self.cell(self.input(x), memory)
        return self.dropout(memory[:, : self.hidden]), memory

    def matrices(self) -> list[nn.Parameter]:
        return [self.input.weight, self.state.weight]


class RNN(Recurrent):
    """h = tanh(x @ W + h @ U + b) (Elman 1990)."""

    GATES = 1

    def cell(self, x: Tensor, memory: Tensor) -> Tensor:
        return torch.tanh(torch.addmm(x, memory, self.state.weight))


class GRU(Recurrent):
    """The new state is a mixture of the old one and a candidate, channel by channel (Cho et al. 2014). The reset gate
    acts on the old state's product, as in `torch.nn.GRU`, so that there is one product for all gates."""

    GATES = 3

    def cell(self, x: Tensor, memory: Tensor) -> Tensor:
        reset, kept, new = x.chunk(3, dim=1)  # (n, H) each
        reset_before, kept_before, new_before = self.state(memory).chunk(3, dim=1)
        candidate = torch.tanh(new + torch.sigmoid(reset + reset_before) * new_before)
        return torch.lerp(candidate, memory, torch.sigmoid(kept + kept_before))


class LSTM(Recurrent):
    """A state that is kept, added to and read through gates (Hochreiter, Schmidhuber 1997). The gate that keeps starts
    with bias 1, so that a string is remembered at first. (Jozefowicz et al. 2015.)

    A row remembers the output h and the cell c: (n, 2 H).
    """

    GATES = 4
    MEMORY = 2

    def __init__(self, channels: int, hidden: int, dropout: float, generator: torch.Generator | None) -> None:
        super().__init__(channels, hidden, dropout, generator)
        with torch.no_grad():
            assert self.input.bias is not None
            self.input.bias[hidden : 2 * hidden] = 1.0

    def cell(self, x: Tensor, memory: Tensor) -> Tensor:
        output, cell = memory.chunk(2, dim=1)  # (n, H), (n, H)
        added, kept, read, new = torch.addmm(x, output, self.state.weight).chunk(4, dim=1)  # (n, H) each
        cell = torch.sigmoid(kept) * cell + torch.sigmoid(added) * torch.tanh(new)
        return torch.cat([torch.sigmoid(read) * torch.tanh(cell), cell], dim=1)
