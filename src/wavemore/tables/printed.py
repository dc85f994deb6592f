"""Tables as they are printed: for a terminal, and as Markdown."""

from collections.abc import Sequence

__all__ = ["aligned", "markdown"]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Cells below one another, the first to the left and all others to the right. A row with fewer cells than the first
    one is a name and a sentence."""
    whole = [row for row in rows if len(row) == len(rows[0])]
    name, *widths = (max(map(len, column)) for column in zip(*whole, strict=True))
    name = max(name, *(len(row[0]) for row in rows))
    lines = []
    for row in rows:
        own = widths if len(row) == len(rows[0]) else [0]
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], own, strict=True)]
        lines.append("  ".join([f"{row[0]:<{name}}", *cells]).rstrip())
    return lines


def markdown(rows: Sequence[Sequence[str]], *, others: str = "---") -> list[str]:
    """A table whose first row is the header; `others` is the rule of all columns but the first, as "---:"."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines.insert(1, ["---", *[others] * (len(rows[0]) - 1)])
    return [f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|" for line in lines]
