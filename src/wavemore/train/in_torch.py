"""What trains with PyTorch: the WaveNet as taught, over windows; the baselines; and networks on a device that a user
names. Each is a `Learner`, as `network.Network` is without PyTorch."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import SequenceModel, WaveNet, evaluation_mode
from wavemore.nn.layers import Dropout
from wavemore.nn.packing import Packed, Strings
from wavemore.nn.wavenet import Passed
from wavemore.predict.chunks import Chunks
from wavemore.predict.engine import Engine
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig, SequenceConfig
from wavemore.threads import Team, free_memory
from wavemore.train.batches import Batch, Passes, Tree, loss_of
from wavemore.train.learner import Learner, Rows

__all__ = ["SequenceBatches", "SequenceLearner", "TreeLearner", "WindowLearner", "WindowedBatches", "device_of"]

_NUMBERS_AT_ONCE = 1 << 24  # of the widest tensor of an evaluation
_KEPT = {"bow": 9, "rnn": 6, "gru": 20, "lstm": 18, "transformer": 30}
"""How many numbers a training step holds for each position, layer and channel; from the peaks that were measured."""

_MOST_LEAVES = 512  # of a window on a device


class _InTorch:
    """What they share: a model, its weights as the optimiser sees them, and backward by autograd."""

    def __init__(self, model: WaveNet | SequenceModel, generator: torch.Generator, device: torch.device) -> None:
        """The model is moved to the device. What dropout leaves out is drawn from `generator`; on another device than
        the CPU from one there, with the same seed, as PyTorch has it."""
        self.model = model.to(device).train()
        self.generator, self.team = generator, Team(1)
        here = device.type == "cpu"
        self._generators = {"generator": generator}
        if not here:
            self._generators["dropout"] = torch.Generator(device).manual_seed(generator.initial_seed())
        self.weights = {name: tensor.numpy() if here else tensor for name, tensor in model.state_dict().items()}
        self.adjusted = [name for name, _ in model.named_parameters()]
        matrices = model.matrices()
        self.matrices = [name for name, p in model.named_parameters() if any(p is matrix for matrix in matrices)]
        for layer in model.modules():
            if isinstance(layer, Dropout):
                layer.generator = self._generators.get("dropout", generator)

    def gradients(self, batch: Any, way: tuple[Tensor, list[Passed]]) -> Iterator[tuple[str, Any]]:
        """Backward."""
        self.model.zero_grad()
        way[0].backward()
        for name, parameter in self.model.named_parameters():
            gradient = cast(Tensor, parameter.grad)
            yield name, gradient.numpy() if gradient.device.type == "cpu" else gradient

    def inside(self, batch: Any, way: tuple[Tensor, list[Passed]], most: int) -> list[Rows]:
        """What went through each level of windows; nothing of a baseline."""
        found = []
        for passed in way[1]:
            normed, activated = (x.detach().flatten(0, -2).cpu().numpy() for x in passed[:2])
            uses = np.ones(len(normed), np.float32)
            activation = cast(ModelConfig, self.model.config).activation
            found.append(Rows.of(activation, uses, most, lambda rows, n=normed, a=activated: (n[rows], a[rows])))
        return found

    def chunk_logits(self, chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
        """By the folded form."""
        return Engine(cast(ModelConfig, self.model.config), self.arrays()).chunk_logits(chunks)

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the weights."""
        return {name: tensor.cpu().numpy().copy() for name, tensor in self.model.state_dict().items()}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Put such a copy in place of the weights. Raises `ValueError` where it does not fit."""
        try:
            self.model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    def state(self) -> dict[str, np.ndarray]:
        """Where the generators stand."""
        return {name: generator.get_state().numpy() for name, generator in self._generators.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` gave. Raises `ValueError`."""
        try:
            for name, generator in self._generators.items():
                generator.set_state(torch.from_numpy(state[name].copy()))
        except (RuntimeError, TypeError) as error:
            raise ValueError(str(error)) from error


class WindowLearner(_InTorch):
    """The WaveNet as taught: batches are windows, (B, T) contexts and (B,) answers."""

    @classmethod
    def new(cls, config: ModelConfig, vocabulary_size: int, seed: int, device: str) -> "WindowLearner":
        """A new network, which draws its weights and then its batches from one generator, as in the lecture."""
        where = device_of(device)
        generator = torch.Generator().manual_seed(seed)
        return cls(WaveNet(config, vocabulary_size, generator=generator), generator, where)

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[float, tuple[Tensor, list[Passed]]]:
        """Forward."""
        contexts, answers = (tensor.to(self.model.embedding.weight.device) for tensor in batch)
        seen: list[Passed] = []
        loss = F.cross_entropy(cast(WaveNet, self.model)(contexts, seen), answers)  # a scalar
        return loss.item(), (loss, seen)


class TreeLearner(_InTorch):
    """The WaveNet on a device: a batch's distinct contexts are written out as windows, each as often as it is used, so
    that loss, gradients and running statistics are those of the shared form."""

    @classmethod
    def new(cls, config: ModelConfig, weights: Mapping[str, np.ndarray], seed: int, device: str) -> "TreeLearner":
        """A network with these weights. Raises `TrainingError` where there is no such device, or where the tree of one
        window is too large to be written out."""
        where = device_of(device)
        if config.leaves > _MOST_LEAVES:
            raise TrainingError(
                f'on train.device = "{device}" the tree of each window is written out, and with model.cycles = '
                f"{config.cycles} it has {config.leaves:,} leaves, more than {_MOST_LEAVES}; use fewer cycles, or the "
                'device "cpu", where each distinct chunk is computed once'
            )
        return cls(WaveNet.of(config, weights), torch.Generator().manual_seed(seed), where)

    def loss(self, batch: Batch) -> tuple[float, tuple[Tensor, list[Passed]]]:
        """Forward."""
        device = self.model.embedding.weight.device
        uses = torch.from_numpy(batch.tree.branches[-1].uses).to(device)  # (n,)
        rows = self._rows(uses)  # (B,)
        expected = torch.from_numpy(batch.counts).to(device) / uses[:, None]  # (n, V)
        leaves = torch.from_numpy(_leaves(batch.tree)).to(device)  # (n, leaves)
        seen: list[Passed] = []
        logits = cast(WaveNet, self.model).of_leaves(leaves[rows], seen)  # (B, V)
        loss = F.cross_entropy(logits, expected[rows])
        return loss.item(), (loss, seen)

    def _rows(self, uses: Tensor) -> Tensor:
        """Of each window its distinct context: (n,) -> (B,)."""
        return torch.repeat_interleave(torch.arange(len(uses), device=uses.device), uses.long())


class SequenceLearner(_InTorch):
    """A baseline that reads whole strings."""

    @classmethod
    def new(cls, config: SequenceConfig, vocabulary_size: int, seed: int, device: str) -> "SequenceLearner":
        """A new network."""
        generator = torch.Generator().manual_seed(seed)
        return cls(SequenceModel(config, vocabulary_size, generator=generator), generator, device_of(device))

    def loss(self, batch: Packed) -> tuple[float, tuple[Tensor, list[Passed]]]:
        """Forward."""
        batch = batch.to(self.model.embedding.weight.device)
        loss = F.cross_entropy(cast(SequenceModel, self.model).packed(batch.ids, batch.packing), batch.answers)
        return loss.item(), (loss, [])


class WindowedBatches:
    """Batches of windows drawn with replacement, as in the lecture. The windows are cut when a batch asks for them."""

    def __init__(self, windows: Windows, chunks: Chunks, generator: torch.Generator) -> None:
        """`chunks` are those of the same predictions, for evaluations; `generator` draws."""
        self._ids = torch.from_numpy(windows.ids)
        self._windows = self._ids.unfold(0, windows.context, 1)  # (ids - T + 1, T), a view
        self._positions = torch.from_numpy(windows.positions)  # (N,)
        self._context = windows.context
        self._chunks, self._generator = chunks, generator

    def __len__(self) -> int:
        return len(self._positions)

    def draw(self, batch: int) -> tuple[Tensor, Tensor]:
        """(B, T) contexts and (B,) answers."""
        rows = torch.randint(0, len(self), (batch,), generator=self._generator)  # (B,)
        positions = self._positions[rows]
        return self._windows[positions - self._context], self._ids[positions].long()

    def loss(self, learners: Sequence[Learner]) -> float:
        return loss_of(learners, self._chunks)

    def state(self) -> dict[str, np.ndarray]:
        return {}  # the generator's is the learner's

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        pass


class SequenceBatches(Passes):
    """Batches of whole strings, packed; see `Passes`."""

    def __init__(self, strings: Strings, seed: int) -> None:
        super().__init__(len(strings.lengths), seed)
        self._list = strings

    @classmethod
    def of(cls, strings: Sequence[str], vocabulary: Vocabulary, seed: int = 0) -> Self:
        """Raises `UnknownCharacterError` for a character that the vocabulary lacks."""
        return cls(Strings.of(strings, vocabulary), seed)

    def check_memory(self, config: SequenceConfig, batch: int, free: float | None = None) -> None:
        """Raise `TrainingError` where a step would take more bytes than are free, `free` or what the system says."""
        lengths = self._list.lengths
        free = free_memory() if free is None else free
        batch = min(batch, len(lengths))
        needed = 4.0 * _KEPT[config.kind] * config.layers * config.hidden * batch * float(lengths.mean())
        if free is not None and needed > free:
            raise TrainingError(
                f"a step over {batch} strings of {float(lengths.mean()) - 1:,.0f} characters on average (the "
                f"longest has {int(lengths.max()) - 1:,}) takes about {needed / 1e9:.1f} GB with a {config.kind}, and "
                f"{free / 1e9:.1f} GB are free; lower train.batch, or leave out long strings with data.max_length"
            )

    def draw(self, batch: int) -> Packed:
        """Some strings, packed."""
        return self._list.packed(self._drawn(batch))

    def loss(self, learners: Sequence[Learner]) -> float:
        (learner,) = learners  # a baseline has no ensemble
        model = cast(SequenceModel, cast(SequenceLearner, learner).model)
        total = 0.0
        widest = max(4 * model.config.hidden, *model.embedding.weight.shape)
        with evaluation_mode(model):
            for portion in self._list.portions(_NUMBERS_AT_ONCE // widest):
                total += _total_loss(model, self._list.packed(portion))
        return total / int(self._list.lengths.sum())


def device_of(name: str) -> torch.device:
    """The device of this name. Raises `TrainingError` where there is none."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # which the device "meta" cannot
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise TrainingError(f'train.device = "{name}" cannot be used here ({reason}); use "cpu"') from error
    return device


def _leaves(tree: Tree) -> np.ndarray:
    """The ids at the leaves of each distinct context, (n, leaves), the oldest first."""
    places = np.arange(len(tree.branches[-1].uses))[:, None]  # (n, 1), then (n, g) and so on
    for branch in tree.branches[::-1]:
        places = branch.children.T[places].reshape(len(places), -1)
    return tree.characters[places]


def _total_loss(model: SequenceModel, packed: Packed) -> float:
    """The sum over the predictions, nats."""
    packed = packed.to(model.embedding.weight.device)
    logits = model.packed(packed.ids, packed.packing)  # (N, V)
    return F.cross_entropy(logits, packed.answers, reduction="sum").item()
