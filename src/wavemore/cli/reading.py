"""How commands read a list: what was skipped is said."""

from typing import TYPE_CHECKING

from wavemore.cli.output import say

if TYPE_CHECKING:
    from wavemore.lists.corpus import Corpus
    from wavemore.lists.layout import Layout

__all__ = ["read_list"]


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
