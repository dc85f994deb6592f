"""One line a request, and the figures of all: around everything else."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from wavemore.serve.bodies import App, Message, Receive, Scope, Send
from wavemore.serve.metrics import Metrics
from wavemore.tables.visible import visible

__all__ = ["Logged", "line", "say_nothing"]

_PATH = 200  # characters of a path that are shown

Say = Callable[[str], None]


class Logged:
    """Says a line for each request that was answered, and counts it."""

    def __init__(self, app: App, metrics: Metrics, say: Say, path_of: Callable[[Scope], str | None]) -> None:
        self._app, self._metrics, self._say, self._path_of = app, metrics, say, path_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, size, begun = 0, 0, time.perf_counter()
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope  # the server leaves the body out

        async def sent(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        self._metrics.open.inc()
        try:
            await self._app(inner, receive, sent)
        finally:
            self._metrics.open.dec()
            seconds = time.perf_counter() - begun
            self._metrics.count(scope["method"], self._path_of(inner), status, seconds)
            client = (scope.get("client") or ("-",))[0]
            self._say(line(client, f"{scope['method']} {scope['path']}", status, seconds, size))


def line(client: str, what: str, status: int, seconds: float, size: int) -> str:
    """A line of the access log; what steers a terminal is escaped, and 0 stands for no answer."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shown = visible(what if len(what) <= _PATH else f"{what[:_PATH]}...")
    return f"{now} {client} {shown} {status} {size} bytes {1e3 * seconds:.1f} ms"


def say_nothing(text: str) -> None:
    """The access log of a quiet server."""
