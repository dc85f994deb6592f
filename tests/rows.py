"""Rows of sources, for the tests of `wavemore.lists.sources`."""

from pathlib import Path
from typing import Any

import pytest

from wavemore.errors import WavemoreError
from wavemore.lists.layout import Layout
from wavemore.lists.sources import open_rows


def rows(source: Any, *, longest: int = 1000, **layout: Any) -> list[tuple[int, str, str]]:
    """The line, string and problem of each row."""
    with open_rows(source, Layout(**layout), longest) as found:
        return [row[:3] for row in found.rows]


def texts(source: Any, **options: Any) -> list[str]:
    """The strings of the rows, of which each has one or is blank."""
    found = rows(source, **options)
    assert all(problem in ("", "blank") for _, _, problem in found)
    return [text for _, text, _ in found]


def refusal(kind: type[WavemoreError], source: Any, **options: Any) -> str:
    """What `open_rows` says against a source."""
    with pytest.raises(kind) as caught:
        rows(source, **options)
    return str(caught.value)


def written(path: Path, content: str | bytes) -> Path:
    """A file that holds this."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
