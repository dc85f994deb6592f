"""Every run that the claims want: each made once, on all cores, kept when it is finished, and judged at the end."""

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from wavemore.errors import FileError, UsageError
from wavemore.files import write_whole
from wavemore.lists.corpus import Corpus, read_corpus, split
from wavemore.lists.vocabulary import Vocabulary
from wavemore.provenance import place_of
from wavemore.settings.config import Recipe, load_recipe
from wavemore.settings.strict import suggestion
from wavemore.study import flexibility, flow, hierarchy, information, processing
from wavemore.study.claims import Experiment
from wavemore.study.pool import measured_trials, trials_on
from wavemore.study.report import Study, write_report
from wavemore.study.statistics import FEWEST
from wavemore.study.trials import Data, Results, Trial, plan_for
from wavemore.tasks.task import Engine

__all__ = ["CLAIMS", "RUNS", "study"]

_EXPERIMENTS: Mapping[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT for module in (hierarchy, processing, flexibility, information, flow)
}
CLAIMS = tuple(_EXPERIMENTS)
"""The names of the claims, in the notes' order."""

RUNS = "runs"
"""The folder of finished runs, one JSON file each, in the study's."""

_BETWEEN_REMARKS = 15.0  # seconds
_VARIED = ("train.seed", "train.form", "train.keep", "train.epochs", "train.evaluate_every", "train.teacher")


def study(
    strings: str | Path | Iterable[str] | Corpus,
    folder: str | Path,
    *,
    claims: Sequence[str] = CLAIMS,
    seeds: int = FEWEST,
    quick: bool = False,
    settings: Mapping[str, Any] | None = None,
    processes: int = 0,
    on: str = "here",
    remark: Callable[[str], None] = lambda _: None,
    command: str = "",
) -> Study:
    """Measure the claims on a list, and write the report into the folder: study.html, study.md and study.json.

    claims      some of `CLAIMS`
    seeds       how many, 5 or more
    quick       small models and short runs, to see how it goes
    settings    changes of the recipe that all runs start from, such as `{"data.split": "lecture"}`
    processes   how many runs at a time on this machine; 0 is one a core, and 8 at most
    on          "here", "ray" for a cluster of Ray on this machine or the one that `RAY_ADDRESS` names, "ray=ADDRESS";
                the figures are the same
    remark      is told how far it is, a sentence at a time

    Finished runs stay in the folder, and the same call does only what is missing. Raises `UsageError`, what reading and
    splitting the list raises, `FileError`, and `MissingExtraError` without Ray; and `KeyboardInterrupt` on Ctrl-C, when
    the runs under way are done and kept, which takes seconds.
    """
    experiments = _chosen(claims)
    if seeds < FEWEST:
        raise UsageError(f"the number of seeds is {seeds}; it must be {FEWEST} or more")
    engine = trials_on(on, processes)
    base = _base(settings or {})
    corpus = strings if isinstance(strings, Corpus) else read_corpus(strings, max_length=base.data.max_length)
    parts = split(corpus, base.data)
    vocabulary = Vocabulary.of(string for part in parts for string in part)
    data = Data(corpus.name, corpus.fingerprint, list(parts.train), list(parts.validation), vocabulary.characters)
    plan = plan_for(base, len(vocabulary), seeds, quick=quick)
    wanted = _in_turns({trial for experiment in experiments for trial in experiment.trials(plan)}, plan.seeds)
    folder = Path(folder)
    start = time.perf_counter()
    records = _Store(folder / RUNS, base, corpus.fingerprint).all(wanted, data, engine, remark)
    results = Results(plan, records)
    finished = Study(
        list_name=corpus.name,
        strings=len(corpus.strings),
        fingerprint=corpus.fingerprint,
        split=base.data.split,
        plan=plan,
        claims=[experiment.judged(results) for experiment in experiments],
        runs=len(wanted),
        diverged=sum("problem" in record for record in records.values()),
        training_seconds=sum(record.get("seconds", 0.0) for record in records.values()),
        seconds=time.perf_counter() - start,
        places=sorted({place_of(record["measured"]) for record in records.values()}),
        quick=quick,
        command=command,
    )
    write_report(finished, folder)
    return finished


def _chosen(claims: Sequence[str]) -> list[Experiment]:
    if not claims:
        raise UsageError(f"no claim is named; the claims are {', '.join(CLAIMS)}")
    for claim in claims:
        if claim not in _EXPERIMENTS:
            raise UsageError(f'there is no claim "{claim}"{suggestion(claim, CLAIMS)}; they are {", ".join(CLAIMS)}')
    return [experiment for name, experiment in _EXPERIMENTS.items() if name in claims]


def _base(settings: Mapping[str, Any]) -> Recipe:
    """The recipe that every trial starts from: the optimiser and schedule of `fast`."""
    for key in settings:
        if key.startswith("model.") or key in _VARIED:
            raise UsageError(f"{key} is what the study itself sets; leave it out of the settings")
    return load_recipe("fast").with_settings(settings)


def _in_turns(trials: Iterable[Trial], seeds: Sequence[int]) -> list[Trial]:
    """All trials with the first seed, then with the next: what slows the machine down slows them all. Within a seed
    their order is shuffled, so that the time left can be told from what is done."""
    ordered = sorted(trials, key=repr)
    random.Random(0).shuffle(ordered)
    return [replace(trial, seed=seed) for seed in seeds for trial in ordered]


class _Clock:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._start = self._said = time.monotonic()

    def tell(self, done: int, total: int, remark: Callable[[str], None]) -> None:
        """`done` of `total` runs are."""
        now = time.monotonic()
        if done == total or now - self._said >= _BETWEEN_REMARKS:
            left = (now - self._start) / done * (total - done)
            remark(f"{done:,} of {total:,} runs" + (f", about {_duration(left)} left" if done < total else ""))
            self._said = now


class _Store:
    """The folder of finished runs. Raises `FileError` where it cannot be had."""

    def __init__(self, folder: Path, base: Recipe, fingerprint: str) -> None:
        self._folder, self._base, self._fingerprint = folder, base, fingerprint
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError.of("make the folder", folder, error) from error

    def all(
        self, trials: Sequence[Trial], data: Data, engine: Engine, remark: Callable[[str], None]
    ) -> dict[Trial, dict[str, Any]]:
        """The records of the trials; those that are missing are made."""
        records = self._found(trials)
        missing = [trial for trial in trials if trial not in records]
        if records:
            remark(f"{len(records):,} of {len(trials):,} runs are taken from {self._folder.parent}")
        clock = _Clock()
        for done, (trial, record) in enumerate(measured_trials(missing, data, self._base, engine), start=1):
            records[trial] = self._keep(trial, record)
            clock.tell(done, len(missing), remark)
        return records

    def _found(self, trials: Iterable[Trial]) -> dict[Trial, dict[str, Any]]:
        """The records of those trials that are finished; a spoiled one counts as missing."""
        records = {}
        for trial in trials:
            try:
                record = json.loads(self._path(trial).read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise FileError.of("read", self._path(trial), error) from error
            except ValueError:
                continue
            if isinstance(record, dict) and "measured" in record and ("problem" in record or "validation" in record):
                records[trial] = record
        return records

    def _keep(self, trial: Trial, record: dict[str, Any]) -> dict[str, Any]:
        """Write a finished run's record."""
        about = {"trial": asdict(trial), "list": self._fingerprint}
        record = {**about, **record}
        write_whole(self._path(trial), json.dumps(record).encode())
        return record

    def _path(self, trial: Trial) -> Path:
        return self._folder / f"{trial.key(self._base, self._fingerprint)}.json"


def _duration(seconds: float) -> str:
    """'40 s', '12 min'."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
