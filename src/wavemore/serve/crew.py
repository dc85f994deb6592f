"""The workers of a server: who does which request, how long it may take, and how many may wait.

Work is done in processes, not in threads: what takes too long can be stopped there, whatever it is doing, and the event
loop never waits for Python's lock. The first worker does small requests alone, so that they do not wait behind large
ones; the others take whatever came first.
"""

import asyncio
import json
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from wavemore.errors import WavemoreError
from wavemore.progress import to_stderr
from wavemore.serve.limits import Limits
from wavemore.serve.worker import BEGIN, DONE, ERROR, PART, READY

__all__ = ["Crew", "Job", "NoAnswerError"]

_STARTING = 60.0  # seconds that a worker has to load the models
_AGAIN = 1.0  # seconds until a worker that could not be started is tried again


class NoAnswerError(Exception):
    """A request that gets no answer of a worker, with the status and the sentence that it gets instead."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _StoppedError(Exception):
    """A worker that has ended."""


@dataclass(eq=False)
class Job:
    """A request that is to be done."""

    request: bytes
    small: bool
    due: float
    """On the loop's clock: when it is given up if nobody has begun with it."""
    given_up: "asyncio.TimerHandle | None" = None
    """What gives it up then."""
    parts: "asyncio.Queue[bytes | NoAnswerError | None]" = field(default_factory=asyncio.Queue)
    """Portions of the answer; then None, or what it gets instead."""

    async def answer(self) -> AsyncIterator[bytes]:
        """The portions of the answer as they come. Raises `NoAnswerError`, also after some of them."""
        while (part := await self.parts.get()) is not None:
            if isinstance(part, NoAnswerError):
                raise part
            yield part


class Crew:
    """Workers for some models, each named with its file, None for the one in the package."""

    def __init__(self, models: Mapping[str, str | None], limits: Limits) -> None:
        self.limits, self.restarts = limits, 0
        self.typical: dict[str, int] = {}
        """Of each model how long its strings are, once the workers have started."""
        self._models = dict(models)
        self._waiting: tuple[deque[Job], deque[Job]] = (deque(), deque())
        self._idle: dict[asyncio.Future[None], bool] = {}
        """What wakes each worker that has nothing to do, and whether it does small requests alone."""
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: set[_Worker] = set()
        """Workers that could not be started again so far."""

    async def start(self) -> None:
        """Start all workers and wait until they are ready; once. Raises `WavemoreError` where they cannot be."""
        if self._tasks:
            return
        workers = [_Worker(self._models, gently=number > 0) for number in range(self.limits.processes)]
        try:
            self.typical = (await asyncio.gather(*(worker.start() for worker in workers)))[0]
        except BaseException:
            await asyncio.gather(*(worker.end() for worker in workers))
            raise
        self._tasks = [asyncio.create_task(self._serve(worker, number == 0)) for number, worker in enumerate(workers)]

    async def close(self) -> None:
        """End the workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    @property
    def waiting(self) -> int:
        """How many requests nobody has begun with."""
        return sum(map(len, self._waiting))

    @property
    def alive(self) -> bool:
        """Whether workers are there, or are just being started again."""
        return len(self._failing) < sum(not task.done() for task in self._tasks)

    def take(self, do: str, ask: Mapping[str, Any], *, small: bool) -> Job:
        """Have something done. Raises `NoAnswerError` where too many wait already."""
        if self.waiting >= self.limits.waiting:
            raise NoAnswerError(429, f"{self.limits.waiting:,} requests wait already; ask again in a second")
        loop = asyncio.get_running_loop()
        request = json.dumps({"do": do, "small": small, "ask": ask}).encode() + b"\n"
        job = Job(request, small, loop.time() + self.limits.seconds)
        job.given_up = loop.call_at(job.due, self._give_up, job)
        self._waiting[0 if small else 1].append(job)
        self._wake(small)
        return job

    def drop(self, job: Job) -> None:
        """Forget a job that nobody waits for any more, unless a worker has begun with it."""
        queue = self._waiting[0 if job.small else 1]
        if job in queue:
            queue.remove(job)
            self._taken(job)

    def _give_up(self, job: Job) -> None:
        self.drop(job)
        said = f"no worker was free for {self.limits.seconds:g} s; ask again later, or for less at once"
        job.parts.put_nowait(NoAnswerError(503, said))

    @staticmethod
    def _taken(job: Job) -> None:
        """It waits no longer, so that it need not be given up; the timer would keep it until then."""
        if job.given_up is not None:
            job.given_up.cancel()
            job.given_up = None

    def _wake(self, small: bool) -> None:
        """Wake a worker that may do a request of this size, for a small one the first worker if that is free."""
        free = [woken for woken, alone in self._idle.items() if not woken.done() and (small or not alone)]
        if free:
            max(free, key=self._idle.__getitem__).set_result(None)

    async def _next(self, small: bool) -> Job:
        """The job that came first, for the first worker the first of the small ones."""
        while True:
            if queues := [queue for queue in (self._waiting[:1] if small else self._waiting) if queue]:
                job = min(queues, key=lambda queue: queue[0].due).popleft()
                self._taken(job)
                return job
            woken = asyncio.get_running_loop().create_future()
            self._idle[woken] = small
            try:
                await woken
            finally:
                del self._idle[woken]

    async def _serve(self, worker: "_Worker", small: bool) -> None:
        try:
            while True:
                job = await self._next(small)
                await self._do(job, worker)
                while not worker.running:
                    self.restarts += 1
                    await worker.end()
                    try:
                        await worker.start()
                    except (_StoppedError, WavemoreError, OSError) as error:  # a TimeoutError, too
                        if worker not in self._failing:
                            why = str(error) or "it ended, or took too long"
                            to_stderr(f"wavemore: a worker cannot be started again: {why}; trying on")
                        self._failing.add(worker)
                        worker.kill()
                        await asyncio.sleep(_AGAIN)  # where there is no memory for one, say
                    else:
                        self._failing.discard(worker)
        finally:
            await worker.end()

    async def _do(self, job: Job, worker: "_Worker") -> None:
        end: NoAnswerError | None = None
        try:
            async with asyncio.timeout(self.limits.seconds):
                async for kind, data in worker.answers(job.request):
                    if kind == PART:
                        job.parts.put_nowait(data)
                    elif kind == ERROR:
                        told = json.loads(data)
                        end = NoAnswerError(told["status"], told["error"])
        except TimeoutError:
            worker.kill()
            end = NoAnswerError(
                422,
                f"the work took longer than {self.limits.seconds:g} s and was stopped; ask for fewer strings, or for "
                "conditions that are not as rare",
            )
        except (_StoppedError, OSError):
            worker.kill()
            end = NoAnswerError(503, "the worker ended before it had an answer; ask again, perhaps for less at once")
        job.parts.put_nowait(end)


class _Worker:
    """One process."""

    def __init__(self, models: dict[str, str | None], *, gently: bool) -> None:
        self._setup = json.dumps({"models": models, "gently": gently}).encode() + b"\n"
        self._process: asyncio.subprocess.Process | None = None
        self._killed = False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None and not self._killed

    async def start(self) -> dict[str, int]:
        """Raises `WavemoreError` where it cannot load the models."""
        self._killed = False
        pipe = asyncio.subprocess.PIPE
        path = json.dumps([entry or "." for entry in sys.path])
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", BEGIN, path), stdin=pipe, stdout=pipe, start_new_session=True
        )
        async with asyncio.timeout(_STARTING):
            await self._send(self._setup)
            kind, data = await self._frame()
        if kind != READY:
            raise WavemoreError(json.loads(data)["error"])
        return json.loads(data)

    async def answers(self, request: bytes) -> AsyncIterator[tuple[bytes, bytes]]:
        """The frames of an answer. Raises `_StoppedError` where the process ends before it is done."""
        await self._send(request)
        while (frame := await self._frame())[0] != DONE:
            yield frame

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._killed = True
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """Kill it, and wait until it is gone."""
        self.kill()
        if self._process is not None:
            await self._process.wait()
            self._process = None

    async def _send(self, line: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        await self._process.stdin.drain()

    async def _frame(self) -> tuple[bytes, bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            head = await self._process.stdout.readexactly(5)
            return head[:1], await self._process.stdout.readexactly(int.from_bytes(head[1:]))
        except asyncio.IncompleteReadError:
            raise _StoppedError from None
