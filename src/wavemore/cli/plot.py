"""`wavemore plot`: how training went, from the histories that it left."""

from typing import Annotated, cast

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, write_lines
from wavemore.errors import UsageError


def command(
    histories: Annotated[
        list[str],
        typer.Argument(metavar="HISTORY...", help="A history file, or the model file that it lies beside."),
    ],
    output: Annotated[str | None, typer.Option("--output", "-o", help="Draw the curves as .svg or .png.")] = None,
    over: Annotated[str, typer.Option(help="step, passes or seconds: what the curves are drawn over.")] = "step",
    json: options.Json = False,
) -> None:
    """Show how training went: losses, learning rate, gradient norm and speed of one run or several.

    Training writes a history beside each model, as names.history.jsonl beside names.safetensors, while it goes on; so a
    run may be looked at before it ends. A table is printed, a row for each network; with --output the curves are drawn,
    which needs the extra "plot". "batch loss" is the mean over the last steps, "last" the last validation loss. --json
    prints every point.

    \b
    Examples
      wavemore plot names.safetensors
      wavemore plot names.safetensors -o names.svg
      wavemore plot fast.history.jsonl small.history.jsonl --over passes -o both.png
    """
    from wavemore.runs.canvas import check_picture
    from wavemore.runs.curves import curves_of, table
    from wavemore.runs.picture import Over, draw_curves
    from wavemore.tables.printed import aligned

    if over not in ("step", "passes", "seconds"):
        raise UsageError(f'--over is "{over}"; it must be step, passes or seconds')
    if output is not None:
        check_picture(output)
    curves = curves_of(histories)
    if output is not None:
        draw_curves(curves, output, over=cast(Over, over))
    write_lines(map(json_line, (curve.to_dict() for curve in curves)) if json else aligned(table(curves)))
