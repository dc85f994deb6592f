"""`wavemore inspect`: what happens inside a model, level by level, and what happened there through its training."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, say, write_lines
from wavemore.cli.reading import own_list, read_list
from wavemore.errors import FileError, UsageError

if TYPE_CHECKING:
    from wavemore.inspection import Inspection


def command(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL", help="A model file, or the history of a run; without it, the model in the package."
        ),
    ] = None,
    list_: Annotated[
        str | None,
        typer.Argument(
            metavar="LIST",
            help="A file, '-' for standard input, or a list's name; without it, the list in the package that the model "
            "was trained on.",
        ),
    ] = None,
    string: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Show the tree of this string: every node and its values.")
    ] = None,
    at: Annotated[
        int | None,
        options.whole(help="With --string: look after this many characters."),
    ] = None,
    label: options.Given = None,
    chunk: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Show which chunks each level holds to be like this one.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="PATH", help="Draw: x.html is one page, x.svg or x.png pictures, else a folder."
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Look inside a model: its activations, its gradients, and what wants attention.

    Strings of LIST are run through the model, as many as make 20,000 predictions; of its own list, strings of the
    training part. Shown are, for each level, mean and standard deviation of the activations, dead units (standard
    deviation below 0.01) and the share of saturated values (|tanh| above 0.97, or as flat); for each parameter,
    gradient over weight and log10 of update over weight in one step with the recipe's optimiser at its full rate;
    gradient norms; and how far each BatchNorm's running statistics lie off the list's. Last comes what wants attention.

    Of several networks that vote the first is shown, and of a mixture with an n-gram model the network. -o needs the
    extra "plot".

    MODEL may also be the history that training writes beside a model, as names.history.jsonl: then the same is shown
    through training, at up to ten of its steps, each on its own batch; also while the run goes on.

    \b
    Examples
      wavemore inspect
      wavemore inspect names.safetensors names.txt -o inside.html
      wavemore inspect --chunk ma
      wavemore inspect --string marlena --at 3 -o marlena.png
      wavemore inspect names.history.jsonl -o training.html
    """
    from wavemore.inspection import inspect_history
    from wavemore.models.modelfile import is_model_file
    from wavemore.runs.history import is_history

    if model is not None and is_history(model):
        if any(option is not None for option in (list_, string, at, chunk, label)):
            without = "LIST, --string, --at, --chunk and --label"
            raise UsageError(f"{model} is a history, which goes without {without}; name a model")
        _check(output)
        _show(inspect_history(model), output, json=json, quiet=quiet)
        return
    if at is not None and string is None:
        raise UsageError("--at goes with --string: it is a place in that string")
    if model is not None and model.endswith(".jsonl") and not is_model_file(model):
        raise _no_history(model)
    model, list_ = options.model_and_list(model, list_, to="inspect it with")
    seen = _inspected(model, label, list_, output, quiet=quiet, chunk=chunk, string=string, at=at)
    _show([seen], output, json=json, quiet=quiet)


def _inspected(
    model: str | None, label: list[str] | None, list_: str | None, output: str | None, *, quiet: bool, **wanted: Any
) -> "Inspection":
    """A model run over a list, of its own list over the training part; `wanted` are its chunk and string."""
    from wavemore.files import check_no_input
    from wavemore.inspection import inspect
    from wavemore.judging.evaluate import parts_of
    from wavemore.models.modelfile import ModelFile, pretrained_path
    from wavemore.progress import waiting

    if output is not None:
        check_no_input(output, model, list_)
    file = ModelFile.load(pretrained_path() if model is None else model)
    file = file.given(label) if label else file
    _check(output)
    source = own_list(file, "inspect") if list_ is None else list_
    corpus = read_list(source, max_length=file.recipe.data.max_length, quiet=quiet)
    strings = parts_of(file, corpus).get("train", corpus.strings)
    with waiting("looking inside", quiet=quiet):
        return inspect(file, strings, list_name=corpus.name, **wanted)


def _check(output: str | None) -> None:
    if output is not None:
        from wavemore.inspection.page import check_output

        check_output(output)


def _show(inspections: "list[Inspection]", output: str | None, *, json: bool, quiet: bool) -> None:
    from wavemore.inspection.page import write
    from wavemore.inspection.report import records_of, text_of

    if json:
        write_lines(json_line(record) for seen in inspections for record in records_of(seen))
    else:
        write_lines("\n\n".join("\n".join(text_of(seen)) for seen in inspections).split("\n"))
    for path in [] if output is None else write(inspections, output):
        if not quiet:
            say(f"wrote {path}")


def _no_history(path: str) -> FileError:
    """For what is named like a history and is none; a list of JSON lines needs a column, which cannot be named here."""
    try:
        empty = not Path(path).stat().st_size
    except OSError as error:
        return FileError.of("read", path, error)
    if empty:
        return FileError(f"{path} is empty; give the history that training writes beside a model, or a model")
    return FileError(
        f"{path} is not the history of a run; give one that training has written, a model, or a list of a string a line"
    )
