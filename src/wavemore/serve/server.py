"""A server that runs: where it listens, how it begins, and how it ends.

SIGTERM or Ctrl-C end it once all requests that have come are answered; new ones are refused meanwhile. A second Ctrl-C
ends it at once.
"""

import asyncio
import gc
import ipaddress
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import uvicorn

from wavemore.errors import UsageError, WavemoreError
from wavemore.progress import to_stderr
from wavemore.serve.app import api_of
from wavemore.serve.bodies import App, Bodies, Scope
from wavemore.serve.guards import Access
from wavemore.serve.log import Logged, line, say_nothing
from wavemore.serve.protocol import patient
from wavemore.serve.service import Service

__all__ = ["app_of", "bound", "check_access", "run"]

_KEEP_ALIVE = 5  # seconds that a connection without a request stays open
_OPEN_FILES = 1 << 14
_EVERYWHERE = ("0.0.0.0", "::", "")


def check_access(address: str, access: Access) -> Access:
    """Who may ask at an address, its own name added. Raises `UsageError` where others than this machine may reach it
    and there is no token."""
    if not _is_loopback(address) and access.token is None:
        raise UsageError(
            f"at {address} others can reach this server, so it needs a token: write one into a file and name that "
            "with --token-file, or set WAVEMORE_TOKEN"
        )
    own = set() if address in _EVERYWHERE else {_in_url(address).lower()}
    return replace(access, names=access.names | own)


def app_of(service: Service, access: Access, say: Callable[[str], None] = say_nothing) -> App:
    """The whole application, with its guards and its log."""

    def path_of(scope: Scope) -> str | None:
        return getattr(scope.get("route"), "path", None)

    limits = service.limits
    guarded = access.guarded(Bodies(api_of(service), limits.body, limits.patience))  # type: ignore[arg-type]
    return Logged(guarded, service.metrics, say, path_of)


def bound(address: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `UsageError` for what is no address of this machine, and `WavemoreError`
    where the port is taken."""
    if not 0 <= port < 1 << 16:
        raise UsageError(f"the port is {port}; it must be from 0 to 65535")
    try:
        family, *_, where = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
    except (socket.gaierror, UnicodeError):
        raise UsageError(
            f"{address} is no address to listen at; it must be this machine's, such as 127.0.0.1"
        ) from None
    try:
        return socket.create_server(where[:2], family=family)  # type: ignore[arg-type]
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise WavemoreError(f"cannot listen at {address}, port {port}: {why}; choose another --port") from error


def run(service: Service, access: Access, listening: socket.socket, *, quiet: bool = False) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises `WavemoreError` where the workers cannot load the models."""
    say = say_nothing if quiet else to_stderr
    limits = service.limits
    _more_files()
    _only_mistakes()

    def refused(client: str, status: int) -> None:
        service.metrics.count("other", None, status, 0.0)
        say(line(client, "-", status, 0.0, 0))

    config = uvicorn.Config(
        app_of(service, access, say),  # type: ignore[arg-type]
        http=patient(limits.patience, refused),
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(2 * limits.seconds + 2 * limits.patience) + 1,
    )
    asyncio.run(_served(_Server(config, service, _url(listening)), service, listening))


async def _served(server: "_Server", service: Service, listening: socket.socket) -> None:
    try:
        await service.crew.start()
        await server.serve([listening])
    finally:
        await service.crew.close()


class _Server(uvicorn.Server):
    """uvicorn's server, which says where it is, and ends without a signal."""

    def __init__(self, config: uvicorn.Config, service: Service, url: str) -> None:
        super().__init__(config)
        self._models, self._url = ", ".join(service.files), url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what is there now stays; looking through it again and again would hold requests up
        to_stderr(f"wavemore: {self._models} at {self._url}  (Ctrl-C ends it)")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _only_mistakes() -> None:
    """Of uvicorn's own log the tracebacks alone: the rest has its line in ours."""

    class Filter(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            return bool(record.exc_info)

    logging.getLogger("uvicorn.error").addFilter(Filter())


def _more_files() -> None:
    """As many open connections as the system allows this process, within reason."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
        if soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def _url(listening: socket.socket) -> str:
    address, port = listening.getsockname()[:2]
    shown = address.replace("0.0.0.0", "127.0.0.1") if address != "::" else "::1"
    return f"http://{_in_url(shown)}:{port}/"


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
