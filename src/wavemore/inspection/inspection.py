"""What was seen inside one network, at one look or through training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from wavemore.inspection.findings import findings_of
from wavemore.inspection.nodes import Neighbourhood, StringTree
from wavemore.runs.looks import Look
from wavemore.runs.measures import Map

__all__ = ["Inspection"]


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One network: a model at one look, or its way through training at each step that was looked at.

    A look at a model also has the deviation of every unit (`Layer.spread`) and what every channel of a BatchNorm is off
    by (`Norm.shift`, `Norm.scale`), which a history does not keep."""

    name: str
    """That of the list, or of the run, with its role where it is a teacher."""
    title: str
    heading: tuple[str, ...]
    """Lines that say what was looked at."""
    about: Mapping[str, Any]
    """The same and more, for JSON."""
    looks: tuple[Look, ...]
    """In the order of their steps; one at least."""
    settled: bool = True
    """Whether BatchNorm's running statistics have had the time to follow the batches."""
    embedding: Map | None = None
    characters: str = ""
    """Those of rows 1 and up of the embedding; row 0 is the boundary."""
    neighbourhoods: tuple[Neighbourhood, ...] = field(default=())
    """For each level, where a chunk was named."""
    tree: StringTree | None = None

    @property
    def alone(self) -> bool:
        """Whether there is one look."""
        return len(self.looks) == 1

    @property
    def steps(self) -> np.ndarray:
        """(k,): those of the looks."""
        return np.array([look.step for look in self.looks])

    def some(self, count: int) -> list[Look]:
        """This many looks at even distances, the first and the last among them; all where there are no more."""
        places = np.linspace(0, len(self.looks) - 1, min(count, len(self.looks))).round().astype(int)
        return [self.looks[i] for i in places]

    @cached_property
    def findings(self) -> list[str]:
        """What wants attention, a sentence each; empty for a sound network."""
        return findings_of(self.looks, settled=self.settled)
