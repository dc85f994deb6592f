"""Several recipes and model files on one list: equal split, several seeds, and what each row costs and reaches."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.comparison.contenders import Contender, contenders_of, data_of
from wavemore.comparison.folder import Folder, Place, run_key
from wavemore.comparison.results import Comparison, FinishedRun, Result
from wavemore.errors import (
    CheckpointError,
    CorpusError,
    FileError,
    MissingExtraError,
    UsageError,
    WavemoreError,
    is_out_of_memory,
)
from wavemore.fitting import fit_model
from wavemore.judging.evaluate import evaluate, parts_of
from wavemore.lists.corpus import Corpus, read_corpus, split
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile
from wavemore.models.origin import Lists
from wavemore.provenance import measured
from wavemore.settings.config import DataConfig, Recipe, TrainConfig

if TYPE_CHECKING:
    from wavemore.train import Monitor

__all__ = ["compare"]

_PARTS = ("validation", "validation unseen", "test", "test unseen")


def compare(
    strings: str | Path | Iterable[str] | Corpus,
    rows: Iterable[str | Contender],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    settings: Mapping[str, Any] | None = None,
    keep: str | Path | None = None,
    test: bool = False,
    progress: bool = False,
    remark: Callable[[str], None] = lambda _: None,
    command: str = "",
) -> Comparison:
    """Fit every recipe with every seed on one split of one list, and evaluate all models on its held-out parts.

    rows        recipes' names, TOML files and model files, each with a name of its own where written NAME=ROW
    settings    changes to every recipe, such as `{"data.split": "lecture"}`
    keep        a folder for finished models and their figures; what is there already is not fitted again, and a stopped
                run goes on
    test        whether the test part is looked at
    progress    a bar for each run and a line for each evaluation on standard error
    remark      is told what was done, a sentence at a time

    The first seed has its turn with every row, then the next one, so that a machine that slows down slows all rows.
    A row that fails does not stop the others: its result says why. Raises `UsageError` for rows, seeds or settings that
    make no sense, and what reading and splitting the list raises, before anything is fitted; `FileError` where the
    folder cannot be read or written; `KeyboardInterrupt` on Ctrl-C.
    """
    contenders = contenders_of(rows, settings)
    data = data_of(contenders)
    _check_seeds(seeds)
    for one in contenders:
        if one.recipe is not None and one.differs_by_seed:
            _make_ready(one.recipe)
    corpus = strings if isinstance(strings, Corpus) else read_corpus(strings, max_length=data.max_length)
    split(corpus, data)  # refuses a list that is too short
    folder = None if keep is None else Folder(keep)
    contenders = [one.fitting(corpus.strings) for one in contenders]
    turns = _Turns(corpus, data, folder, ("validation", "test") if test else ("validation",), progress, command)
    results = turns.take(contenders, seeds, remark)
    found = {part: None for result in results for run in result.runs for part in run.losses}
    parts = sorted(found, key=_PARTS.index) or ["validation"]
    how = f"{data.split} (seed {data.seed})" if data.split == "random" else data.split
    return Comparison(
        corpus.name, len(corpus.strings), corpus.fingerprint, how, tuple(seeds), parts, results, command=command
    )


def _make_ready(recipe: Recipe) -> None:
    """Import what fitting needs, so that no run's seconds have that in them; a row for which something is missing says
    so in its turn."""
    from wavemore.train.forms import made_ready

    with suppress(MissingExtraError):
        made_ready(recipe)


def _check_seeds(seeds: Sequence[int]) -> None:
    if not isinstance(seeds, Sequence) or isinstance(seeds, str):
        raise UsageError(f"seeds is {seeds!r}; it must be a list of whole numbers, such as [0, 1, 2]")
    if not seeds:
        raise UsageError("there are no seeds; name one at least")
    for i, seed in enumerate(seeds):
        TrainConfig(seed=seed)  # raises for what is none
        if seed in seeds[:i]:
            raise UsageError(f"the seed {seed} is named twice; name it once")


@dataclass(frozen=True)
class _Turns:
    """Runs one after another, and what all of them share."""

    corpus: Corpus
    data: DataConfig
    folder: Folder | None
    parts: Sequence[str]
    """The parts to look at, and with each its unseen strings."""
    progress: bool
    command: str

    def take(
        self, contenders: Sequence[Contender], seeds: Sequence[int], remark: Callable[[str], None]
    ) -> list[Result]:
        """Every contender with every seed that matters to it. Raises `FileError` where nothing more can be kept."""
        runs: dict[str, list[FinishedRun]] = {one.name: [] for one in contenders}
        problems: dict[str, list[str]] = {one.name: [] for one in contenders}
        turns = [(one, seed) for seed in seeds for one in contenders if seed == seeds[0] or one.differs_by_seed]
        for number, (one, seed) in enumerate(turns, start=1):
            which = f"seed {seed}" if one.differs_by_seed else ""
            title = f"{', '.join(filter(None, (one.name, which)))} ({number} of {len(turns)})"
            try:
                run, how = self._run(one, seed, title)
            except FileError:  # the folder's
                raise
            except (WavemoreError, MemoryError, RuntimeError) as error:
                if not isinstance(error, WavemoreError) and not is_out_of_memory(error):
                    raise
                reason = str(error) if isinstance(error, WavemoreError) else "there is not enough memory for this"
                problems[one.name].append(f"{which}: {reason}" if which and len(seeds) > 1 else reason)
                remark(f"{title} failed: {reason}")
                continue
            runs[one.name].append(run)
            remark(f"{title}: {how}validation {run.losses['validation']['nats_per_character']:.4f}")
        return [Result(one.name, one.source, runs[one.name], problems[one.name]) for one in contenders]

    def _run(self, one: Contender, seed: int, title: str) -> tuple[FinishedRun, str]:
        """The run of a contender with a seed, and where it is from, to stand before its loss. Raises a
        `WavemoreError`."""
        if one.file is not None:
            parameters, losses = one.file.parameter_count, self._losses(one.file, title)
            return FinishedRun(_seed_of(one.file), parameters, None, losses), ""
        if one.recipe is None:
            raise WavemoreError(one.problem)
        recipe = replace(one.recipe, train=replace(one.recipe.train, seed=seed))
        place = None
        if self.folder is not None:
            place = Place(self.folder.path, one.name, seed, run_key(recipe, one.teacher, self.corpus.fingerprint))
            found = self._kept(self.folder, place.key, title)
            if found is not None:
                return found, f"taken from {self.folder.path}, "
        file, seconds = self._fit(recipe, title, place)
        run = FinishedRun(seed, file.parameter_count, seconds, self._losses(file, title), measured())
        if self.folder is not None and place is not None:
            file.save(place.model)
            self.folder.keep(place.key, run, {"model": place.model.name, **self._about(one, file)})
            place.clear()
        return run, f"{seconds:.1f} s, "

    def _kept(self, folder: Folder, key: str, title: str) -> FinishedRun | None:
        """The finished run of this key, evaluated on the parts that it was not yet."""
        run = folder.find(key)
        if run is None:
            return None
        if any(part not in run.losses for part in self.parts):
            try:
                file = folder.model(key)
            except WavemoreError:  # lost or spoiled: made again
                return None
            run = replace(run, losses={**run.losses, **self._losses(file, title)})
            folder.keep(key, run, {})
        shown = {part: loss for part, loss in run.losses.items() if part.removesuffix(" unseen") in self.parts}
        return replace(run, losses=shown)

    def _about(self, one: Contender, file: ModelFile) -> dict[str, Any]:
        """What a kept record says besides the run itself."""
        return {
            "row": one.name,
            "source": one.source,
            "recipe": file.recipe.to_dict(),
            "list": {name: file.provenance["data"][name] for name in ("name", "strings", "sha256")},
            "step": file.provenance["step"],
            "train_nats_per_character": file.provenance["losses"]["train"],
            "command": self.command,
        }

    def _fit(self, recipe: Recipe, title: str, place: Place | None) -> tuple[ModelFile, float]:
        """A model, and the seconds that fitting it took. At a place in the folder a stopped run goes on."""
        if place is not None and place.checkpoint.exists():
            try:
                return self._fit_from(recipe, title, place, resume=True)
            except CheckpointError:  # spoiled
                place.clear()
        return self._fit_from(recipe, title, place, resume=False)

    def _fit_from(self, recipe: Recipe, title: str, place: Place | None, *, resume: bool) -> tuple[ModelFile, float]:
        """From the start, or from the place's checkpoint; the seconds include those of the stopped run."""
        from wavemore.progress import TrainingProgress

        before = place.seconds if place is not None and resume else 0.0
        start = time.perf_counter()

        def passed() -> float:
            seconds = before + time.perf_counter() - start
            if place is not None:
                place.seconds = seconds
            return seconds

        with TrainingProgress(quiet=not self.progress) as bar:
            try:
                file, _ = fit_model(
                    Lists(self.corpus),
                    recipe,
                    monitor=_Watch(bar, title, passed),
                    checkpoint=None if place is None else place.checkpoint,
                    resume=resume,
                    command=self.command,
                )
            finally:
                seconds = passed()
                if place is not None and not place.checkpoint.exists():
                    place.clear()
        return file, seconds

    def _losses(self, file: ModelFile, title: str) -> dict[str, dict[str, Any]]:
        """What `Evaluation.to_dict` says of each part to look at. Raises `CorpusError` where the split is not ours."""
        from wavemore.progress import counted

        theirs = parts_of(file, self.corpus)
        if "validation" not in theirs:
            raise CorpusError(
                f"the model was not trained on a split of {self.corpus.name} as it stands here, so nobody knows which "
                "of its strings it has seen"
            )
        data = file.recipe.data
        if (data.split, data.seed) != (self.data.split, self.data.seed):
            raise CorpusError(
                f"the model was trained on another split ({data.split}, seed {data.seed}), so it has seen strings "
                "that are held out here"
            )
        distribution = distribution_of(file)
        losses: dict[str, dict[str, Any]] = {}
        for part in self.parts:
            for name in (part, f"{part} unseen"):
                strings = theirs.get(name)
                if strings is None:
                    continue
                if part in losses and len(strings) == len(theirs[part]):  # the very same strings
                    losses[name] = losses[part]
                    continue
                watched = counted(strings, len(strings), f"{title}, evaluating {name}", quiet=not self.progress)
                losses[name] = evaluate(distribution, watched).to_dict()
        return losses


class _Watch:
    """A monitor that names the run, and at every evaluation has the seconds written down that have passed."""

    def __init__(self, monitor: "Monitor", title: str, passed: Callable[[], object]) -> None:
        self.step, self.end = monitor.step, monitor.end
        self._monitor, self._title, self._passed = monitor, title, passed

    def begin(self, steps: int, what: str) -> None:
        self._monitor.begin(steps, f"{self._title}, {what}" if what else self._title)

    def evaluated(self, record: dict[str, Any]) -> None:
        self._monitor.evaluated(record)
        self._passed()


def _seed_of(file: ModelFile) -> int | None:
    seed = file.provenance.get("seed")
    return seed if isinstance(seed, int) else None
