"""Whether a server's memory grows: an hour, or MINUTES, of every kind of request, wrong ones and heavy ones too.

    python benchmarks/soak.py [--minutes 60]

The server and its client run on loopback and end with the script. Memory is that of the server and of its first worker,
every ten seconds: what is their own, so without the code of libraries, of which each process counts the less the more
others on the machine have it too. The other workers are stopped and started again by heavy requests. The first fifth of
the time is for warming up; then the mean of the last fifth may be at most 5 % above that of the second, of both. It
ends with code 1 where it is not, and where an answer is none of those that are described.
"""

import argparse
import asyncio
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import fmean

import provenance
from serving import HEAVY, answered, post

_MOST_GROWTH = 0.05
_EVERY = 10.0  # seconds
_CLIENTS = 4
_DESCRIBED = {200, 400, 404, 413, 422, 429, 503}


def made_up(draw: random.Random) -> bytes:
    """A request: most are small, some large, some wrong, a few too heavy."""
    word = "".join(draw.choices("aeiounrlmst", k=draw.randint(1, 9)))
    kind = draw.random()
    if kind < 0.4:
        return post("/v1/score", {"strings": [word] * draw.randint(1, 300), "percentile": draw.random() < 0.5})
    if kind < 0.6:
        return post("/v1/sample", {"n": draw.randint(0, 200), "temperature": draw.choice([None, 0.7, 1.3])})
    if kind < 0.8:
        condition = draw.choice(["starts_with", "ends_with", "contains", "matches"])
        return post("/v1/sample", {"n": draw.randint(1, 30), condition: word[:2], "new": draw.random() < 0.3})
    if kind < 0.9:
        return post("/v1/explain", {"strings": [word] * draw.randint(1, 20)})
    if kind < 0.995:
        return draw.choice(
            [
                post("/v1/score", {"strings": ["a" * 1_100_000]}),
                post("/v1/score", {"strings": word}),
                post("/v1/sample", {"n": 10**9}),
                post("/v1/sample", {"model": word}),
                post("/v1/sample", {"matches": "(" + word}),
                post("/v2/" + word, {}),
            ]
        )
    return post("/v1/sample", HEAVY)


async def asked(port: int, seed: int, end: float, statuses: Counter[int]) -> None:
    """Requests one after the other; one that was too large ends its connection."""
    draw = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < end:
        status = 0
        try:
            status = await answered(reader, writer, made_up(draw))
        except (asyncio.IncompleteReadError, ConnectionError):
            status = 0
        statuses[status] += 1
        if status in (0, 413):
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)


def memory(server: int) -> tuple[float, float]:
    """MB of a server, and of its first worker, which does small requests and is never stopped."""
    first = Path(f"/proc/{server}/task/{server}/children").read_text().split()[0]
    return _held(str(server)), _held(first)


def _held(process: str) -> float:
    told = re.search(r"^Anonymous:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
    assert told is not None
    return int(told[1]) * 1024 / 1e6


async def watched(server: int, end: float) -> list[tuple[float, float]]:
    found = []
    while time.monotonic() < end:
        await asyncio.sleep(_EVERY)
        found.append(memory(server))
    return found


async def soak(server: int, port: int, minutes: float) -> tuple[list[tuple[float, float]], Counter[int]]:
    """Memory every ten seconds, and how often each status came; 0 stands for no answer."""
    statuses: Counter[int] = Counter()
    end = time.monotonic() + 60 * minutes
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched(server, end))
        for seed in range(_CLIENTS):
            group.create_task(asked(port, seed, end, statuses))
    return watching.result(), statuses


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether a server's memory grows.")
    parser.add_argument("--minutes", type=float, default=60)
    minutes = parser.parse_args().minutes
    command = [sys.executable, "-m", "wavemore", "serve", "--port", "0", "--seconds", "2", "-q"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            port = re.search(r"http://127.0.0.1:(\d+)/", server.stderr.readline())
            assert port is not None
            found, statuses = asyncio.run(soak(server.pid, int(port[1]), minutes))
        finally:
            server.terminate()
    part = max(1, len(found) // 5)
    held = [(fmean(every[part : 2 * part] or every[:1]), fmean(every[-part:])) for every in zip(*found, strict=True)]
    growth = [after / before - 1 for before, after in held]
    rows = zip(("the server", "its first worker"), held, growth, strict=True)
    lines = [
        f"# A server for {minutes:g} minutes",
        "",
        "| memory, MB | second fifth of the time | last fifth | growth |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {name} | {before:.1f} | {after:.1f} | {more:+.1%} |" for name, (before, after), more in rows),
        "",
        "| answers of status | |",
        "| --- | ---: |",
        *(f"| {status} | {number:,} |" for status, number in sorted(statuses.items())),
        "",
    ]
    provenance.write("soak", "\n".join([*lines, provenance.table(), ""]))
    if max(growth) > _MOST_GROWTH or set(statuses) - _DESCRIBED:
        sys.exit("memory grew, or an answer was not as described")


if __name__ == "__main__":
    main()
