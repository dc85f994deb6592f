"""Who may ask: the Host header, the origin of a page that asks, the token, and what a body is said to be.

Host      a page elsewhere whose name leads to this machine (DNS rebinding) is refused
Origin    pages of other origins are refused, except those that are allowed by name
token     as "Authorization: Bearer TOKEN", or as the password that a browser asks for
"""

import base64
import hmac
import re
from binascii import Error
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware

from wavemore.errors import UsageError
from wavemore.serve.bodies import App, Message, Receive, Scope, Send, refuse

__all__ = ["LOOPBACK", "Access", "Asked", "Known"]

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""What a machine calls itself."""
OPEN = frozenset({"/healthz"})
"""Paths that need no token: they tell nothing but that the server works."""
_NAME = re.compile(r"[^\s/:@\[\]]+|\[[0-9a-f:.%]+\]")
_ORIGIN = re.compile(r"https?://([^\s/:@\[\]A-Z*]+|\[[0-9a-f:.]+\])(:\d+)?")
_CHALLENGES = [
    ("WWW-Authenticate", 'Basic realm="wavemore, the password is the token", charset="UTF-8"'),
    ("WWW-Authenticate", "Bearer"),
]
"""Two headers: browsers ask for a password by the first, and do not where both are in one."""
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """Who may ask. Raises `UsageError` for a name or an origin that no browser would ever send."""

    names: frozenset[str] = field(default_factory=lambda: frozenset(LOOPBACK))
    """What the Host header may name, without a port, in lower case."""
    origins: tuple[str, ...] = ()
    """Other origins whose pages may ask, such as https://example.org."""
    token: str | None = None

    def __post_init__(self) -> None:
        for name in self.names:
            if not _NAME.fullmatch(name):
                raise UsageError(
                    f'the host name is "{name}"; it must be a name or an address alone, as names.example.org'
                )
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise UsageError(
                    f'the origin is "{origin}"; it must be http:// or https:// and a name in small letters, without a '
                    "path, as https://example.org"
                )

    def guarded(self, app: App) -> App:
        """The application behind all guards but the size of bodies."""
        guarded: App = Asked(app, self.token)
        if self.origins:
            guarded = CORSMiddleware(  # type: ignore[assignment]
                guarded,  # type: ignore[arg-type]
                allow_origins=self.origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type"],
            )
        return Known(guarded, self.names, self.origins)


class Known:
    """Refuses requests for other hosts and from other origins."""

    def __init__(self, app: App, names: Iterable[str], origins: Iterable[str]) -> None:
        self._app, self._names, self._origins = app, frozenset(names), frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if without_port(host) not in self._names:
            said = f"this server is not called {host[:60]!a}; start it with --host-name to give it that name"
            await refuse(scope, receive, sent, 400, said)
        elif origin is not None and origin not in self._origins and not _same(origin, host):
            said = f"pages of {origin[:60]!a} may not ask this server; start it with --allow-origin to allow it"
            await refuse(scope, receive, sent, 403, said)
        else:
            await self._app(scope, receive, sent)


class Asked:
    """Refuses requests without the token, where there is one, and bodies that are not said to be JSON."""

    def __init__(self, app: App, token: str | None) -> None:
        self._app, self._token = app, None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if self._token is not None and scope["path"] not in OPEN and not self._told(headers.get("authorization", "")):
            said = "this needs the token of the server, as in the header Authorization: Bearer TOKEN"
            await refuse(scope, receive, send, 401, said, headers=_CHALLENGES)
        elif scope["method"] == "POST" and kind != "application/json":
            said = f"the body is said to be {ascii(kind[:60]) if kind else 'nothing'}; it must be application/json"
            await refuse(scope, receive, send, 415, said)
        else:
            await self._app(scope, receive, send)

    def _told(self, authorization: str) -> bool:
        """Whether the header has the token, compared in a time that tells nothing of it."""
        assert self._token is not None
        scheme, _, told = authorization.partition(" ")
        given = told.strip().encode("utf-8", "replace")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except Error:
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given, self._token)


def without_port(host: str) -> str:
    """The name of a Host header, in lower case; an address of IPv6 in brackets."""
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _same(origin: str, host: str) -> bool:
    """Whether an origin is this server, whatever stands in front of it."""
    return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")
