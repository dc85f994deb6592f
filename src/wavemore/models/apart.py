"""Which strings keep a least distance from a list: from strings that are given, and from those a model learned from.

Of its own list a model file keeps fingerprints alone. The strings themselves are known where that list is in the
package, or where the given strings have all the fingerprints. Elsewhere two edits can be told, no more: all strings
that are one edit away are looked up among the fingerprints. That takes some hundred hashes for a string, so it is slow;
and each is taken for one of the list with the probability that `fingerprints.py` says, so a few strings are refused
that are far enough. A string that is too near always is.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import UsageError
from wavemore.lists.vocabulary import Vocabulary, normalise
from wavemore.models.fingerprints import Fingerprints
from wavemore.models.modelfile import ModelFile
from wavemore.models.neighbours import Neighbours, edited
from wavemore.settings.strict import whole_number

__all__ = ["MOST_EDITS", "Apart", "list_in_package"]

MOST_EDITS = 3
_BY_FINGERPRINTS = 2


@dataclass(frozen=True)
class Apart:
    """What tells whether strings are far enough from a list."""

    __repr__ = brief

    edits: int
    """The least distance that is asked for, 1 to 3; 1 is not on the list."""
    neighbours: Neighbours
    """Of the strings that are known."""
    fingerprints: Fingerprints | None
    """Those of a model's list whose strings are not known."""
    vocabulary: Vocabulary
    """The characters that such strings are made of."""
    name: str = ""
    """Of the list in the package, if that is among the known strings."""
    own: int = 0
    """How many distinct strings that list has."""

    @classmethod
    def of(cls, edits: int, file: ModelFile, given: Set[str] = frozenset()) -> "Apart":
        """What tells this distance from the list of a model and from strings that are given, in NFC. Raises
        `UsageError` for a distance that is not 1, 2 or 3, and where it cannot be told."""
        whole_number("the distance", edits, 1)
        if edits > MOST_EDITS:
            raise UsageError(f"the distance is {edits}; it must be at most {MOST_EDITS} edits")
        kept = file.fingerprints
        if kept is None:
            if not given:
                raise UsageError(
                    "this model does not know which strings were on its list (data.remember was false, or an older "
                    "version made it), so it cannot keep a distance from them; give the list itself as not_in"
                )
            return cls(edits, Neighbours(given), None, file.vocabulary)
        if given and kept.covered(given):
            return cls(edits, Neighbours(given), None, file.vocabulary)
        found = list_in_package(file)
        if found is not None:
            name, strings = found[0], set(found[1])
            return cls(edits, Neighbours(strings | given), None, file.vocabulary, name, len(strings))
        if edits > _BY_FINGERPRINTS:
            raise UsageError(
                f"the distance is {edits}, and from its list the model can keep {_BY_FINGERPRINTS} at most, since it "
                "has fingerprints of the strings alone; give the list itself as not_in, or ask for 2"
            )
        return cls(edits, Neighbours(given), kept, file.vocabulary)

    @property
    def source(self) -> str:
        """What the strings are apart from, in words."""
        count = self.neighbours.strings
        known = f"the {count:,} string{'' if count == 1 else 's'} that not_in has"
        if self.name:
            more = count - self.own
            known = f"the {self.own:,} strings of {self.name}" + (f" and {more:,} more that not_in has" if more else "")
        if self.fingerprints is None:
            return known
        own = "the model's own list, as its fingerprints tell"
        return f"{own}, and from {known}" if count else own

    @property
    def sentence(self) -> str:
        """How far the distance holds."""
        return f"every string is at least {self.edits} edit{'' if self.edits == 1 else 's'} away from {self.source}"

    def refused(self, strings: Sequence[str]) -> np.ndarray:
        """Which strings are too near: truth values, (strings,)."""
        near = self.neighbours.within(self.edits - 1, strings)
        if self.fingerprints is not None:
            left = np.flatnonzero(~near).tolist()
            near[left] = self.fingerprints.any(strings[i] for i in left)
            alphabet = np.frombuffer(self.vocabulary.characters.encode("utf-32-le"), dtype="<u4")
            for place in np.flatnonzero(~near).tolist() if self.edits > 1 else ():
                near[place] = self._near_a_fingerprint(strings[place], alphabet)
        return near

    def _near_a_fingerprint(self, string: str, alphabet: np.ndarray) -> bool:
        assert self.fingerprints is not None
        points = np.frombuffer(normalise(string).encode("utf-32-le"), dtype="<u4")
        for rows in edited(points, alphabet):
            length = rows.shape[1]
            text = np.ascontiguousarray(rows).tobytes().decode("utf-32-le")
            near = [text[start : start + length] for start in range(0, len(text), length)] if length else [""]
            if self.fingerprints.any(near).any():
                return True
        return False


def list_in_package(file: ModelFile) -> tuple[str, list[str]] | None:
    """The name and the strings of the list in the package that a model was trained on; None where it was another one,
    also where that only has the name of one in the package."""
    from wavemore.lists.corpus import read_corpus
    from wavemore.lists.embedded import embedded_lists

    told = file.provenance.get("data")
    data = told if isinstance(told, dict) else {}
    name = data.get("name")
    if name not in embedded_lists():
        return None
    there = read_corpus(str(name), max_length=file.recipe.data.max_length)
    return (str(name), there.strings) if there.fingerprint == data.get("sha256") else None
