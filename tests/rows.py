"""Rows of sources, for the tests of `wavemore.lists.sources`."""

from pathlib import Path
from typing import Any

import pytest

from wavemore.errors import WavemoreError
from wavemore.lists.sources import read_rows


def rows(source: str | Path, **options: Any) -> list[tuple[int, str, str]]:
    """The line, string and problem of each row."""
    return [row[:3] for row in read_rows(source, **options)]


def texts(source: str | Path, **options: Any) -> list[str]:
    """The strings of the rows, of which each has one or is blank."""
    found = rows(source, **options)
    assert all(problem in ("", "blank") for _, _, problem in found)
    return [text for _, text, _ in found]


def refusal(kind: type[WavemoreError], source: str | Path, **options: Any) -> str:
    """What `read_rows` says against a source."""
    with pytest.raises(kind) as caught:
        list(read_rows(source, **options))
    return str(caught.value)


def written(path: Path, content: str | bytes) -> Path:
    """A file that holds this."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
