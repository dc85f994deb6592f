"""How commands read a list: what was skipped is said, and which list is meant where none is named."""

from typing import TYPE_CHECKING

from wavemore.cli.output import say
from wavemore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wavemore.estimator import StringModel
    from wavemore.lists.corpus import Corpus
    from wavemore.lists.layout import Layout
    from wavemore.models.modelfile import ModelFile

__all__ = ["model_of", "own_list", "read_list"]


def read_list(source: str, layout: "Layout | None" = None, *, max_length: int, quiet: bool = False) -> "Corpus":
    """A list as the options of a command name it. Raises what `read_corpus` raises."""
    from wavemore.lists.corpus import read_corpus
    from wavemore.progress import waiting

    with waiting("reading the list", quiet=quiet):
        corpus = read_corpus(source, max_length=max_length, **({} if layout is None else vars(layout)))
    if not quiet:
        for note in filter(None, (str(corpus.skipped), *corpus.notes)):
            say(f"{corpus.name}: {note}")
    return corpus


def model_of(path: str | None, label: "Sequence[str] | None") -> "StringModel":
    """The model of a file, without a path the one in the package; under these labels where there are any."""
    from wavemore.estimator import load

    return load(path).given(label) if label else load(path)


def own_list(file: "ModelFile", command: str) -> str:
    """The list in the package that a model was trained on, by its name. Raises `UsageError` where there is none, also
    where the model's list only has the name of one."""
    from wavemore.models.apart import list_in_package

    found = list_in_package(file)
    if found is not None:
        return found[0]
    told = file.provenance.get("data")
    name = told.get("name") if isinstance(told, dict) else None
    learned = f'its own list, "{name}", is not in the package' if name else "it does not say what it was trained on"
    raise UsageError(f"name a list for {file.path}: {learned}, as in: wavemore {command} {file.path} names")
