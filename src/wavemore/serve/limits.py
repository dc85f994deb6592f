"""What a server asks of its clients and of itself: the limits, and how much work a request is, in characters."""

from collections.abc import Sequence
from dataclasses import dataclass

from wavemore.errors import UsageError
from wavemore.settings.strict import whole_number
from wavemore.threads import cores

__all__ = ["Limits", "TooMuchError"]

_LONGEST = 86_400  # seconds
SMALL = 20_000
"""Characters: what takes some ten milliseconds, and need not wait behind longer work."""


class TooMuchError(UsageError):
    """A request for more work than the server does at once."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request may take, and how many wait. Raises `UsageError` for a limit that makes no sense."""

    body: int = 1 << 20
    """Bytes of a request's body."""
    characters: int = 1_000_000
    """Work of a request: characters read, or characters that it asks for."""
    seconds: float = 10.0
    """How long a request may be worked on; then the work is stopped."""
    patience: float = 8.0
    """Seconds in which a header, and then a body, must have come whole, and an answer's next piece be taken."""
    waiting: int = 100
    """Requests that wait for a worker; more are sent away."""
    workers: int = 0
    """Processes that work, two or more: the first does small requests alone. 0 stands for one a core."""

    def __post_init__(self) -> None:
        for name in ("body", "characters", "waiting"):
            whole_number(f"the limit {name}", getattr(self, name), 1)
        if whole_number("the number of workers", self.workers, 0) == 1:
            raise UsageError("the number of workers is 1; it must be 2 or more: one of them is for small requests")
        for name in ("seconds", "patience"):
            if not 0 < getattr(self, name) <= _LONGEST:
                raise UsageError(
                    f"the limit {name} is {getattr(self, name)}; it must be above 0, and {_LONGEST:,} at most"
                )

    @property
    def processes(self) -> int:
        """How many workers there are."""
        return self.workers or max(2, cores())

    def check(self, work: int, what: str) -> None:
        """Raise `TooMuchError` where a request is too much; `what` says how its work was counted."""
        if work > self.characters:
            raise TooMuchError(
                f"this asks for work of {work:,} characters ({what}); it must be at most {self.characters:,} in one "
                "request: ask for less, or in several requests"
            )


def characters_of(strings: Sequence[str]) -> int:
    """The characters of strings, and an end for each."""
    return sum(map(len, strings)) + len(strings)
