"""Training from its beginning to its end: the networks of an ensemble side by side, their checkpoints, Ctrl-C, and the
weights that are kept. `Run.train` takes the steps."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.predictor import Distribution
from wavemore.runs.checkpoint import Checkpoint, joined, parted
from wavemore.settings.config import Recipe
from wavemore.tasks.task import Engine, LostError
from wavemore.threads import cores, interrupt_sets
from wavemore.train.as_tasks import Left, check_tasks, messages
from wavemore.train.batches import SharedBatches
from wavemore.train.forms import Together, runs_of
from wavemore.train.record import Recorder
from wavemore.train.run import Run
from wavemore.train.workers import Ended, Evaluated, Message, Stepped, Task, Worker, Written, pays

__all__ = ["Monitor", "Trained", "train"]

_SECONDS_BETWEEN_SAVES = 5.0  # of an ensemble, whose checkpoint is large


class Monitor(Protocol):
    """Who watches a run. The loop calls `step` after every step, so it must be cheap."""

    def begin(self, steps: int, what: str) -> None:
        """A run has this many steps in all, those of every member; `what` names it where there are several runs."""
        ...

    def step(self, step: int, loss: float) -> None:
        """`step` steps are done; `loss` is the last batch's, in nats per character."""
        ...

    def evaluated(self, record: dict[str, Any]) -> None:
        """The validation part was evaluated: one record of the history."""
        ...

    def end(self) -> None:
        """All steps are done. What follows, such as the losses of both parts, may take a while."""
        ...


@dataclass
class Trained:
    """What a run ends with."""

    weights: dict[str, np.ndarray]
    step: int
    """The step that the weights are from."""
    train_loss: float | None
    """None, as the next, where an n-gram model is to be mixed in: both lists are then read with it, once."""
    validation_loss: float | None
    history: list[dict[str, Any]]


def train(
    recipe: Recipe,
    vocabulary: Vocabulary,
    training: Sequence[str],
    validation: Sequence[str],
    *,
    about: dict[str, Any],
    monitor: Monitor,
    recorder: Recorder | None = None,
    resume: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] | None = None,
    teacher: Distribution | None = None,
    what: str = "",
    together: Together | None = None,
    engine: Engine | None = None,
) -> Trained:
    """Train a new model on the strings of `training`, or go on with a stopped run.

    `about` says what the run is, for its checkpoints; `resume` is a checkpoint to go on from, whose `about` must agree;
    `save` gets a checkpoint after each evaluation (of an ensemble every few seconds), and when Ctrl-C stops the run
    after the step it is in. A `teacher`'s predictions are learned in place of the characters that follow. `what` names
    the run for the monitor. A `recorder` writes down what happens, and changes nothing. `together` are processes that
    train the network with this one, and the workers of an `engine` train each network in its place.

    The members of an ensemble are trained side by side, on an engine (`as_tasks.py`) or in processes where that pays
    (`workers.py`), with the same result on any number of them.

    Raises `TrainingError` when the loss is no longer finite, `CheckpointError` when `resume` belongs to another run,
    `ConfigError` for a recipe that an engine's workers do not train; and once `save` has its checkpoint, `LostError`
    where these workers are lost, and `KeyboardInterrupt` after Ctrl-C.
    """
    if engine is not None:
        check_tasks(recipe)
    recorder = recorder or Recorder()
    made = runs_of if together is None else together.runs_of
    with made(recipe, vocabulary, training, validation, teacher) as runs:
        if resume is not None:
            for run, state in zip(runs, parted(resume, len(runs), about), strict=True):
                run.restore(state)
            about = resume.about
        job = _Job(runs, about, monitor, recorder, save, bool if together is None else together.any)
        first = runs[0].training
        expected = first.teacher.expected if isinstance(first, SharedBatches) and first.teacher else None
        task = Task(recipe, vocabulary, training, validation, expected, about, save is not None)
        _take_steps(job, _way(job, task, engine), what, resumed=resume is not None)
        monitor.end()
        return _finished(runs, mixed=recipe.model.ngram > 0)


def _way(job: "_Job", task: Task, engine: Engine | None) -> Callable[[], None]:
    """How all steps are taken that are left: on the engine, or here, in processes of their own where that pays."""
    if engine is not None:
        return partial(job.work_as_tasks, engine, task)
    recipe, runs = task.recipe, job.runs
    threads = min(len(runs), recipe.train.threads or cores())
    apart = threads > 1 and isinstance(runs[0].training, SharedBatches) and recipe.train.device == "cpu"
    return partial(job.work, threads, task if apart and pays(recipe, runs) else None)


def _take_steps(job: "_Job", work: Callable[[], None], what: str, *, resumed: bool) -> None:
    """All that are left. Raises as `train` does."""
    try:
        job.recorder.begin(job.runs, resumed=resumed)
        job.monitor.begin(sum(run.steps for run in job.runs), what)
        with interrupt_sets(job.stopped):
            work()
    except LostError:
        job.save_now()
        raise
    finally:
        job.recorder.close()
    if not all(run.done for run in job.runs):
        job.save_now()
        raise KeyboardInterrupt


class _Job:
    """The runs of an ensemble's members, or a single one, and what they share: monitor, recorder and checkpoint."""

    def __init__(
        self,
        runs: list[Run],
        about: dict[str, Any],
        monitor: Monitor,
        recorder: Recorder,
        save: Callable[[Checkpoint], None] | None,
        stops: Callable[[bool], bool],
    ) -> None:
        """`stops` says whether to stop, when it is told whether this process is asked to."""
        self.runs, self.about, self.monitor, self.recorder, self.save = runs, about, monitor, recorder, save
        self._stops = stops
        self.stopped = threading.Event()
        self._lock = threading.Lock()  # for all below, and the monitor
        self._steps = sum(run.progress.step for run in runs)
        self._states = [run.checkpoint(about) for run in runs]
        self._saved = 0.0

    def work(self, threads: int, task: Task | None) -> None:
        """Train until every run is done or the job is stopped, as many runs side by side as there are threads, each in
        a process of its own where there is a task for them."""
        if len(self.runs) == 1:
            self._train(0)
            return
        members = iter(range(len(self.runs)))  # from which each thread takes the next one
        workers: list[Worker] = []
        with ThreadPoolExecutor(threads) as pool:
            serving = [pool.submit(self._serve, members, workers, task) for _ in range(threads)]
            try:
                for thread in serving:
                    thread.result()
            finally:
                self.stopped.set()
                for worker in workers:
                    worker.close()

    def work_as_tasks(self, engine: Engine, task: Task) -> None:
        """The same, each run's next steps as a task of an engine."""
        states = {run.member: self._states[run.member] for run in self.runs if not run.done}
        with closing(messages(engine, task, states, self.recorder, self.stopped)) as found:
            for member, message in found:
                self._take(member, message)

    def _serve(self, members: Iterator[int], workers: list[Worker], task: Task | None) -> None:
        """Train one member after the other, until there is none left."""
        worker = None
        try:
            if task is not None:
                with suppress(OSError):  # no process can be started: so here
                    worker = Worker(task, self.recorder)
                    workers.append(worker)
            for member in members:
                if self.stopped.is_set():
                    return
                if worker is None:
                    self._train(member)
                else:
                    self._follow(worker, member)
        except BaseException:
            self.stopped.set()  # the other members too
            raise
        finally:
            if worker is not None:
                worker.close()

    def save_now(self) -> None:
        """Hand over where all runs stood at their last evaluation, or when they were stopped."""
        if self.save is not None:
            self.save(joined(self._states, self.about))

    def _train(self, member: int) -> None:
        run = self.runs[member]
        steps = run.train(self.recorder)
        try:
            while not self._stops(self.stopped.is_set()) and (taken := next(steps, None)):
                loss, evaluation = taken
                with self._lock:
                    self._steps += 1
                    self.monitor.step(self._steps, loss)
                    if evaluation is not None:
                        state = run.checkpoint(self.about) if self.save is not None else None
                        self._evaluated(member, evaluation, state)
            if not run.done:
                self.recorder.note(run, last=True)
                self._states[member] = run.checkpoint(self.about)
        except BaseException as error:
            self.stopped.set()  # the other members too
            if isinstance(error, TrainingError):
                self.recorder.note(run, last=True)  # what led there
            raise

    def _follow(self, worker: Worker, member: int) -> None:
        """Train a member in a worker."""
        stopping = False
        for message in worker.messages(member, self._states[member]):
            if self.stopped.is_set() and not stopping:
                worker.stop()
                stopping = True
            self._take(member, message)

    def _take(self, member: int, message: Message | Left) -> None:
        """What a worker says of a member. Raises the error that ended it."""
        match message:
            case Written(record):
                self.recorder.write(record)
            case Stepped(steps, loss):
                with self._lock:
                    self._steps += steps
                    self.monitor.step(self._steps, loss)
            case Evaluated(record, state):
                with self._lock:
                    self._evaluated(member, record, state)
            case Left(state):
                self._keep(member, state)
            case Ended(state):
                with self._lock:
                    self._states[member] = state
                self.runs[member].restore(state)
            case Exception():
                raise message

    def _evaluated(self, member: int, record: dict[str, Any], state: Checkpoint | None) -> None:
        self.monitor.evaluated(record if len(self.runs) == 1 else {"member": member, **record})
        if self.save is not None and state is not None:
            self._keep(member, state)

    def _keep(self, member: int, state: Checkpoint) -> None:
        """Take down where a run stands, and save all now and then."""
        self._states[member] = state
        if len(self.runs) == 1 or time.monotonic() - self._saved > _SECONDS_BETWEEN_SAVES:
            self.save_now()
            self._saved = time.monotonic()


def _finished(runs: list[Run], *, mixed: bool) -> Trained:
    """Settle on the weights to keep and evaluate them."""
    steps = [run.settle() for run in runs]
    learners = [run.learner for run in runs]
    weights, history = learners[0].arrays(), runs[0].progress.history
    if len(runs) > 1:
        named = (
            (f"members.{i}.{name}", array)
            for i, learner in enumerate(learners)
            for name, array in learner.arrays().items()
        )
        weights = dict(named)
        history = [{"member": i, **record} for i, run in enumerate(runs) for record in run.progress.history]
    return Trained(
        weights=weights,
        step=max(steps),
        train_loss=None if mixed else runs[0].training.loss(learners),
        validation_loss=None if mixed else runs[0].validation.loss(learners),
        history=history,
    )
