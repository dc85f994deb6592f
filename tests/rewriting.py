"""Tables written again with two columns added, for the tests of `wavemore.tables`."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rows import written

from wavemore.errors import WavemoreError
from wavemore.lists.layout import Layout
from wavemore.tables.columns import Part, Portion
from wavemore.tables.formats import open_table

__all__ = ["NAMES", "part_of", "portion_of", "refusal", "rewritten", "written"]

NAMES = ["log_likelihood", "unknown"]


def part_of(portion: Portion) -> Part:
    """As values the lengths of the strings, NaN where there is none, and the strings' first characters."""
    lengths = np.array([np.nan if i in portion.problems else len(text) for i, text in enumerate(portion.texts)])
    return Part(
        portion.kept,
        portion.texts,
        {NAMES[0]: lengths, NAMES[1]: [text[:1] for text in portion.texts]},
        portion.numbers,
    )


def rewritten(source: Any, names: list[str] = NAMES, **layout: Any) -> bytes:
    """What becomes of a table."""
    out = io.BytesIO()
    with open_table(source, names, Layout(**layout)) as table:
        table.write(out, map(part_of, table.portions()))
    return out.getvalue()


def portion_of(source: Any, **layout: Any) -> Portion:
    """The rows of a short table."""
    with open_table(source, NAMES, Layout(**layout)) as table:
        (portion,) = table.portions()
    return portion


def refusal(kind: type[WavemoreError], source: str | Path, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        rewritten(source, **options)
    return str(caught.value)
