"""Members of an ensemble that learn at the same time: processes, since two threads of NumPy do not use two cores. Each
of hundreds of short operations a step waits for the interpreter.

A worker is a plain child process, started anew and not forked, in a session of its own, so that Ctrl-C reaches the
parent alone. It gets what is to be learned once, then the numbers of members; it sends back pickled messages:

    Stepped      some steps are done            Evaluated    an evaluation, and now and then the run's checkpoint
    Written      a record for the sinks         Ended        the run is done or stopped, with its checkpoint
    an exception that ended it

Pickle goes through the pipes between parent and child only, and each trusts the other. A worker ends when its pipe
does.
"""

import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, NamedTuple

import numpy as np

from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.runs.checkpoint import Checkpoint
from wavemore.settings.config import Recipe
from wavemore.train.forms import runs_of
from wavemore.train.record import Recorder
from wavemore.train.run import Run

__all__ = ["Ended", "Evaluated", "Stepped", "Task", "Worker", "Written", "pays"]

_BETWEEN_STEPS = 0.05  # seconds between messages of steps
_BETWEEN_STATES = 2.0  # seconds between checkpoints that are sent
_ENDING = 5.0  # seconds that a worker has to end when its pipe has
_STARTING = 0.5  # seconds that it takes to start a worker and hand it its task, on a busy machine twice that
_BEGIN = """import json, os, sys
answers = os.dup(1)
os.dup2(2, 1)  # what anything else prints, imports among it, goes to standard error
sys.path[:] = json.loads(sys.argv[1])
from wavemore.train.workers import serve
serve(answers)"""
_LEAST_STEP, _SPEED = 1e-3, 1e10  # seconds for each level of a step at least; multiplications a second: both roughly


@dataclass(frozen=True)
class Task:
    """What all members learn from."""

    recipe: Recipe
    vocabulary: Vocabulary
    training: Sequence[str]
    validation: Sequence[str]
    expected: np.ndarray | None
    """What a teacher expects; see `Taught`."""
    about: dict[str, Any]
    saved: bool
    """Whether checkpoints are wanted on the way."""


class Stepped(NamedTuple):
    """Steps that are done since the last message."""

    steps: int
    loss: float
    """That of the last one's batch."""


class Evaluated(NamedTuple):
    """An evaluation's record of the history."""

    record: dict[str, Any]
    state: Checkpoint | None


class Written(NamedTuple):
    """A record for the sinks."""

    record: dict[str, Any]


class Ended(NamedTuple):
    """A run that is done, or was stopped."""

    state: Checkpoint


Message = Stepped | Evaluated | Written | Ended | Exception


def pays(recipe: Recipe, runs: Sequence[Run]) -> bool:
    """Whether the members take so long that to start workers is worth its time."""
    config, batch = recipe.wavenet, min(recipe.train.batch, len(runs[0].training))
    products = sum(np.prod(shape) for name, shape in config.weight_shapes(1) if name.endswith("linear.weight"))
    windows = 8 * batch  # at least, in all but odd lists
    step = _LEAST_STEP * len(config.levels) + windows * float(products) / len(runs) / _SPEED
    return step * sum(run.steps - run.progress.step for run in runs) > 4 * _STARTING


class Worker:
    """A child process, from its parent's side."""

    def __init__(self, task: Task, recorder: Recorder) -> None:
        """Start it and hand it the task; records are for this recorder, if it writes any. Raises `OSError` where it
        cannot be started."""
        if not sys.executable or getattr(sys, "frozen", False):
            raise OSError("there is no Python to start, but the program that this one is part of")
        places = json.dumps([str(place) or str(Path.cwd()) for place in sys.path])
        # OpenBLAS would start a thread for each core, which has nothing to do here.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BEGIN, places],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        try:
            self._tell((task, time.time() - recorder.elapsed if recorder.writes else None))
        except BaseException:
            self.close()
            raise

    def messages(self, member: int, state: Checkpoint) -> Iterator[Message]:
        """What comes of the member of this number that goes on from this state; the last one ends it. Raises
        `TrainingError` where the process ended."""
        self._tell((member, state))
        while True:
            try:
                message: Message = pickle.load(self._out)
            except Exception as error:  # whatever half a message may bring
                raise self._ended() from error
            yield message
            if isinstance(message, Ended | Exception):
                return

    def stop(self) -> None:
        """Have it stop after the step it is in."""
        self._tell("stop")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        for pipe in (self._in, self._out):
            with suppress(OSError):  # what it was not told any more
                pipe.close()
        self._process.wait()

    def _tell(self, what: Any) -> None:
        try:
            pickle.dump(what, self._in, pickle.HIGHEST_PROTOCOL)
            self._in.flush()
        except OSError as error:
            raise self._ended() from error

    def _ended(self) -> TrainingError:
        try:
            code = self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:  # it says what nobody understands
            self._process.kill()
            code = self._process.wait()
        how = f"signal {-code}, perhaps for want of memory" if code < 0 else f"exit code {code}"
        return TrainingError(
            f"a process that trained members of the ensemble ended with {how}; set "
            "train.threads = 1 to train them one after the other in this process"
        )


def serve(descriptor: int) -> None:
    """A worker's whole life; what it answers is written to this file descriptor."""
    answers = os.fdopen(descriptor, "wb")
    task, began = _said()
    members: SimpleQueue[tuple[int, Checkpoint]] = SimpleQueue()
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(members, stopped), daemon=True).start()
    child = _Child(task, began, answers, stopped)
    try:
        with runs_of(task.recipe, task.vocabulary, task.training, task.validation, task.expected) as runs:
            recorder = Recorder([] if began is None else [child])
            recorder.begin(runs, resumed=False)
            while True:
                child.train(runs, recorder, *members.get())
    except BrokenPipeError:  # the parent is gone
        os._exit(1)
    except Exception as error:  # before there was a member to train
        child.tell(error)
        os._exit(1)


def _listen(members: "SimpleQueue[tuple[int, Checkpoint]]", stopped: threading.Event) -> None:
    """Take what the parent says, until it has gone."""
    try:
        while True:
            said = _said()
            if said == "stop":
                stopped.set()
            else:
                members.put(said)
    finally:
        os._exit(1)  # nobody would tell it to end


def _said() -> Any:
    """What the parent says next. Ends the process where it has gone, perhaps in the middle of a word."""
    try:
        return pickle.load(sys.stdin.buffer)
    except (EOFError, OSError, pickle.UnpicklingError):
        os._exit(1)


class _Child:
    """Trains members, and tells the parent. A `Sink` for the recorder."""

    def __init__(self, task: Task, began: float | None, answers: IO[bytes], stopped: threading.Event) -> None:
        """`began` is `time.time` when the run began, less the seconds that it had taken before."""
        self._task, self._began, self._answers, self._stopped = task, began or 0.0, answers, stopped
        self._steps = 0  # that the parent was not told of
        self._told = self._sent = time.monotonic()

    def train(self, runs: Sequence[Run], recorder: Recorder, member: int, state: Checkpoint) -> None:
        """Train one, as far as it goes."""
        run, self._steps = runs[member], 0
        try:
            run.restore(state)
            steps = run.train(recorder)
            while not self._stopped.is_set() and (taken := next(steps, None)):
                self._stepped(*taken, run)
            if not run.done:
                recorder.note(run, last=True)
            self.tell(Ended(run.checkpoint(self._task.about)))
        except BrokenPipeError:
            raise
        except Exception as error:
            if isinstance(error, TrainingError):
                recorder.note(run, last=True)  # what led there
            self.tell(error)

    def _stepped(self, loss: float, evaluation: dict[str, Any] | None, run: Run) -> None:
        now = time.monotonic()
        self._steps += 1
        if evaluation is not None or now - self._told > _BETWEEN_STEPS or run.done:
            self.tell(Stepped(self._steps, loss))
            self._steps, self._told = 0, now
        if evaluation is not None:
            due = self._task.saved and now - self._sent > _BETWEEN_STATES
            self.tell(Evaluated(evaluation, run.checkpoint(self._task.about) if due else None))
            self._sent = now if due else self._sent

    def tell(self, message: Message) -> None:
        """Send the parent a message."""
        try:
            sent = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
            if isinstance(message, Exception):
                pickle.loads(sent)
        except Exception:  # an error that cannot be pickled, or not taken out again
            sent = pickle.dumps(RuntimeError(repr(message)), pickle.HIGHEST_PROTOCOL)
        self._answers.write(sent)
        self._answers.flush()

    def begin(self, about: Mapping[str, Any], done: Sequence[int] | None) -> float:
        """The parent's sinks have begun."""
        return time.time() - self._began

    def write(self, record: dict[str, Any]) -> None:
        """Hand it to the parent's sinks."""
        self.tell(Written(record))

    def close(self) -> None:
        """The parent closes its sinks."""
