"""How commands read a list: what was skipped is said."""

from typing import TYPE_CHECKING

from wavemore.cli.output import say

if TYPE_CHECKING:
    from wavemore.lists.corpus import Corpus

__all__ = ["read_list"]


def read_list(
    source: str,
    *,
    max_length: int,
    column: str | None = None,
    encoding: str = "utf-8",
    format: str | None = None,
    quiet: bool = False,
) -> "Corpus":
    """A list as the options of a command name it. Raises what `read_corpus` raises."""
    from wavemore.lists.corpus import read_corpus

    corpus = read_corpus(source, column=column, encoding=encoding, format=format, max_length=max_length)
    if corpus.skipped.counts and not quiet:
        say(f"{corpus.name}: {corpus.skipped}")
    return corpus
