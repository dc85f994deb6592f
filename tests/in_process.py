"""A client of an application in this process: nothing goes through a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from wavemore.serve.crew import Crew
from wavemore.serve.guards import Access
from wavemore.serve.server import app_of
from wavemore.serve.service import Service


class Client:
    """Asks the application of a service, which works in another thread."""

    def __init__(self, service: Service, access: Access, portal: BlockingPortal, base_url: str) -> None:
        self._portal = portal
        transport = httpx.ASGITransport(app_of(service, access))  # type: ignore[arg-type]
        self._client = httpx.AsyncClient(transport=transport, base_url=base_url, timeout=60)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """As in httpx; a body comes in pieces if it is an iterator."""
        if isinstance(content := options.get("content"), Iterator):
            options["content"] = _pieces(list(content))
        return self._portal.call(partial(self._client.request, method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


@contextmanager
def working(crew: Crew) -> Iterator[BlockingPortal]:
    """A thread in which workers are started, and ended with the context."""
    with start_blocking_portal() as portal:
        portal.call(crew.start)
        try:
            yield portal
        finally:
            portal.call(crew.close)


async def _pieces(content: list[bytes]) -> Any:
    for piece in content:
        yield piece
