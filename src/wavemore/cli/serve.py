"""`wavemore serve`: models at an address, for people and for programs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavemore.cli import options
from wavemore.errors import FileError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from types import ModuleType

_LEAST_TOKEN = 16  # characters


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="Model files, each also as NAME=FILE; without one, the model in the package. The first is asked where "
            "a request names none.",
        ),
    ] = None,
    address: Annotated[str, typer.Option(help="Where to listen; others than this machine need a token.")] = "127.0.0.1",
    port: Annotated[int, options.whole(help="The port; 0 for one that is free.")] = 8000,
    token_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A file with the token; else WAVEMORE_TOKEN, if that is set."),
    ] = None,
    host_name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name that this server is called by; may be repeated.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Whose pages may ask too, as https://example.org; may be repeated."),
    ] = None,
    workers: Annotated[
        int,
        options.whole(
            help="Processes that work, the first for small requests alone; 0 for one a core, and two at least."
        ),
    ] = 0,
    seconds: Annotated[float, options.number(help="How many seconds a request may be worked on.")] = 10.0,
    most_characters: Annotated[int, options.whole(help="The most work of a request, in characters.")] = 1_000_000,
    most_bytes: Annotated[int, options.whole(help="The most bytes of a request's body.")] = 1 << 20,
    most_waiting: Annotated[int, options.whole(help="The most requests that wait for a worker.")] = 100,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each request.")] = False,
) -> None:
    """Serve models at an address: a page to click in at /, and an API for programs under /v1, described at
    /openapi.json. It needs the extra "serve".

    POST /v1/sample, /v1/score and /v1/explain take JSON with the options of the command line, such as {"n": 5,
    "starts_with": "an"}; GET /v1/info and /v1/models say what there is, /healthz whether it works, /metrics how much
    it did. With the header Accept: application/x-ndjson answers come in lines, as they are found.

    Only this machine reaches it, unless --address says otherwise: then each request needs the token, as the header
    Authorization: Bearer TOKEN, or in a browser as the password. Standard error has a line for each request.

    SIGTERM or Ctrl-C end it, once all requests that have come are answered.

    \b
    Examples
      wavemore serve
      wavemore serve names.safetensors towns=england.safetensors --port 8080
      wavemore serve --address 0.0.0.0 --token-file token.txt --host-name names.example.org
    """
    server = _server()
    from wavemore.serve.guards import LOOPBACK, Access
    from wavemore.serve.limits import Limits
    from wavemore.serve.service import Service

    limits = Limits(body=most_bytes, characters=most_characters, seconds=seconds, waiting=most_waiting, workers=workers)
    names = frozenset(LOOPBACK) | {name.lower() for name in host_name or ()}
    access = server.check_access(address, Access(names, tuple(allow_origin or ()), _token(token_file)))
    service = Service(_named(models or []), limits)
    with server.bound(address, port) as listening:
        server.run(service, access, listening, quiet=quiet)


def _server() -> "ModuleType":
    """What serves. Raises `MissingExtraError` where the extra is not installed."""
    try:
        from wavemore.serve import server
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "wavemore":
            raise
        raise MissingExtraError.of("wavemore serve", package, "serve") from error
    return server


def _named(models: list[str]) -> dict[str, str | None]:
    """Files by the names that a server has for them: NAME=FILE, or the file's own name without its ending."""
    named: dict[str, str | None] = {}
    for model in models:
        name, equals, file = model.partition("=")
        if not equals or Path(model).exists():
            name, file = Path(model).stem, model
        if not name or not file or not name.isprintable() or "/" in name:
            raise UsageError(f"{model} must be a model file, or NAME=FILE with a name without slashes")
        if name in named:
            raise UsageError(f"two models are called {name}; name one of them otherwise, as in: other={file}")
        named[name] = file
    return named or {"names": None}


def _token(path: str | None) -> str | None:
    """The token of a file, or else of the environment; None where there is none."""
    if path is None:
        token, where = os.environ.get("WAVEMORE_TOKEN"), "WAVEMORE_TOKEN"
    else:
        where = path
        try:
            token = Path(path).read_text(encoding="ascii").strip()
        except OSError as error:
            raise FileError.of("read the token", path, error) from error
        except UnicodeDecodeError:
            token = ""
    if token is None:
        return None
    if len(token) < _LEAST_TOKEN or not all("!" <= character <= "~" for character in token):
        raise UsageError(
            f"the token of {where} must be {_LEAST_TOKEN} characters or more, letters, digits or other ASCII, "
            "without blanks"
        )
    return token
