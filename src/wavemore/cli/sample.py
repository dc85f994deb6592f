"""`wavemore sample`: new strings."""

from typing import Annotated

import typer

from wavemore.cli.options import JsonOption, ModelArgument, QuietOption, number, whole_number
from wavemore.cli.output import json_line, write_lines

NAME = "sample"


def command(
    model: ModelArgument = None,
    n: Annotated[int, typer.Option("-n", parser=whole_number, metavar="<int>", help="How many strings.")] = 20,
    starts_with: Annotated[str, typer.Option(help="The beginning of every string.")] = "",
    temperature: Annotated[
        float, typer.Option(parser=number, metavar="<float>", help="Below 1 likelier strings, above 1 stranger ones.")
    ] = 1.0,
    max_length: Annotated[
        int | None, typer.Option(parser=whole_number, metavar="<int>", help="A string this long ends there.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="<int>", help="A whole number, for the same strings again."),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make strings like those of the list, one a line.

    Strings are independent draws from the model's own distribution. With --seed the first strings stay the same
    however many are asked for.

    \b
    Examples
      wavemore sample
      wavemore sample names.safetensors -n 5 --starts-with an --seed 1
      wavemore sample -n 1000000 --json > names.jsonl
    """
    from wavemore.estimator import load
    from wavemore.progress import counted
    from wavemore.sample import sample_strings

    loaded = load(model)
    strings = sample_strings(
        loaded.engine_,
        loaded.file_.vocabulary,
        n,
        starts_with=starts_with,
        temperature=temperature,
        max_length=loaded.file_.recipe.data.max_length if max_length is None else max_length,
        seed=seed,
    )
    shown = counted(strings, n, "sampling", quiet=quiet)
    write_lines(json_line({"string": string}) if json else string for string in shown)
