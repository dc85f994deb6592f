"""The workers of a server: who does what, and what happens to one that ends."""

import asyncio
import errno
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from wavemore.errors import UsageError
from wavemore.serve.asks import SampleAsk
from wavemore.serve.crew import Crew, Job, NoAnswerError
from wavemore.serve.limits import Limits, TooMuchError, characters_of
from wavemore.serve.worker import BEGIN, PART, READY


def with_crew(models: dict[str, Path], limits: Limits, do: Callable[[Crew], Awaitable[None]]) -> None:
    """Have something done while workers are there."""

    async def main() -> None:
        crew = Crew({"tiny": str(models["tiny"])}, limits)
        await crew.start()
        try:
            await do(crew)
        finally:
            await crew.close()

    asyncio.run(main())


EXPLAIN = {"model": "tiny", "label": None, "strings": ["ba"], "alternatives": 1}


async def answer(job: Job) -> object:
    return json.loads(b"".join([part async for part in job.answer()]))


def test_a_worker_that_ends_is_said_and_is_there_again(models: dict[str, Path]):
    """As when the system takes its memory."""

    async def do(crew: Crew) -> None:
        small = crew.take("explain", EXPLAIN, small=True)
        assert await answer(small) == await answer(crew.take("explain", EXPLAIN, small=False))
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        if not children.exists():
            pytest.skip("this system does not tell a process's children")
        for child in children.read_text().split():
            if "wavemore.serve.worker" in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(int(child), signal.SIGKILL)
        again: list[object] = []
        job = crew.take("explain", EXPLAIN, small=True)
        with pytest.raises(NoAnswerError, match=r"^the worker ended before it had an answer; ask again") as caught:
            await answer(job)
        assert caught.value.status == 503
        for _ in range(3):  # the other worker may have to be found dead, too
            with suppress(NoAnswerError):
                again.append(await answer(crew.take("explain", EXPLAIN, small=False)))
        assert again
        assert crew.restarts >= 1
        assert crew.alive

    with_crew(models, Limits(workers=2), do)


def test_a_worker_ends_with_its_server_in_the_midst_of_work(models: dict[str, Path]):
    """As where the server is killed: the other end of the worker's input is closed then."""
    own, other = socket.socketpair()  # as asyncio gives it
    path = json.dumps([entry or "." for entry in sys.path])
    ask = SampleAsk.model_validate({"n": 10**9, "faithful": True}).model_dump() | {"model": "tiny"}
    lines = {"models": {"tiny": str(models["tiny"])}, "gently": False}, {"do": "sample", "small": False, "ask": ask}
    with (
        own,
        subprocess.Popen([sys.executable, "-c", BEGIN, path], stdin=other.fileno(), stdout=subprocess.PIPE) as worker,
    ):
        other.close()
        assert worker.stdout is not None
        for line, kind in zip(lines, (READY, PART), strict=True):
            own.sendall(json.dumps(line).encode() + b"\n")
            head = worker.stdout.read(5)
            assert head[:1] == kind
            worker.stdout.read(int.from_bytes(head[1:]))
        assert worker.poll() is None
        own.close()
        assert worker.wait(timeout=60) == 0


def test_a_job_that_nobody_waits_for_is_left_out(models: dict[str, Path]):
    async def do(crew: Crew) -> None:
        first = crew.take("explain", EXPLAIN | {"strings": ["ba"] * 100}, small=True)
        second = crew.take("explain", EXPLAIN, small=True)
        third = crew.take("explain", EXPLAIN, small=True)
        assert crew.waiting == 3
        with pytest.raises(NoAnswerError, match=r"^3 requests wait already; ask again in a second$") as caught:
            crew.take("explain", EXPLAIN, small=True)
        assert caught.value.status == 429
        crew.drop(second)
        assert crew.waiting == 2
        [part async for part in first.answer()]
        await answer(third)
        crew.drop(third)  # which is done, so that there is nothing to forget
        assert (second.parts.empty(), crew.waiting) == (True, 0)

    with_crew(models, Limits(workers=2, waiting=3), do)


def test_what_was_asked_is_not_kept(models: dict[str, Path]):
    """Neither that of clients who left while no worker was free, nor that which has its answer."""

    async def do(crew: Crew) -> None:
        done = job = None
        left = [weakref.ref(job) for job in [crew.take("explain", EXPLAIN, small=True) for _ in range(20)]]
        for job in left:
            crew.drop(job())  # type: ignore[arg-type]
        for _ in range(20):
            done = crew.take("explain", EXPLAIN, small=True)
            await answer(done)
            left.append(weakref.ref(done))
        del done, job
        gc.collect()
        assert sum(job() is not None for job in left) <= 2  # the last one of each worker

    with_crew(models, Limits(workers=2), do)


def test_a_worker_that_cannot_start_again_is_said_and_tried_again(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """As where a model file has gone, or there is no memory for a process."""
    monkeypatch.setattr("wavemore.serve.crew._AGAIN", 0.05)
    real = asyncio.create_subprocess_exec

    async def none(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    async def until(crew: Crew, alive: bool) -> None:
        async with asyncio.timeout(60):
            while crew.alive != alive:
                await asyncio.sleep(0.02)

    async def do(crew: Crew) -> None:
        monkeypatch.setattr(asyncio, "create_subprocess_exec", none)
        for small in (True, False):
            job = crew.take("explain", EXPLAIN | {"strings": ["ba"] * 20_000}, small=small)
            with pytest.raises(NoAnswerError):  # the work takes too long, so that the worker is stopped
                await answer(job)
        await until(crew, False)
        monkeypatch.setattr(asyncio, "create_subprocess_exec", real)
        await until(crew, True)

    with_crew(models, Limits(workers=2, seconds=0.01), do)
    said = [line for line in capsys.readouterr().err.splitlines() if "again" in line]
    assert said == ["wavemore: a worker cannot be started again: [Errno 12] Cannot allocate memory; trying on"] * 2


def test_limits_say_what_they_must_be():
    with pytest.raises(UsageError, match=r"^the limit body is 0; it must be a whole number of 1 or more$"):
        Limits(body=0)
    with pytest.raises(UsageError, match=r"^the limit patience is -1; it must be above 0, and 86,400 at most$"):
        Limits(patience=-1)
    for seconds in (float("inf"), float("nan")):
        with pytest.raises(UsageError, match=r"^the limit seconds is (inf|nan); it must be above 0"):
            Limits(seconds=seconds)
    limits = Limits(characters=10)
    limits.check(10, "ten")
    with pytest.raises(TooMuchError, match=r"^this asks for work of 11 characters \(eleven\); it must be at most"):
        limits.check(11, "eleven")
    assert characters_of(["ab", "", "c"]) == 6


def test_a_model_that_cannot_be_loaded_is_said(tmp_path: Path):
    (tmp_path / "none.safetensors").write_bytes(b"")
    with pytest.raises(Exception, match="is not a wavemore model"):
        with_crew({"tiny": tmp_path / "none.safetensors"}, Limits(workers=2), lambda crew: asyncio.sleep(0))
