"""`wavemore train`: learn a list and write a model file."""

import os
from collections.abc import Sequence
from functools import partial
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, say, write_lines
from wavemore.cli.reading import read_list
from wavemore.errors import FileError, UsageError
from wavemore.ranks.meeting import in_ranks
from wavemore.ranks.place import RankLostError, place_of
from wavemore.tasks.task import LostError

if TYPE_CHECKING:
    from wavemore.estimator import StringModel

_SAMPLES = 1000  # drawn at the end to see what share is new
_NO_MATTER = ("--resume", "--restart", "--force", "--no-record")  # they change nothing of the model


@in_ranks
def command(
    context: typer.Context,
    strings: options.List,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="The model file to write; without it, named after the list.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="A recipe's name, or a TOML file; auto chooses settings that fit the list.")
    ] = "auto",
    set_: options.Set = None,
    seed: Annotated[int | None, options.whole(help="Seed of weights and batches (train.seed).")] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="The model file to start from (train.start), 'base', or 'none'; without it, a short list starts from "
            "the base model in the package.",
        ),
    ] = None,
    column: options.Column = None,
    counts: options.Counts = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column of labels, such as a language; may be repeated."),
    ] = None,
    encoding: options.Encoding = "utf-8",
    format: options.Format = None,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    strip: options.Strip = False,
    validation: Annotated[
        str | None, typer.Option(help="A validation list of its own; then nothing is split off LIST.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="A test list of its own, beside --validation.")] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Keep nothing of the list in the file but what the network learns.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the stopped run of this output.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start anew: discard the stopped run, and replace the model.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the model that is there.")] = False,
    no_record: Annotated[bool, typer.Option("--no-record", help="Write no history beside the model.")] = False,
    tensorboard: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Write the same numbers there for TensorBoard.")
    ] = None,
    on: options.LearnsOn = "here",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn what the strings on LIST look like and write one model file.

    Lists in the package: brands, dinosaurs, drinks, names, people, places, plants, stars, surnames, towns.

    The list is split into a training, a validation and a test part (80, 10 and 10 %). Ctrl-C stops after the current
    step and keeps the run beside the output, as OUTPUT.checkpoint; the same command with --resume goes on from there
    and ends with the very same file. A model that is there is not replaced without
    --force, --restart or --resume.

    With --label one network learns the strings of all labels, and sample, score, explain and evaluate take one:
    --label it, or --label language=it.

    Losses, learning rate, gradient norm and speed are recorded in names.history.jsonl beside names.safetensors;
    wavemore plot draws them, and wavemore inspect shows the network's inside through training. Recording changes
    nothing in the model. --tensorboard needs the extra "tensorboard".

    With --on ray the networks of an ensemble, such as that of --recipe best, learn on a cluster, a CPU each; the
    model's file is the same as from this machine. A stopped run goes on with --resume, with --on or without it.

    The last line says what whoever has the file can find out about the list. With --private the file keeps no n-grams,
    fingerprints, checksum, path or command.

    \b
    Examples
      wavemore train names.txt
      wavemore train towns -o towns.safetensors      (a list in the package)
      wavemore train people.csv --column name --set train.steps=2000
      wavemore train passwords.csv --column password --counts times
      wavemore train people.csv --column name --label language --label gender
      wavemore train names.txt --recipe lecture      (with the extra torch)
      wavemore train names.txt --recipe best --on ray=10.0.0.5:6379
      cut -f1 users.tsv | wavemore train - -o users.safetensors
    """
    from wavemore.estimator import StringModel
    from wavemore.files import check_no_input
    from wavemore.lists.layout import Layout
    from wavemore.lists.streams import source_name
    from wavemore.models.modelfile import is_model_file

    settings = options.settings_of(set_)
    if seed is not None and "train.seed" in settings:
        raise UsageError("--seed and --set train.seed are the same setting; give one of them")
    if from_ is not None and "train.start" in settings:
        raise UsageError("--from and --set train.start are the same setting; give one of them")
    if private:
        settings = {**settings, "data.private": True}
    model = StringModel(recipe, settings=settings, seed=seed, start=from_)
    max_length = model.resolved_recipe().data.max_length
    rank = _check_inputs(strings, validation, test)
    quiet = quiet or rank > 0
    target = f"{source_name(strings)}.safetensors" if output is None else output
    check_no_input(target, strings, validation, test, recipe, settings.get("train.teacher"), from_)
    checkpoint, record, replaced = None, None, False
    if rank == 0:
        _check_target(target)
        checkpoint = _checkpoint(target, resume=resume, restart=restart)
        record = None if no_record or checkpoint is None else _history(target)
        replaced = is_model_file(target)
    before = None if resume else _written(checkpoint)
    if replaced and not (force or restart or resume):
        raise UsageError(f"{target} is a model already; add --force to replace it, or name another file with --output")

    layout = Layout(
        column=column,
        encoding=encoding,
        format=format,
        delimiter=delimiter,
        header=header,
        strip=strip,
        counts=counts,
        labels=tuple(label or ()),
    )
    read = partial(read_list, layout=layout, max_length=max_length, quiet=quiet)
    listed = read(strings)
    try:
        model.fit(
            listed,
            validation=None if validation is None else read(validation),
            test=None if test is None else read(test),
            checkpoint=checkpoint if rank == 0 else target,
            resume=resume,
            record=record,
            tensorboard=tensorboard,
            progress=not quiet,
            command=_command_line(context.obj),
            ranks=True,
            on=on,
        )
    except (KeyboardInterrupt, RankLostError, LostError) as error:
        kept = "no model was written"
        if checkpoint is not None and _written(checkpoint) not in (None, before):
            kept = _kept(checkpoint)
        if not isinstance(error, KeyboardInterrupt):
            raise type(error)(f"{error}; {kept}") from error
        raise KeyboardInterrupt(f"stopped; {kept}") from None
    if rank > 0:
        return
    run = checkpoint if model.history_ else None  # counts keep no run
    _save(model, target, run)
    if checkpoint is not None and (restart or run is not None):
        checkpoint.unlink(missing_ok=True)
    if replaced and not quiet:
        say(f"{target} replaces the model that was there")
    if not quiet and (kept := model.file_.provenance["split"].get("trained_on_as_too_frequent")):
        say(f"{kept:,} of the commonest strings are all in the training part, so that the model learns them")
    if (loss := model.file_.provenance["losses"]["validation"]) > (guessing := log(len(model.file_.vocabulary))):
        say(f"the validation loss, {loss:.4g}, is worse than that of even guessing, {guessing:.4g}; lower train.rate")
    try:
        _report(model, target, set(listed.strings), json=json, quiet=quiet)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; the model is in {target}") from None


def _save(model: "StringModel", target: str, checkpoint: Path | None) -> None:
    """Write the model; where that fails, say where its run is kept."""
    try:
        model.save(target)
    except FileError as error:
        raise FileError(str(error) if checkpoint is None else f"{error}; {_kept(checkpoint)}") from error


def _check_inputs(*sources: str | None) -> int:
    """Which rank this is: 0 where torchrun started no others."""
    place = place_of(os.environ)
    if place is not None and "-" in sources:
        raise UsageError(f"{place.size} ranks cannot all read standard input; give each machine the list as a file")
    if sources.count("-") > 1:
        raise UsageError("only one list can be read from standard input; give a file for the others")
    return 0 if place is None else place.rank


def _check_target(target: str) -> None:
    """Refuse a target that cannot be written, or holds something that is not a model."""
    from wavemore.files import check_writable
    from wavemore.models.modelfile import is_model_file

    if target in ("", "-"):
        raise UsageError(f'--output is "{target}"; it must be the name of a file')
    check_writable(target)
    path = Path(target)
    if path.is_file() and path.stat().st_size and not is_model_file(path):
        raise FileError(f"{target} exists and is not a wavemore model, so it is left alone; choose another --output")


def _checkpoint(target: str, *, resume: bool, restart: bool) -> Path | None:
    """Where the run is kept, or None beside a device. Refuses options that do not go with what is there.

    A stopped run that is discarded stays until the new one is saved in its place.
    """
    from wavemore.runs.checkpoint import is_stopped_run

    checkpoint = Path(f"{target}.checkpoint")
    is_device = Path(target).exists() and not Path(target).is_file()
    stopped = checkpoint.exists() and not is_device
    if stopped and not is_stopped_run(checkpoint):
        raise FileError(f"{checkpoint} exists and is not a stopped run, so it is left alone; move it")
    if resume and restart:
        raise UsageError("--resume and --restart exclude each other; choose one")
    if resume and not stopped:
        raise UsageError(f"there is no stopped run to resume: {checkpoint} does not exist; leave out --resume")
    if stopped and not resume and not restart:
        raise UsageError(f"{checkpoint} holds a stopped run; add --resume to go on with it, or --restart to discard it")
    return None if is_device else checkpoint


def _history(target: str) -> Path:
    """Where the run's history goes. Refuses a place that cannot be written, or holds something else."""
    from wavemore.runs.history import check_history, history_path

    path = history_path(target)
    check_history(path)
    return path


def _written(checkpoint: Path | None) -> int | None:
    """When the file was written, in nanoseconds; None where there is none."""
    return checkpoint.stat().st_mtime_ns if checkpoint is not None and checkpoint.exists() else None


def _kept(checkpoint: Path) -> str:
    return f"the run is kept in {checkpoint}, and the same command with --resume goes on with it"


def _command_line(words: Sequence[str] | None) -> str:
    """How this run was started, without what a resumed run adds and what changes nothing of the model."""
    kept, given = [], iter(words or ())
    for word in given:
        if word in ("--tensorboard", "--on"):
            next(given, None)  # its folder, or where
        elif word not in _NO_MATTER and not word.startswith(("--tensorboard=", "--on=")):
            kept.append(word)
    return options.command_line(kept)


def _report(model: "StringModel", target: str, listed: set[str], *, json: bool, quiet: bool) -> None:
    from wavemore.models.disclosure import disclosure
    from wavemore.progress import waiting

    with waiting("sampling", quiet=quiet):
        new = sum(sample not in listed for sample in model.sample(_SAMPLES, seed=0))
    losses = model.file_.provenance["losses"]
    record = {
        "model": target,
        "parameters": model.file_.parameter_count,
        "step": model.file_.provenance["step"],
        "train_nats_per_character": losses["train"],
        "validation_nats_per_character": losses["validation"],
        "samples": _SAMPLES,
        "new_samples": new,
        "gives_away": disclosure(model.file_),
    }
    if json:
        write_lines([json_line(record)])
        return
    write_lines(
        [
            f"{target}: {record['parameters']:,} parameters, weights of step {record['step']:,}",
            f"train {losses['train']:.5f}, validation {losses['validation']:.5f} nats per character",
            f"of {_SAMPLES:,} samples {new / _SAMPLES:.1%} are new, that is, not on the list",
            f"of the list the file gives away: {record['gives_away']}",
        ]
    )
