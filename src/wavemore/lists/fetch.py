"""Lists that are not in the package: fetched once from their public address, checked, and kept in the user's cache."""

from pathlib import Path
from typing import NamedTuple

from wavemore.errors import FetchError, MissingExtraError

__all__ = ["FETCHED", "FetchedList", "fetched_path"]


class FetchedList(NamedTuple):
    """Where a list lies and what it must be."""

    url: str
    sha256: str
    origin: str


FETCHED: dict[str, FetchedList] = {
    "makemore-names": FetchedList(
        "https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
        "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
        "the 32,033 given names of karpathy/makemore (MIT), drawn from the US Social Security Administration's list",
    ),
}


def fetched_path(name: str) -> Path:
    """The local file of a list of `FETCHED`, downloaded into the XDG cache where it is not there yet.

    Raises `MissingExtraError` without pooch, and `FetchError` when the list cannot be had or is not the one expected.
    """
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(f"fetching {name}", "pooch", "fetch") from error
    from requests.exceptions import RequestException

    wanted = FETCHED[name]
    pooch.get_logger().setLevel("ERROR")
    try:
        found = pooch.retrieve(
            wanted.url, known_hash=f"sha256:{wanted.sha256}", fname=f"{name}.txt", path=pooch.os_cache("wavemore")
        )
    except RequestException as error:
        raise FetchError(
            f"cannot fetch {name} from {wanted.url} ({type(error).__name__}); "
            "go online once, or download the file by hand and give its path"
        ) from error
    except ValueError as error:  # what pooch raises for a wrong hash
        raise FetchError(
            f"what {wanted.url} sent is not the {name} expected (its SHA-256 differs); download the file by hand, "
            "look at it, and give its path"
        ) from error
    except OSError as error:
        reason = error.strerror or "Permission denied"  # pooch's own error has none, and is always this one
        raise FetchError(f"cannot keep {name} in the cache {pooch.os_cache('wavemore')}: {reason}") from error
    return Path(found)
