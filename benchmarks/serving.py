"""How soon a server answers: requests that come at a steady rate, whether earlier ones are answered or not.

    python benchmarks/serving.py [--rate 200] [--seconds 30] [--strings 100] [--beside]

The server runs with two workers, the client in a process of its own, all on loopback; both end with the benchmark. Each
request scores so many strings of the model in the package, other ones each time. A latency counts from when a request
was due, so that a server that falls behind is not measured as quick. With --beside two clients ask for conditions
meanwhile that hardly any string meets, again and again.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import numpy as np
import provenance

import wavemore

_CONNECTIONS = 64
HEAVY = {"n": 1, "matches": "(.*q.*x.*j.*z.*){3}", "mode": "strict"}


def post(path: str, body: object) -> bytes:
    """A request of HTTP/1.1 that keeps the connection."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """The status of one answer, once all of it has come."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = re.search(rb"\r\ncontent-length: (\d+)", head)
    assert length is not None
    await reader.readexactly(int(length[1]))
    return int(head.split()[1])


async def client(port: int, requests: list[bytes], rate: float) -> tuple[list[float], Counter[int]]:
    """Milliseconds from when each request was due to the end of its answer, and the answers' statuses."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    times: list[float] = []
    statuses: Counter[int] = Counter()

    async def ask(request: bytes, due: float) -> None:
        connection = await free.get()
        status = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            status = await answered(*connection, request)
        if status == 0:  # the server closed a connection that was idle for long
            connection = await asyncio.open_connection("127.0.0.1", port)
            status = await answered(*connection, request)
        times.append(1e3 * (time.perf_counter() - due))
        statuses[status] += 1
        free.put_nowait(connection)

    begun = time.perf_counter() + 0.1
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(ask(request, due))
    return times, statuses


async def beside(port: int, end: float) -> None:
    """Heavy requests, one after the other, until the time is over."""
    while time.perf_counter() < end:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await answered(reader, writer, post("/v1/sample", HEAVY))
        writer.close()


def as_client(port: int, rate: float, seconds: float, strings: int) -> None:
    """What the process of the client does: prints what it found as JSON."""
    made = wavemore.load().sample(10_000, seed=1)
    draw = np.random.default_rng(1)
    asked = [draw.choice(len(made), strings).tolist() for _ in range(int(rate * seconds))]
    requests = [post("/v1/score", {"strings": [made[i] for i in places]}) for places in asked]
    asyncio.run(client(port, requests[:50], rate))  # so that all is warm
    times, statuses = asyncio.run(client(port, requests, rate))
    print(json.dumps({"times": times, "statuses": statuses}))


def as_beside(port: int, seconds: float) -> None:
    asyncio.run(beside(port, time.perf_counter() + seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description="How soon a server answers.")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--strings", type=int, default=100)
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--heavy", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.client:
        as_client(asked.client, asked.rate, asked.seconds, asked.strings)
        return
    if asked.heavy:
        as_beside(asked.heavy, asked.seconds)
        return
    command = [sys.executable, "-m", "wavemore", "serve", "--port", "0", "--workers", "2", "-q"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            found = re.search(r"http://127.0.0.1:(\d+)/", server.stderr.readline())
            assert found is not None
            report(asked, found[1])
        finally:
            server.terminate()


def report(asked: argparse.Namespace, port: str) -> None:
    """Measure a server that runs, and keep what was found."""
    words = ["--rate", str(asked.rate), "--seconds", str(asked.seconds), "--strings", str(asked.strings)]
    this = [sys.executable, __file__, *words]
    heavy = [subprocess.Popen([*this, "--heavy", port]) for _ in range(2 if asked.beside else 0)]
    done = subprocess.run([*this, "--client", port], capture_output=True, text=True, check=True)
    for process in heavy:
        process.kill()
        process.wait()
    found = json.loads(done.stdout)
    median, high, higher = np.quantile(found["times"], [0.5, 0.99, 0.999])
    what = f"{asked.rate:g} requests a second to score {asked.strings} strings, for {asked.seconds:g} s"
    lines = [
        "# How soon a server answers",
        "",
        f"| {what}{', beside heavy ones' if asked.beside else ''} | |",
        "| --- | ---: |",
        f"| median, milliseconds | {median:.1f} |",
        f"| 99 % | {high:.1f} |",
        f"| 99.9 % | {higher:.1f} |",
        f"| answers | {', '.join(f'{n:,} of status {status}' for status, n in found['statuses'].items())} |",
        "",
    ]
    provenance.write(f"serving{'_beside' if asked.beside else ''}", "\n".join([*lines, provenance.table(), ""]))


if __name__ == "__main__":
    main()
