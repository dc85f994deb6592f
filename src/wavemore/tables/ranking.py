"""The rows of a table in another order: ranked by a column, all of them or the first of them."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from wavemore.tables.columns import ROWS_AT_ONCE, Columns, Part, Table

__all__ = ["ranked", "taken"]


def ranked(
    table: Table, parts: Iterable[Part], column: str, *, most: int | None = None, reverse: bool = False
) -> Iterator[Part]:
    """The rows from the lowest value of a column up, or with `reverse` down; equal ones stay in their order.

    Without `most` all rows, held in memory, those without a value at the end. With it the first `most` rows that have
    a value; only these and one portion are held.
    """
    held: list[Part] = []
    for part in parts:
        if most is None:
            held.append(part)
        else:
            held = [_ordered(table, [*held, _ordered(table, [part], column, most, reverse)], column, most, reverse)]
    if held:
        whole = _ordered(table, held, column, most, reverse)
        for start in range(0, len(whole.texts), ROWS_AT_ONCE):
            yield taken(table, whole, range(start, min(start + ROWS_AT_ONCE, len(whole.texts))))


def _ordered(table: Table, parts: list[Part], column: str, most: int | None, reverse: bool) -> Part:
    """The rows of all parts in order, cut at `most`."""
    whole = parts[0] if len(parts) == 1 else _joined(table, parts)
    values = whole.columns[column]
    if isinstance(values, list):
        return taken(table, whole, sorted(range(len(values)), key=values.__getitem__, reverse=reverse)[:most])
    order = np.argsort(-values if reverse else values, kind="stable")  # NaN comes last
    if most is not None:
        order = order[: min(most, int((~np.isnan(values)).sum()))]
    return taken(table, whole, order.tolist())


def taken(table: Table, part: Part, places: Sequence[int]) -> Part:
    """The rows at these places of a part, in this order."""
    columns: Columns = {
        name: [column[i] for i in places] if isinstance(column, list) else column[list(places)]
        for name, column in part.columns.items()
    }
    texts, numbers = [part.texts[i] for i in places], [part.numbers[i] for i in places]
    return Part(table.take(part.kept, places), texts, columns, numbers)


def _joined(table: Table, parts: list[Part]) -> Part:
    columns: Columns = {}
    for name, column in parts[0].columns.items():
        every = [part.columns[name] for part in parts]
        is_text = isinstance(column, list)
        columns[name] = [text for texts in every for text in texts] if is_text else np.concatenate(every)
    texts = [text for part in parts for text in part.texts]
    numbers = [number for part in parts for number in part.numbers]
    return Part(table.join([part.kept for part in parts]), texts, columns, numbers)
