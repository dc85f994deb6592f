"""From strings and a recipe to a model file: split, train, with a teacher or without, mix in an n-gram model, keep
fingerprints of the strings, and say where the model is from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from wavemore._version import __version__
from wavemore.errors import CheckpointError, ConfigError, UsageError
from wavemore.files import check_writable
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import Parts
from wavemore.lists.labelled import Labelled, joined
from wavemore.lists.vocabulary import Vocabulary
from wavemore.mixtures.mixture import best_weight, mixed
from wavemore.models.fingerprints import Fingerprints, quantiles
from wavemore.models.kinds import distribution_of, network_of
from wavemore.models.modelfile import ModelFile, is_model_file
from wavemore.models.origin import Lists, nameless, provenance
from wavemore.models.plausible import Plausible
from wavemore.models.start import Start, digest_of
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution, log_probabilities, portions
from wavemore.runs.history import HistoryFile, remove_history
from wavemore.settings.config import NgramConfig, Recipe, load_recipe
from wavemore.settings.sizing import FITTED, chosen
from wavemore.tables.visible import visible
from wavemore.tasks.engines import engine_of
from wavemore.tasks.task import Engine, here

if TYPE_CHECKING:
    from wavemore.ranks.together import Ranks
    from wavemore.train import Checkpoint, Monitor, Sink, Trained

__all__ = ["fit_model", "fit_shown"]


def fit_model(
    lists: Lists,
    recipe: Recipe,
    *,
    monitor: "Monitor",
    checkpoint: str | Path | None = None,
    resume: bool = False,
    record: str | Path | None = None,
    tensorboard: str | Path | None = None,
    command: str = "",
    what: str = "",
    ranks: "Ranks | None" = None,
    engine: Engine | None = None,
) -> tuple[ModelFile, list[dict[str, Any]]]:
    """A model file of the lists, and the history of its run; see `StringModel.fit` for the arguments and errors. `what`
    names the run for the monitor. Of several `ranks` the first alone writes. An `engine` has workers that train."""
    parts, origin = lists.parts(recipe)
    if recipe.data.private:
        recipe, origin, command = recipe.kept_private(), nameless(origin), ""
    labels = lists.labels
    if labels is not None:
        recipe = recipe.with_labels(labels.sizes)
        labels = labels.counted(cast(Labelled, parts.train).labels)
    elif getattr(recipe.model, "labels", ()):
        raise ConfigError(f"model.labels = {recipe.wavenet.labels}, and the list has no labels; name their column")
    if ranks is not None:
        ranks.check(recipe)
    start = Start(recipe.train.start) if recipe.train.start else None
    if start is not None:
        start.check(recipe.wavenet)
        origin = {**origin, "start": start.origin(private=recipe.data.private)}
    known = [lists.characters, "" if start is None else start.characters]
    vocabulary = Vocabulary.of(string for part in (*parts, known) for string in part)
    if recipe.model.kind == "ngram":
        if resume:
            raise UsageError("an n-gram model is counted at once, so there is no stopped run to resume; start it anew")
        counts = Ngram.fit(parts.train, vocabulary, recipe.model)
        losses = _losses(-_log_probabilities(Distribution(counts, vocabulary), part).mean() for part in parts[:2])
        about = provenance(origin, losses, 0, recipe, command)
        if record is not None:  # that of the model that was there before
            remove_history(record)
        return _remembering(ModelFile(recipe, vocabulary, counts.arrays(), about), parts, lists.salt), []

    stopped = _stopped(checkpoint, ranks) if resume and checkpoint is not None else None
    if ranks is not None and not ranks.world.is_first:
        checkpoint = record = tensorboard = None
    if checkpoint is not None:
        check_writable(checkpoint)
    sinks = _sinks(record, tensorboard)
    fitting = _Fitting(
        parts, vocabulary, origin, monitor, sinks, checkpoint, stopped, command, lists.salt, ranks, engine
    )
    teacher, begun = _teacher(fitting, recipe) if recipe.train.teacher else (None, True)
    trained = (fitting if begun else replace(fitting, stopped=None)).train(recipe, teacher, what)
    command = stopped.about["command"] if stopped is not None else command
    weights, losses = fitting.with_ngram(recipe, trained)
    about = provenance(origin, losses, trained.step, recipe, command)
    if recipe.data.private:  # teacher and start may be files, and their paths tell of the list's place
        names = {name: Path(getattr(recipe.train, name)).name for name in ("teacher", "start")}
        recipe = replace(recipe, train=replace(recipe.train, **names))
    file = ModelFile(recipe, vocabulary, weights, about, labels)
    return _remembering(file, parts, lists.salt), trained.history


def fit_shown(
    lists: Lists, recipe: Recipe, *, named: object, progress: bool, ranks: bool, on: str, **options: Any
) -> tuple[ModelFile, list[dict[str, Any]]]:
    """`fit_model` with the bar and the workers that a user asks for, and what was chosen where the recipe was `named`
    by a name that fits itself to a list. `options` are its other arguments."""
    from wavemore.progress import TrainingProgress
    from wavemore.ranks.meeting import ranks_here
    from wavemore.train.as_tasks import check_tasks

    if options["resume"] and options["checkpoint"] is None:
        raise UsageError("to resume, name the checkpoint to go on from")
    engine = engine_of(on, here, "training")
    if engine is not here:
        check_tasks(recipe)
    options["engine"] = None if engine is here else engine
    with ranks_here(wanted=ranks) as together:
        if together is not None and engine is not here:
            raise UsageError(f'torchrun started several ranks, and training runs on "{on}"; leave out one of the two')
        first = together is None or together.world.is_first
        what = chosen(recipe, lists.strings.strings) if named in FITTED else ""
        with TrainingProgress(quiet=not (progress and first)) as monitor:
            return fit_model(lists, recipe, monitor=monitor, what=what, ranks=together, **options)


def _stopped(path: str | Path, ranks: "Ranks | None") -> "Checkpoint":
    """The stopped run of this file, which of several ranks the first has. Raises `FileError` or `CheckpointError`."""
    from wavemore.train import Checkpoint

    if ranks is None:
        return Checkpoint.load(path)
    with ranks.world.file_of_first(path) as file:
        return Checkpoint.load(file)


def _sinks(record: str | Path | None, tensorboard: str | Path | None) -> "list[Sink]":
    """Where a run's numbers go. Raises `FileError` or `MissingExtraError`."""
    sinks: list[Sink] = [] if record is None else [HistoryFile(record)]
    if tensorboard is not None:
        from wavemore.runs.board import Board

        sinks.append(Board(tensorboard))
    return sinks


def _remembering(file: ModelFile, parts: Parts, salt: bytes) -> ModelFile:
    """The model file with what its settings have it remember of its list."""
    if not file.recipe.data.remember:
        return file
    if held_out := parts.validation:
        own = distribution_of(file)
        scores = quantiles(log_likelihoods(own, held_out))
        # Of a short list few strings are held out. Those that were learned surprise less, so that they set stricter
        # limits, which a model of so little needs.
        limits = Plausible.of(own, held_out) or Plausible.of(own, joined([*parts]), fewest=1)
        file = replace(file, held_out_scores=scores, plausible=limits)
    return replace(file, fingerprints=Fingerprints.of(parts.train, [*held_out, *parts.test], salt))


@dataclass(frozen=True)
class _Fitting:
    """What a teacher and its pupil share."""

    parts: Parts
    vocabulary: Vocabulary
    origin: dict[str, Any]
    monitor: "Monitor"
    sinks: "Sequence[Sink]"
    checkpoint: str | Path | None
    stopped: "Checkpoint | None"
    command: str
    salt: bytes
    """Tells the lists from others, where a private model's `origin` does not."""
    ranks: "Ranks | None" = None
    engine: Engine | None = None

    def about(self, recipe: Recipe, teacher: Any) -> dict[str, Any]:
        """What a run is, for its checkpoints. `teacher` tells its teacher from others."""
        lists = {name: self.origin[name] for name in ("data", "split")}
        about = {"settings": recipe.to_dict(), "list or split": {**lists, "lists": self.salt.hex()}}
        about |= {"command": self.command, **{name: self.origin[name] for name in self.origin.keys() - lists.keys()}}
        return about if teacher is None else {**about, "teacher": teacher}

    def header(self, recipe: Recipe, role: str) -> dict[str, Any]:
        """What a run is, for its history."""
        return {
            "role": role,
            "version": __version__,
            "started": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "command": self.command,
            "list": self.origin["data"],
            "split": self.origin["split"],
            "recipe": recipe.to_dict(),
            "seed": recipe.train.seed,
        }

    def train(self, recipe: Recipe, teacher: ModelFile | None = None, what: str = "", role: str = "model") -> "Trained":
        """Train, or go on with the stopped run; a finished teacher travels in its pupil's checkpoints."""
        from wavemore.train import Recorder, train

        learned = {} if teacher is None else teacher.weights
        about = self.about(recipe, None if teacher is None else _identity(teacher))
        if self.ranks is not None:
            self.ranks.check(recipe)
            self.ranks.world.check_same({name: about[name] for name in ("settings", "list or split")})
        return train(
            recipe,
            self.vocabulary,
            self.parts.train,
            self.parts.validation,
            about=about,
            monitor=self.monitor,
            recorder=Recorder(self.sinks, self.header(recipe, role)),
            resume=self.stopped,
            save=self._save(learned),
            teacher=None if teacher is None else distribution_of(teacher),
            what=what,
            together=self.ranks,
            engine=self.engine,
        )

    def with_ngram(self, recipe: Recipe, trained: "Trained") -> tuple[Mapping[str, np.ndarray], dict[str, Any]]:
        """The weights of a model whose network is trained, and its losses: those of the network, or, where the recipe
        has an n-gram model mixed in, those of the mixture and then the network's."""
        order = recipe.model.ngram
        if trained.train_loss is not None and trained.validation_loss is not None:  # no n-gram model
            return trained.weights, _losses((trained.train_loss, trained.validation_loss))
        network = network_of(ModelFile(recipe, self.vocabulary, trained.weights))
        ngram = Ngram.fit(self.parts.train, self.vocabulary, NgramConfig(kind="ngram", order=order))
        apart = (
            [
                _log_probabilities(Distribution(model, self.vocabulary), part)
                for part in (self.parts.train, self.parts.validation)
            ]
            for model in (network, ngram)
        )
        pairs = list(zip(*apart, strict=True))
        weight = np.float32(best_weight(*pairs[1]))
        together = _losses(-mixed(one, two, float(weight)).mean() for one, two in pairs)
        counted = {f"ngram.{name}": array for name, array in ngram.arrays().items()}
        alone = _losses(-network.mean() for network, _ in pairs)
        return {**trained.weights, **counted, "ngram.weight": np.asarray(weight)}, {**together, "network": alone}

    def _save(self, learned: Any) -> Callable[["Checkpoint"], None] | None:
        path = self.checkpoint
        return None if path is None else lambda state: state.with_group("teacher", learned).save(path)


def _teacher(fitting: _Fitting, pupil: Recipe) -> tuple[ModelFile, bool]:
    """The model that the pupil's recipe names: from a file, from the pupil's checkpoint, or trained now; and whether a
    stopped run is the pupil's."""
    name = pupil.train.teacher
    if name.endswith(".safetensors") or is_model_file(name):
        file = ModelFile.load(name)
        if file.vocabulary.characters != fitting.vocabulary.characters:
            raise ConfigError(f'train.teacher = "{name}" cannot be: its characters are not those of the list')
        return file, True
    recipe = replace(load_recipe(name), data=pupil.data)
    recipe = replace(recipe, train=replace(recipe.train, seed=pupil.train.seed, threads=pupil.train.threads))
    if recipe.train.teacher:
        raise ConfigError(f'train.teacher = "{name}" cannot be: it has a teacher of its own')
    if recipe.model.kind == "ngram":
        counts = Ngram.fit(fitting.parts.train, fitting.vocabulary, recipe.model)
        return ModelFile(recipe, fitting.vocabulary, counts.arrays()), True
    from wavemore.runs.checkpoint import alike

    stopped = fitting.stopped
    if stopped is not None and not alike(stopped.about.get("settings"), recipe.to_dict()):  # the pupil had begun
        weights = stopped.group("teacher")
        if not weights:
            raise CheckpointError("the stopped run had other settings than this one; start the run anew")
        if not alike(stopped.about.get("teacher"), recipe.to_dict()):
            raise CheckpointError(f"the stopped run had another teacher than {name} is now; start the run anew")
        return ModelFile(recipe, fitting.vocabulary, weights), True
    trained = fitting.train(recipe, what=f"teacher, recipe {visible(str(name))}", role="teacher")
    return ModelFile(recipe, fitting.vocabulary, fitting.with_ngram(recipe, trained)[0]), False


def _identity(teacher: ModelFile) -> Any:
    """What tells a teacher from others: the recipe of one that was trained for its pupil, a digest of a file's weights
    of one that was there before."""
    return digest_of(teacher) if teacher.provenance else teacher.recipe.to_dict()


def _losses(of_parts: Iterable[float]) -> dict[str, Any]:
    """The losses of the training and the validation part by name."""
    return dict(zip(("train", "validation"), map(float, of_parts), strict=True))


def _log_probabilities(distribution: Distribution, strings: Sequence[str]) -> np.ndarray:
    """The log-probability of every prediction of a list of any length: (N,)."""
    return np.concatenate([log_probabilities(distribution, part) for part in portions(strings)])
