"""`wavemore train`: learn a list and write a model file."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from wavemore.cli.options import (
    ColumnOption,
    EncodingOption,
    FormatOption,
    JsonOption,
    QuietOption,
    SetOption,
    settings_of,
)
from wavemore.cli.output import json_line, say, write_lines
from wavemore.errors import FileError, UsageError

if TYPE_CHECKING:
    from wavemore.estimator import StringModel

NAME = "train"
_SAMPLES = 1000  # drawn at the end to see what share is new


def command(
    strings: Annotated[
        str, typer.Argument(metavar="LIST", help="A file, '-' for standard input, or a list's name, such as names.")
    ],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="The model file to write; without it, named after the list.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a TOML file.")] = "fast",
    set_: SetOption = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and batches (train.seed).")] = None,
    column: ColumnOption = None,
    encoding: EncodingOption = "utf-8",
    format: FormatOption = None,
    validation: Annotated[
        str | None, typer.Option(help="A validation list of its own; then nothing is split off LIST.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="A test list of its own, beside --validation.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the stopped run of this output.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Discard the stopped run and start anew.")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn what the strings on LIST look like and write one model file.

    The list is split into a training, a validation and a test part (80, 10 and 10 %). Ctrl-C stops after the step it
    is in and keeps the run beside the output, as OUTPUT.checkpoint; the same command with --resume goes on from there
    and ends in the very same file.

    \b
    Examples
      wavemore train names.txt
      wavemore train towns -o towns.safetensors
      wavemore train people.csv --column name --set train.steps=2000
      wavemore train names.txt --recipe lecture
      cut -f1 users.tsv | wavemore train - -o users.safetensors
    """
    from wavemore.corpus import read_corpus
    from wavemore.estimator import StringModel
    from wavemore.files import check_writable
    from wavemore.sources import Format, source_name

    settings = settings_of(set_)
    model = StringModel(recipe, settings=settings, seed=seed)
    max_length = model.resolved_recipe().data.max_length
    _check_inputs(strings, validation, test)
    target = output or f"{source_name(strings)}.safetensors"
    _check_target(target)
    check_writable(target)
    checkpoint = Path(f"{target}.checkpoint")
    _check_checkpoint(checkpoint, resume=resume, restart=restart)

    def corpus(source: str | None) -> Any:
        if source is None:
            return None
        read = read_corpus(
            source, column=column, encoding=encoding, format=cast(Format | None, format), max_length=max_length
        )
        if read.skipped.counts and not quiet:
            say(f"{read.name}: {read.skipped}")
        return read

    listed = corpus(strings)
    try:
        model.fit(
            listed,
            validation=corpus(validation),
            test=corpus(test),
            checkpoint=checkpoint,
            resume=resume,
            progress=not quiet,
            command=_command_line(),
        )
    except KeyboardInterrupt:
        if checkpoint.exists():
            say(f"stopped; the run is kept in {checkpoint}, and the same command with --resume goes on with it")
        raise
    model.save(target)
    checkpoint.unlink(missing_ok=True)
    _report(model, target, set(listed.strings), json=json)


def _check_inputs(*sources: str | None) -> None:
    if sources.count("-") > 1:
        raise UsageError("only one list can be read from standard input; give a file for the others")


def _check_target(target: str) -> None:
    """Refuse to write a model over something that is not one."""
    from wavemore.modelfile import is_model_file

    path = Path(target)
    if path.is_file() and path.stat().st_size and not is_model_file(path):
        raise FileError(f"{target} exists and is not a wavemore model, so it is left alone; choose another --output")


def _check_checkpoint(checkpoint: Path, *, resume: bool, restart: bool) -> None:
    if resume and restart:
        raise UsageError("--resume and --restart exclude each other; choose one")
    if resume and not checkpoint.exists():
        raise UsageError(f"there is no stopped run to resume: {checkpoint} does not exist; leave out --resume")
    if checkpoint.exists() and not resume and not restart:
        raise UsageError(f"{checkpoint} holds a stopped run; add --resume to go on with it, or --restart to discard it")


def _command_line() -> str:
    """How this run was started, without what a resumed run adds."""
    return shlex.join(["wavemore", *(word for word in sys.argv[1:] if word not in ("--resume", "--restart"))])


def _report(model: "StringModel", target: str, listed: set[str], *, json: bool) -> None:
    samples = model.sample(_SAMPLES, seed=0)
    new = sum(sample not in listed for sample in samples)
    losses = model.file_.provenance["losses"]
    record = {
        "model": target,
        "parameters": model.file_.parameter_count,
        "step": model.file_.provenance["step"],
        "train_nats_per_character": losses["train"],
        "validation_nats_per_character": losses["validation"],
        "samples": _SAMPLES,
        "new_samples": new,
    }
    if json:
        write_lines([json_line(record)])
        return
    write_lines(
        [
            f"{target}: {record['parameters']:,} parameters, weights of step {record['step']:,}",
            f"train {losses['train']:.5f}, validation {losses['validation']:.5f} nats per character",
            f"of {_SAMPLES:,} samples {new / _SAMPLES:.1%} are new, that is, not on the list",
        ]
    )
