"""`wavemore export`: a model as one file that opens without wavemore."""

from typing import Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import result_file, say
from wavemore.errors import UsageError


def command(
    model: options.Model = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="The file to write, or '-'; without it, named after the model."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="html or onnx; without it, told from the file's ending. Without a file, html.")
    ] = None,
    label: options.Given = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a model file of that name.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a model as one file that opens without wavemore: a page for people, or ONNX for programs.

    x.html is a page with the model inside, which opens in a browser, also without internet: it makes strings under
    conditions, scores lists, and shows what the model makes of a string. Its weights are rounded to 16 bits.

    x.onnx has the model as an ONNX graph, in full precision, which onnxruntime and other runtimes run: ids of strings
    in, log-likelihoods and logits out. Its metadata say which character has which id. That needs the extra "onnx".

    A model with labels is exported with all of them: ONNX scores a string as wavemore score does without --label, and
    the page lets its reader choose a label. With --label one label alone is exported.

    \b
    Examples
      wavemore export
      wavemore export names.safetensors -o names.html
      wavemore export surnames.safetensors --label Italian -o italian.onnx
      wavemore export names.safetensors -o - > names.html
    """
    from wavemore.cli.reading import model_of
    from wavemore.export.formats import exported, format_for, opening
    from wavemore.files import check_no_input, check_writable
    from wavemore.lists.streams import source_name
    from wavemore.models.modelfile import is_model_file
    from wavemore.progress import waiting

    if output is None:
        output = f"{source_name(model or 'names')}.{format or 'html'}"
    standard = output == "-"
    chosen = format_for("page.html" if standard and format is None else output, format)
    check_no_input(output, model)
    if not standard:
        if is_model_file(output) and not force:
            raise UsageError(f"{output} is a model; add --force to replace it, or name another file with --output")
        check_writable(output)
    if standard and chosen == "onnx":
        _check_no_terminal()
    loaded = model_of(model, label)
    with waiting("exporting", quiet=quiet):
        data = exported(loaded.file_, chosen)
    with result_file(output) as file:
        file.write(data)
    if not quiet and not standard:
        say(f"wrote {output}, {len(data):,} bytes; {opening(chosen)}")


def _check_no_terminal() -> None:
    import sys

    if sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("ONNX cannot be read on a terminal; name a file with --output")
