"""Real servers on loopback, for tests of what only a connection shows."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_RUN = """import json, sys
from wavemore.serve.guards import Access
from wavemore.serve.limits import Limits
from wavemore.serve.server import bound, run
from wavemore.serve.service import Service
models, limits, token = json.loads(sys.argv[1])
run(Service(models, Limits(**limits)), Access(token=token), bound("127.0.0.1", 0))
"""


class Served(NamedTuple):
    """A server that runs."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def connect(self) -> socket.socket:
        """A connection of its own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and content of one request."""
        with self.connect() as connection:
            connection.sendall(request(path, body, **headers))
            return answer(connection)

    def end(self, number: int) -> int:
        """Its exit code after this signal."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


def request(path: str, body: object = None, **headers: str) -> bytes:
    """A request as bytes; with a body one that posts JSON."""
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"Connection": "close", **headers}
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: localhost"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def answer(connection: socket.socket) -> tuple[int, Any]:
    """The status and the content, JSON where it is that, of the answer that ends a connection."""
    came = b""
    while data := connection.recv(1 << 16):
        came += data
    head, _, content = came.partition(b"\r\n\r\n")
    is_json = b"content-type: application/json" in head.lower()
    return int(head.split()[1]), json.loads(content) if is_json else content


@contextmanager
def serving(
    models: dict[str, str | None], folder: Path, *, token: str | None = None, **limits: Any
) -> Iterator[Served]:
    """A server with these limits, until the end of the context."""
    log = folder / "server.log"
    command = [sys.executable, "-c", _RUN, json.dumps([models, limits, token])]
    with log.open("wb") as file, subprocess.Popen(command, stderr=file, start_new_session=True) as process:
        try:
            yield Served(process, _port(process, log), log)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """From the line that it begins with."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"http://127.0.0.1:(\d+)/", log.read_text(encoding="utf-8")):
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(f"the server did not begin: {log.read_text(encoding='utf-8')}")
