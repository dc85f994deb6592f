"""A table of a few strings, for tests of what is added to a table."""

from collections.abc import Iterable
from itertools import count
from typing import BinaryIO

from wavemore.tables.columns import Part, Portion, Table


class Listed(Table):
    """A table of a few strings, None where there is none."""

    def __init__(self, *portions: list[str | None]) -> None:
        super().__init__("the list", "text")
        self._portions = portions

    def portions(self) -> Iterable[Portion]:  # type: ignore[override]
        number = count(1)
        for strings in self._portions:
            numbers = [next(number) for _ in strings]
            problems = {i: "blank" for i, string in enumerate(strings) if string is None}
            yield Portion(numbers, [string or "" for string in strings], problems, [*strings])

    def write(self, file: BinaryIO, parts: Iterable[Part]) -> None:
        raise NotImplementedError
