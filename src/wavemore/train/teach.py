"""Distillation (Hinton et al. 2015): a small model learns a better one's predictions in place of the characters."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from wavemore.predict.chunks import Chunks
from wavemore.predict.predictor import Distribution

__all__ = ["taught"]

_STRINGS_AT_ONCE = 4096


def taught(teacher: Distribution, strings: Sequence[str], chunks: Chunks) -> Tensor:
    """What a teacher expects after each distinct context of the strings: float32 probabilities, (n, V).

    `chunks` are those of the strings. A teacher that looks further back may expect different characters after the same
    context; then it is the mean over the predictions that share it.
    """
    count = chunks.branches[-1].children.shape[1]
    sums = np.zeros((count, len(teacher.vocabulary)), dtype=np.float32)
    for start in range(0, len(strings), _STRINGS_AT_ONCE):
        first = chunks.starts[start]
        for rows, context_of, logits, _ in teacher.predictions(strings[start : start + _STRINGS_AT_ONCE]):
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities = weights / weights.sum(axis=1, keepdims=True)  # (contexts of the teacher, V)
            np.add.at(sums, chunks.contexts[first + rows], probabilities[context_of])
    uses = np.bincount(chunks.contexts, minlength=count).astype(np.float32)
    return torch.from_numpy(sums / uses[:, None])
