"""The workers of a server: who does what, and what happens to one that ends."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from wavemore.errors import UsageError
from wavemore.serve.crew import Crew, Job, NoAnswerError
from wavemore.serve.limits import Limits, TooMuchError, characters_of


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
        small = await crew.take("explain", EXPLAIN, small=True)
        assert await answer(small) == await answer(await crew.take("explain", EXPLAIN, small=False))
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        if not children.exists():
            pytest.skip("this system does not tell a process's children")
        for child in children.read_text().split():
            if "wavemore.serve.worker" in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(int(child), signal.SIGKILL)
        again: list[object] = []
        job = await crew.take("explain", EXPLAIN, small=True)
        with pytest.raises(NoAnswerError, match=r"^the worker ended before it had an answer; ask again") as caught:
            await answer(job)
        assert caught.value.status == 503
        for _ in range(3):  # the other worker may have to be found dead, too
            with suppress(NoAnswerError):
                again.append(await answer(await crew.take("explain", EXPLAIN, small=False)))
        assert again
        assert crew.restarts >= 1
        assert crew.alive

    with_crew(models, Limits(workers=2), do)


def test_a_job_that_nobody_waits_for_is_left_out(models: dict[str, Path]):
    async def do(crew: Crew) -> None:
        first = await crew.take("explain", EXPLAIN | {"strings": ["ba"] * 100}, small=True)
        second = await crew.take("explain", EXPLAIN, small=True)
        third = await crew.take("explain", EXPLAIN, small=True)
        assert crew.waiting == 3
        with pytest.raises(NoAnswerError, match=r"^3 requests wait already; ask again in a second$") as caught:
            await crew.take("explain", EXPLAIN, small=True)
        assert caught.value.status == 429
        second.dropped = True
        assert crew.waiting == 2
        [part async for part in first.answer()]
        await answer(third)
        assert second.parts.empty()

    with_crew(models, Limits(workers=2, waiting=3), do)


def test_limits_say_what_they_must_be():
    with pytest.raises(UsageError, match=r"^the limit body is 0; it must be a whole number of 1 or more$"):
        Limits(body=0)
    with pytest.raises(UsageError, match=r"^the limit patience is -1; it must be above 0$"):
        Limits(patience=-1)
    limits = Limits(characters=10)
    limits.check(10, "ten")
    with pytest.raises(TooMuchError, match=r"^this asks for work of 11 characters \(eleven\); it must be at most"):
        limits.check(11, "eleven")
    assert characters_of(["ab", "", "c"]) == 6


def test_a_model_that_cannot_be_loaded_is_said(tmp_path: Path):
    (tmp_path / "none.safetensors").write_bytes(b"")
    with pytest.raises(Exception, match="is not a wavemore model"):
        with_crew({"tiny": tmp_path / "none.safetensors"}, Limits(workers=2), lambda crew: asyncio.sleep(0))
