"""The Transformer as makemore has it, after GPT-2: blocks of causal self-attention and a small MLP, each after a
LayerNorm and added to what came in. Its positions are rotary (Su et al. 2021) in place of a learned table, which would
set strings a longest length: queries and keys are turned by angles that grow with the position, so their products
depend on how far apart two characters stand; how far it is from the beginning the boundary tells, as one of them.

Shapes in this file
    N  packed positions     n  rows of one step     H  channels, K heads of D each
    B  strings              L  positions of the longest one             t  position of a step, counted from 0
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavemore.nn.layers import GELU, Dropout, LayerNorm, Linear
from wavemore.nn.packing import Packing, SequenceLayer

__all__ = ["Block"]

_LONGEST_WAVE = 10000.0  # the slowest pair of channels turns by one radian in this many positions


class Block(SequenceLayer):
    """Attention, then the MLP: (N, H) -> (N, H). It remembers the keys and values of the positions so far:
    (n, 2, K, t, D)."""

    def __init__(self, hidden: int, heads: int, layers: int, dropout: float, generator: torch.Generator | None) -> None:
        """`layers` is how many blocks follow one another: the more there are, the less each adds at first, so that
        their sum starts no larger than what came in."""
        super().__init__()
        self.heads = heads
        self.attention_norm = LayerNorm(hidden)
        self.attention = Linear(hidden, 3 * hidden, generator=generator)  # queries, keys, values
        self.projection = Linear(hidden, hidden, generator=generator)
        self.mlp_norm = LayerNorm(hidden)
        self.expand = Linear(hidden, 4 * hidden, generator=generator)
        self.contract = Linear(4 * hidden, hidden, generator=generator)
        self.activation = GELU()
        self.dropout = Dropout(dropout, generator=generator)
        with torch.no_grad():
            for last in (self.projection, self.contract):
                last.weight /= (2 * layers) ** 0.5

    def forward(self, x: Tensor, packing: Packing) -> Tensor:
        y = packing.padded(self.attention(self.attention_norm(x)))  # (L, B, 3 H)
        queries, keys, values = self._split(y)  # (B, K, L, D) each
        position = torch.arange(y.shape[0], device=y.device)
        # Padding comes after every string, where no position of the string looks.
        mixed = F.scaled_dot_product_attention(
            turned(queries, position), turned(keys, position), values, is_causal=True
        )  # (B, K, L, D)
        mixed = packing.packed(mixed.permute(2, 0, 1, 3).flatten(2))  # (N, H)
        return self._added(x, mixed)

    def begin(self, rows: int) -> Tensor:
        hidden = self.projection.weight.shape[0]
        return self.projection.weight.new_zeros((rows, 2, self.heads, 0, hidden // self.heads))

    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        queries, keys, values = self._split(self.attention(self.attention_norm(x))[None])  # (n, K, 1, D) each
        position = torch.tensor([memory.shape[3]])
        newest = torch.stack([turned(keys, position), values], dim=1)  # (n, 2, K, 1, D)
        memory = torch.cat([memory, newest], dim=3)  # (n, 2, K, t + 1, D)
        mixed = F.scaled_dot_product_attention(turned(queries, position), memory[:, 0], memory[:, 1])  # (n, K, 1, D)
        return self._added(x, mixed.flatten(1)), memory

    def matrices(self) -> list[nn.Parameter]:
        return [linear.weight for linear in (self.attention, self.projection, self.expand, self.contract)]

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(L, B, 3 H) -> queries, keys and values, (B, K, L, D) each."""
        parts = x.unflatten(2, (3, self.heads, -1)).permute(2, 1, 3, 0, 4)  # (3, B, K, L, D)
        return parts[0], parts[1], parts[2]

    def _added(self, x: Tensor, mixed: Tensor) -> Tensor:
        """What the attention has mixed, (N, H), and what the MLP makes of it, added to x, (N, H)."""
        x = x + self.dropout(self.projection(mixed))
        return x + self.dropout(self.contract(self.activation(self.expand(self.mlp_norm(x)))))


def turned(x: Tensor, position: Tensor) -> Tensor:
    """(B, K, L, D) queries or keys at these positions, (L,): channel i of the first half and channel i of the second
    are a point in the plane, turned by position / wave**(2 i / D). An odd last channel stays."""
    half = x.shape[-1] // 2
    channel = torch.arange(half, device=position.device)  # (D / 2,)
    angles = position[:, None] * _LONGEST_WAVE ** -(channel / max(1, half))  # (L, D / 2)
    cos, sin = torch.cos(angles).to(x.dtype), torch.sin(angles).to(x.dtype)
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat([a * cos - b * sin, a * sin + b * cos, rest], dim=-1)
