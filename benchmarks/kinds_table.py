"""What `kinds.py` says of its results: a row for each contender, and who wins."""

import statistics
from collections.abc import Sequence
from typing import Any

from other_kinds import CONTEXT_MIXING, FIRST, IN_A_ROW, ONE_BY_ONE, PPM, RECIPES, THE_FIRST

Record = dict[str, Any]
Records = dict[str, list[Record]]
"""What each contender reached, a record for each seed."""

DEFAULT = "auto"
SHOWN = {DEFAULT: "wavemore, default", "fast": "wavemore, `fast`", "best": "wavemore, `best`"}
SHOWN |= {"lstm": "LSTM", "gru": "GRU", "transformer": "Transformer"}


def spread(values: Sequence[float], digits: int = 4) -> str:
    """The median, and the range where there are several."""
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def losses(records: Sequence[Record]) -> list[float]:
    return [record["nats"] for record in records]


def verdict(found: Records) -> str:
    """Whether wavemore's default or another kind has the lowest loss, in a sentence. Beside context mixing, which reads
    only some strings one by one, the default's loss is that of the same strings."""

    def ours(rival: str) -> list[float]:
        same = rival == CONTEXT_MIXING and all(THE_FIRST in record["also"] for record in found[DEFAULT])
        return [record["also"][THE_FIRST] for record in found[DEFAULT]] if same else losses(found[DEFAULT])

    if DEFAULT not in found or not (rivals := [name for name in found if name not in RECIPES]):
        return ""
    behind = {name: statistics.median(losses(found[name])) - statistics.median(ours(name)) for name in rivals}
    rival = min(rivals, key=lambda name: behind[name])
    here, there = ours(rival), losses(found[rival])
    doubt = "" if max(here) < min(there) or max(there) < min(here) else "; the ranges overlap"
    if behind[rival] < 0:
        return f"**Another kind wins: {SHOWN.get(rival, rival)}, by {-behind[rival]:.4f}{doubt}.**"
    return (
        f"wavemore's default has the lowest loss; next is {SHOWN.get(rival, rival)}, {behind[rival]:.4f} behind{doubt}."
    )


def rows(found: Records) -> list[str]:
    lines = []
    for name, records in found.items():
        shown, also = SHOWN.get(name, name), records[0]["also"]
        if name in (PPM, CONTEXT_MIXING):
            shown += f", {also[ONE_BY_ONE]:,} strings one by one" if ONE_BY_ONE in also else ", strings in a row"
        cells = [spread(losses(records)), spread([record["seconds"] for record in records], 2), "", ""]
        if name not in RECIPES:
            cells[2] = f"{max(record['searched'] for record in records):.1f}"
            cells[3] = "; ".join(dict.fromkeys(record["chosen"] for record in records))
        lines.append(f"| {shown} | {' | '.join(cells)} |")
        for key, what in ((IN_A_ROW, "strings in a row"), (THE_FIRST, f"the first {FIRST} strings")):
            if key in also and name in (PPM, CONTEXT_MIXING, DEFAULT):
                lines.append(f"| {SHOWN.get(name, name)}, {what} | {spread([r['also'][key] for r in records])} | | | |")
    return lines
