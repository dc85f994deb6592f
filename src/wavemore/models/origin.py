"""What a model is made of: its lists with their parts and labels, and what its file says of where it is from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from wavemore._version import __version__
from wavemore.errors import UsageError
from wavemore.lists.corpus import Corpus, Parts, Skipped, frequent, split
from wavemore.lists.labelled import Labelled, Labels
from wavemore.lists.vocabulary import unseen_share
from wavemore.models.fingerprints import SALT_BYTES
from wavemore.settings.config import Recipe

__all__ = ["Lists", "nameless", "provenance"]


@dataclass(frozen=True)
class Lists:
    """The lists that a model is made of."""

    strings: Corpus
    validation: Corpus | None = None
    """Where given, nothing is split off the strings."""
    test: Corpus | None = None
    """Beside a validation list."""
    characters: str = ""
    """That the model is to know beside those of the lists."""

    def parts(self, recipe: Recipe) -> tuple[Parts, dict[str, Any]]:
        """The parts to train and validate on, and what the provenance says of them. Raises `UsageError`."""
        if self.validation is None:
            if self.test is not None:
                raise UsageError("a test list of its own needs a validation list of its own; give both or neither")
            parts = split(self.strings, recipe.data)
            how: dict[str, Any] = {"kind": recipe.data.split, "seed": recipe.data.seed}
            if recipe.data.split == "random" and (kept := frequent(Counter(self.strings.strings))):
                how["trained_on_as_too_frequent"] = len(kept)
        else:
            given = [self.validation, *([] if self.test is None else [self.test])]
            none = Corpus("none", [], Skipped(), labels=dict.fromkeys(self.strings.labels, ()))
            every = [self.strings, *given, *([none] if self.test is None else [])]
            parts = Parts(*map(self._labelled, every))
            how = {"kind": "given", "fingerprints": [part.fingerprint for part in given]}
        sizes = {name: len(getattr(parts, name)) for name in ("train", "validation", "test")}
        data = {
            "name": self.strings.name,
            "strings": len(self.strings.strings),
            "distinct": len(set(self.strings.strings)),
            "sha256": self.strings.fingerprint,
            "skipped": str(self.strings.skipped),
            "unseen_share": unseen_share(string for part in parts for string in part),
        }
        return parts, {"data": data, "split": {**how, **sizes}}

    @property
    def labels(self) -> Labels | None:
        """Those of the list, not counted; None where it has none. Raises `UsageError` where there are too many."""
        return Labels.of(self.strings.labels) if self.strings.labels else None

    def _labelled(self, part: Corpus) -> Sequence[str]:
        """The strings of a part, with the numbers of their labels where there are any. Raises `UsageError`."""
        labels = self.labels
        if labels is None:
            return part.strings
        if not part.labels:
            raise UsageError(
                f"the list {part.name} has no labels, and the strings to learn have; give it as a Corpus with labels "
                "(read_corpus(...).with_labels(...)), or a file with the same columns"
            )
        return Labelled(part.strings, labels.numbers(part.labels))

    @property
    def salt(self) -> bytes:
        """The key of the strings' fingerprints: the same lists have the same, and so the same model file."""
        given = [part.fingerprint for part in (self.strings, self.validation, self.test) if part is not None]
        given += [self.characters] if self.characters else []
        given += [part.labelling for part in (self.strings, self.validation, self.test) if part and part.labels]
        return blake2b(" ".join(given).encode(), digest_size=SALT_BYTES).digest()


def nameless(origin: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of what the provenance says of the lists, without what names them or tells them from others."""
    kept = ("strings", "distinct", "unseen_share", "kind", "seed", "trained_on_as_too_frequent", *Parts._fields)
    return {name: {key: value for key, value in about.items() if key in kept} for name, about in origin.items()}


def provenance(
    origin: dict[str, Any], losses: dict[str, Any], step: int, recipe: Recipe, command: str
) -> dict[str, Any]:
    """What a model file says of where it is from."""
    return {
        **origin,
        "losses": losses,
        "step": step,
        "seed": recipe.train.seed,
        "version": __version__,
        "command": command,
    }
