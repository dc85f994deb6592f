"""`wavemore trace`: the shape of every tensor on its way through the model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, write_lines
from wavemore.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from wavemore.settings.config import ModelConfig, Recipe


def command(
    model: options.Model = None,
    recipe: Annotated[str | None, typer.Option(help="Trace an untrained model of this recipe instead.")] = None,
    batch: Annotated[int, options.whole(help="Rows in the batch.")] = 32,
    vocabulary: Annotated[
        int | None,
        options.whole(help="With --recipe: ids, the boundary included; without it 27, a-z."),
    ] = None,
    set_: options.Set = None,
    json: options.Json = False,
) -> None:
    """Send a batch through the model and show the shape after every layer (with the extra torch).

    Of several networks that vote one is shown, and of a mixture with an n-gram model the network.

    \b
    Examples
      wavemore trace --recipe notes
      wavemore trace --recipe notes --batch 4 --set model.groups=[4,2]
      wavemore trace names.safetensors
    """
    from wavemore.models.modelfile import ModelFile, pretrained_path

    try:
        from wavemore.nn.trace import flattening, trace
    except MissingExtraError as error:
        raise MissingExtraError.of("wavemore trace", "PyTorch", "torch") from error
    from wavemore.settings.config import load_recipe, recipe_names

    if model is not None and model in recipe_names() and not Path(model).exists():
        raise UsageError(f"{model} is a recipe and no model, as in: wavemore trace --recipe {model}")
    if recipe is not None and model is not None:
        raise UsageError(f"trace either the model {model} or the recipe {recipe}, not both")
    if recipe is None:
        if set_ or vocabulary is not None:
            raise UsageError(
                "--set and --vocabulary go with --recipe: a model file has its own settings and characters"
            )
        path = pretrained_path() if model is None else model
        file = ModelFile.load(path)
        config, size = _traceable(file.recipe, f"the model {path}"), len(file.vocabulary)
    else:
        config = _traceable(load_recipe(recipe).with_settings(options.settings_of(set_)), f"the recipe {recipe}")
        size = 27 if vocabulary is None else vocabulary
    steps = trace(config, size, batch)
    if json:
        write_lines(json_line(step._asdict()) for step in steps)
        return
    rows = [(step.layer, _tuple(step.shape), f"{step.parameters:,}" if step.parameters else "") for step in steps]
    rows = [("layer", "shape", "parameters"), *rows, ("sum", "", f"{sum(step.parameters for step in steps):,}")]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    write_lines(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows)
    write_lines(["", f"flattening alone: {' -> '.join(_tuple(shape) for shape in flattening(config))}"])


def _traceable(recipe: "Recipe", name: str) -> "ModelConfig":
    """The shape of a WaveNet. Raises `UsageError` for a baseline."""
    if recipe.model.kind != "wavenet":
        raise UsageError(f'{name} is of kind "{recipe.model.kind}", and only a "wavenet" has layers to trace')
    return recipe.wavenet


def _tuple(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"
