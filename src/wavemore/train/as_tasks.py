"""Networks that learn as tasks of an engine, such as a cluster of Ray: a task is a portion of one network's steps, some
seconds long, and begins where the one before it ended.

So no worker needs to talk while it works. What happened in a portion is told when it is over, after Ctrl-C the portions
under way are awaited, and of a worker that dies no more than its portion is done again, to the same bytes. With more
networks than workers they take turns, and end together.
"""

import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from threading import Event
from typing import Any, NamedTuple

from wavemore.errors import ConfigError, TrainingError
from wavemore.runs.checkpoint import Checkpoint
from wavemore.settings.config import Recipe
from wavemore.tasks.task import NOT_YET, Engine, LostError
from wavemore.train.forms import runs_of
from wavemore.train.record import Recorder, Since
from wavemore.train.run import Run
from wavemore.train.workers import Ended, Evaluated, Message, Stepped, Task, Written

__all__ = ["Left", "check_tasks", "messages"]

_SECONDS = 2.0  # of a portion


class Left(NamedTuple):
    """A portion is over, and the run is not."""

    state: Checkpoint


class _Portion(NamedTuple):
    """What a worker is to do."""

    member: int
    state: Checkpoint
    since: Since


class _Passed(NamedTuple):
    """What came of a portion."""

    told: list[Message]
    """What happened, in order. Times of records count from the portion's beginning."""
    seconds: float
    state: Checkpoint
    over: bool
    """Whether the run is."""
    since: Since
    last: dict[str, Any] | None
    """The record that is written if the run is stopped here."""


class _Workplace:
    """What all portions share. A process makes the networks when it gets its first one; each portion then puts one of
    them where it stood."""

    def __init__(self, task: Task, *, records: bool) -> None:
        # The weights come with each portion: files that they began with need not be on other machines.
        train = replace(task.recipe.train, start="", teacher="")
        self.task, self.records = replace(task, recipe=replace(task.recipe, train=train)), records
        self._open = ExitStack()
        self._made: list[Run] | None = None

    def __getstate__(self) -> tuple[Task, bool]:
        return self.task, self.records

    def __setstate__(self, state: tuple[Task, bool]) -> None:
        self.task, self.records = state
        self._open, self._made = ExitStack(), None

    @property
    def runs(self) -> list[Run]:
        """The networks. Raises what `runs_of` raises."""
        if self._made is None:
            task = self.task
            made = runs_of(task.recipe, task.vocabulary, task.training, task.validation, task.expected)
            self._made = self._open.enter_context(made)
        return self._made

    def close(self) -> None:
        """In the process where portions were handed out: a worker's networks go with it."""
        self._open.close()


def check_tasks(recipe: Recipe) -> None:
    """Raise `ConfigError` for a recipe that tasks do not train."""
    if recipe.train.device != "cpu":
        raise ConfigError(
            f'train.device = "{recipe.train.device}", and on a cluster a network has one CPU and no device; set it to '
            '"cpu", or train here'
        )


def messages(
    engine: Engine, task: Task, states: Mapping[int, Checkpoint], recorder: Recorder, stopped: Event
) -> Generator[tuple[int, Message | Left], None, None]:
    """What comes of members that go on from these states, each message with its member's number; `Left` is the last of
    a portion, `Ended` or an exception that of a member. Once `stopped` is set only the portions under way are awaited.
    Raises what the engine raises."""
    place = _Workplace(task, records=recorder.writes)
    waiting = deque(_Portion(member, state, Since()) for member, state in states.items())
    under_way = 0
    last: dict[int, Message] = {}  # what is told of a member if its run ends where it stood last

    def portions() -> Iterator[Any]:
        nonlocal under_way
        while not stopped.is_set() and (waiting or under_way):
            if not waiting:
                yield NOT_YET
                continue
            under_way += 1
            yield waiting.popleft()

    try:
        with closing(engine(_pass, place, portions())) as finished:
            for one in finished:
                passed: _Passed = one.result()
                member, under_way = one.task.member, under_way - 1
                late = recorder.elapsed - passed.seconds  # clocks of two machines are never the same
                for message in passed.told:
                    yield member, _later(message, late)
                last.pop(member, None)
                if passed.over:
                    yield member, Ended(passed.state)
                    continue
                waiting.append(_Portion(member, passed.state, passed.since))
                if passed.last is not None:
                    last[member] = _later(Written(passed.last), late)
                yield member, Left(passed.state)
        yield from last.items()
    except LostError:
        yield from last.items()
        raise
    finally:
        place.close()


def _pass(place: _Workplace, portion: _Portion) -> _Passed:
    """The work of a task: as many steps as there is time for, one at least."""
    runs = place.runs
    run, told = runs[portion.member], list[Message]()
    recorder = Recorder([_Told(told)] if place.records else [])
    run.restore(portion.state)
    recorder.begin(runs, resumed=False)
    recorder.take_up(run, portion.since)
    until = time.monotonic() + _SECONDS
    steps, taken, loss = run.train(recorder), 0, 0.0
    wrong: TrainingError | None = None
    try:
        while time.monotonic() < until and (step := next(steps, None)):
            taken, (loss, evaluation) = taken + 1, step
            if evaluation is not None:
                told += [Stepped(taken, loss), Evaluated(evaluation, None)]
                taken = 0
    except TrainingError as error:
        recorder.note(run, last=True)  # what led there
        wrong = error
    if taken:
        told.append(Stepped(taken, loss))
    if wrong is not None:
        told.append(wrong)
    since, last = recorder.left(run)
    return _Passed(told, recorder.elapsed, run.checkpoint(place.task.about), run.done, since, last)


def _later(message: Message, seconds: float) -> Message:
    """The same, with a record's time from the beginning of the whole run."""
    if not isinstance(message, Written) or "seconds" not in message.record:
        return message
    return Written({**message.record, "seconds": round(seconds + message.record["seconds"], 4)})


class _Told:
    """A sink that keeps records as messages."""

    def __init__(self, told: list[Message]) -> None:
        self._told = told

    def begin(self, about: dict[str, Any], done: Sequence[int] | None) -> float:
        """Times count from here."""
        return 0.0

    def write(self, record: dict[str, Any]) -> None:
        """Keep it."""
        self._told.append(Written(record))

    def close(self) -> None:
        """There is nothing to close."""
