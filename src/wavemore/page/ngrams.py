"""The n-grams of a model file as the page has them, exactly."""

from typing import Any

import numpy as np

from wavemore.page.arrays import Arrays

__all__ = ["ngrams_told"]


def ngrams_told(
    order: int, vocabulary_size: int, ngrams: np.ndarray, counts: np.ndarray, arrays: Arrays
) -> dict[str, Any]:
    """What the header says of them."""
    parents, newest = np.divmod(ngrams, vocabulary_size)
    return {
        "order": order,
        "size": len(ngrams),
        "parents": arrays.raw(parents.astype("<u4").tobytes()),
        "newest": arrays.raw(newest.astype("<u4").tobytes()),
        "counts": arrays.raw(counts.astype("<f8").tobytes()),
    }
