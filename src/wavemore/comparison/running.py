"""Several recipes and model files on one list: equal split, several seeds, and what each row costs and reaches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from wavemore.comparison.contenders import Contender, contenders_of, data_of
from wavemore.comparison.folder import Folder, Place, run_key
from wavemore.comparison.making import Made, Making, Order, made
from wavemore.comparison.results import Comparison, FinishedRun, Result
from wavemore.errors import FileError, UsageError, WavemoreError, is_out_of_memory
from wavemore.lists.corpus import Corpus, read_corpus, split
from wavemore.models.modelfile import ModelFile
from wavemore.progress import Watch, watching
from wavemore.settings.config import TrainConfig
from wavemore.tasks.engines import engine_of
from wavemore.tasks.task import Engine, Finished, here

__all__ = ["compare"]

_PARTS = ("validation", "validation unseen", "test", "test unseen")


def compare(
    strings: str | Path | Iterable[str] | Corpus,
    rows: Iterable[str | Contender],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    settings: Mapping[str, Any] | None = None,
    keep: str | Path | None = None,
    on: str = "here",
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
    on          "here", one run after the other; or a CPU for each run of a cluster of Ray: "ray" for one on this
                machine or the one that `RAY_ADDRESS` names, or "ray=ADDRESS". Figures are the same, but for seconds
    test        whether the test part is looked at
    progress    on standard error: of runs here a bar for each and a line for each evaluation, else how many are over
    remark      is told what was done, a sentence at a time

    The first seed has its turn with every row, then the next one, so that a machine that slows down slows all rows. On
    Ray a run that was stopped is begun anew, since only the folder's own machine writes there.
    A row that fails does not stop the others: its result says why. Raises `UsageError` for rows, seeds or settings that
    make no sense, and what reading and splitting the list raises, before anything is fitted; `FileError` where the
    folder cannot be read or written; `KeyboardInterrupt` on Ctrl-C.
    """
    contenders = contenders_of(rows, settings)
    data = data_of(contenders)
    _check_seeds(seeds)
    engine = engine_of(on, here, "a comparison")
    corpus = strings if isinstance(strings, Corpus) else read_corpus(strings, max_length=data.max_length)
    split(corpus, data)  # refuses a list that is too short
    folder = None if keep is None else Folder(keep)
    contenders = [one.fitting(corpus.strings) for one in contenders]
    parts = ("validation", "test") if test else ("validation",)
    making = Making(corpus, data, parts, progress and engine is here, command)
    with watching("runs that are over: {:,}", quiet=not progress or engine is here) as watch:
        turns = _Turns(making, folder, engine, engine is here, remark if watch is None else _seen(remark, watch))
        results = turns.take(contenders, seeds)
    found = {part: None for result in results for run in result.runs for part in run.losses}
    parts = sorted(found, key=_PARTS.index) or ["validation"]
    how = f"{data.split} (seed {data.seed})" if data.split == "random" else data.split
    return Comparison(
        corpus.name, len(corpus.strings), corpus.fingerprint, how, tuple(seeds), parts, results, command=command
    )


def _check_seeds(seeds: Sequence[int]) -> None:
    if not isinstance(seeds, Sequence) or isinstance(seeds, str):
        raise UsageError(f"seeds is {seeds!r}; it must be a list of whole numbers, such as [0, 1, 2]")
    if not seeds:
        raise UsageError("there are no seeds; name one at least")
    for i, seed in enumerate(seeds):
        TrainConfig(seed=seed)  # raises for what is none
        if seed in seeds[:i]:
            raise UsageError(f"the seed {seed} is named twice; name it once")


class _Turn(NamedTuple):
    """A row and a seed."""

    number: int
    """From 0."""
    one: Contender
    seed: int
    title: str
    order: Order | None
    """What to make; None of a row that cannot be."""
    place: Place | None
    """In the folder, of a recipe's run."""


@dataclass
class _Turns:
    """Runs as tasks of an engine, and what is kept of them."""

    making: Making
    folder: Folder | None
    engine: Engine
    here: bool
    """Whether runs are made in this process, where they show how far they are and write checkpoints."""
    remark: Callable[[str], None]
    results: dict[int, FinishedRun | str] = field(default_factory=dict)
    """Of each turn its run, or the sentence why there is none."""
    kept: dict[int, str] = field(default_factory=dict)
    """The keys of runs that were made and kept now, by their turns."""

    def take(self, contenders: Sequence[Contender], seeds: Sequence[int]) -> list[Result]:
        """Every contender with every seed that matters to it. Raises `FileError` where nothing more can be kept."""
        pairs = [(one, seed) for seed in seeds for one in contenders if seed == seeds[0] or one.differs_by_seed]
        turns = [self._turn(i, len(pairs), *pair) for i, pair in enumerate(pairs)]
        while left := [turn for turn in turns if turn.number not in self.results]:
            for finished in self.engine(made, self.making, self._orders(left)):
                self._finish(turns[finished.task.turn], finished)
        runs: dict[str, list[FinishedRun]] = {one.name: [] for one in contenders}
        problems: dict[str, list[str]] = {one.name: [] for one in contenders}
        for turn in turns:
            result = self.results[turn.number]
            if isinstance(result, FinishedRun):
                runs[turn.one.name].append(result)
            else:
                which = f"seed {turn.seed}: " if turn.one.differs_by_seed and len(seeds) > 1 else ""
                problems[turn.one.name].append(which + result)
        return [Result(one.name, one.source, runs[one.name], problems[one.name]) for one in contenders]

    def _turn(self, number: int, total: int, one: Contender, seed: int) -> _Turn:
        which = f"seed {seed}" if one.differs_by_seed else ""
        title = f"{', '.join(filter(None, (one.name, which)))} ({number + 1} of {total})"
        if one.recipe is None:
            order = None if one.file is None else Order(number, title, None, one.file)
            return _Turn(number, one, seed, title, order, None)
        recipe, place = replace(one.recipe, train=replace(one.recipe.train, seed=seed)), None
        if self.folder is not None:
            key = run_key(recipe, one.teacher, self.making.corpus.fingerprint)
            place = Place(self.folder.path, one.name, seed, key)
        order = Order(number, title, recipe, place=place if self.here else None)
        return _Turn(number, one, seed, title, order, place)

    def _orders(self, turns: Iterable[_Turn]) -> Iterator[Order]:
        """Those of turns that are to be made; the others have their results then. A run that is under way already, for
        a row of another name, is left for the next time round, when it is in the folder."""
        under_way: set[str] = set()
        for turn in turns:
            if turn.order is None:
                self._failed(turn, WavemoreError(turn.one.problem))
                continue
            if turn.place is not None:
                if self._found(turn, turn.place):
                    continue
                if turn.place.key in under_way:
                    continue
                under_way.add(turn.place.key)
            yield turn.order

    def _found(self, turn: _Turn, place: Place) -> bool:
        """Whether a turn has its result from the folder."""
        assert self.folder is not None
        try:
            run = self._kept(self.folder, place.key, turn.title)
        except (WavemoreError, MemoryError, RuntimeError) as error:
            self._failed(turn, error)
            return True
        if run is not None:
            self._done(turn, run, f"taken from {self.folder.path}, ")
        return run is not None

    def _finish(self, turn: _Turn, finished: Finished) -> None:
        """Keep what was made. Raises `FileError`."""
        try:
            found: Made = finished.result()
        except (WavemoreError, MemoryError, RuntimeError) as error:
            self._failed(turn, error)
            return
        file, seconds = found.file, found.seconds
        seed = turn.seed if seconds is not None else _seed_of(file)
        run = FinishedRun(seed, file.parameter_count, seconds, found.losses, found.measured)
        if self.folder is not None and turn.place is not None:
            file.save(turn.place.model)
            about = {"model": turn.place.model.name, **self._about(turn.one, file)}
            later = [key for number, key in self.kept.items() if number > turn.number]
            self.folder.keep(turn.place.key, run, about, before=later)
            self.kept[turn.number] = turn.place.key
            turn.place.clear()
        self._done(turn, run, "" if seconds is None else f"{seconds:.1f} s, ")

    def _done(self, turn: _Turn, run: FinishedRun, how: str) -> None:
        """A turn has its run; `how` stands before its loss."""
        self.results[turn.number] = run
        self.remark(f"{turn.title}: {how}validation {run.losses['validation']['nats_per_character']:.4f}")

    def _failed(self, turn: _Turn, error: Exception) -> None:
        """A turn has none. Raises an error again that is the folder's, or a bug."""
        if isinstance(error, FileError) or not (isinstance(error, WavemoreError) or is_out_of_memory(error)):
            raise error
        reason = str(error) if isinstance(error, WavemoreError) else "there is not enough memory for this"
        self.results[turn.number] = reason
        self.remark(f"{turn.title} failed: {reason}")

    def _kept(self, folder: Folder, key: str, title: str) -> FinishedRun | None:
        """The finished run of this key, evaluated on the parts that it was not yet."""
        run = folder.find(key)
        if run is None:
            return None
        parts = self.making.parts
        if any(part not in run.losses for part in parts):
            try:
                file = folder.model(key)
            except WavemoreError:  # lost or spoiled: made again
                return None
            run = replace(run, losses={**run.losses, **self.making.losses(file, title)})
            folder.keep(key, run, {})
        shown = {part: loss for part, loss in run.losses.items() if part.removesuffix(" unseen") in parts}
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
            "command": self.making.command,
        }


def _seen(remark: Callable[[str], None], watch: Watch) -> Callable[[str], None]:
    """The same above the line that counts the runs, of which each has one remark."""
    numbers = count(1)

    def told(sentence: str) -> None:
        watch.hide()
        remark(sentence)
        watch(next(numbers))

    return told


def _seed_of(file: ModelFile) -> int | None:
    seed = file.provenance.get("seed")
    return seed if isinstance(seed, int) else None
