"""A size and a deadline for the bodies that clients send, around an ASGI application.

A body is read whole before the application sees it. One that is too large, or takes too long, is answered at once, and
what still comes of it is thrown away, so that the client gets to read the answer before the connection is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from typing import Any

from starlette.responses import JSONResponse

__all__ = ["LINGER", "App", "Bodies", "Message", "Receive", "Scope", "Send", "refuse"]

LINGER = 1.0
"""Seconds in which what still comes is thrown away after an answer: a connection that is closed at once may lose it."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class _TooLargeError(Exception):
    """A body above the limit."""


class Bodies:
    """Reads a body of at most `most` bytes within `patience` seconds."""

    def __init__(self, app: App, most: int, patience: float) -> None:
        self._app, self._most, self._patience = app, most, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        end = asyncio.get_running_loop().time() + self._patience
        try:
            async with asyncio.timeout_at(end):
                body = await self._body(scope, receive)
        except _TooLargeError:
            said = f"the body is larger than {self._most:,} bytes, the most that one request may have"
            await refuse(scope, receive, send, 413, said, until=end)
            return
        except TimeoutError:
            said = f"the body did not come whole within {self._patience:g} s; send it faster"
            await refuse(scope, receive, send, 408, said, until=end + LINGER)
            return
        if body is None:
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def received() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, received, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """None where the client went away. Raises `_TooLargeError`."""
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self._most:
                raise _TooLargeError
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._most:
                raise _TooLargeError
            if not message.get("more_body", False):
                return bytes(body)


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    said: str,
    *,
    until: float | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> None:
    """Answer with a sentence and close the connection. What still comes of the body is thrown away until `until`, on
    the loop's clock, or for `LINGER`: clients that send all of it before they read would else lose the answer."""
    if until is None:
        until = asyncio.get_running_loop().time() + LINGER
    answer = JSONResponse({"error": said}, status, {"Connection": "close"})
    for name, value in headers:
        answer.headers.append(name, value)
    await send({"type": "http.response.start", "status": status, "headers": answer.raw_headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})
