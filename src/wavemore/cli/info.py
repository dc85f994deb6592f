"""`wavemore info`: what is in a model file."""

from wavemore.cli.options import JsonOption, ModelArgument
from wavemore.cli.output import json_line, write_lines

NAME = "info"


def command(model: ModelArgument = None, json: JsonOption = False) -> None:
    """What a model file holds: its shape, its vocabulary, where it comes from and how well it fits.

    \b
    Examples
      wavemore info
      wavemore info names.safetensors --json
    """
    from wavemore.modelfile import ModelFile, pretrained_path

    path = pretrained_path() if model is None else model
    file = ModelFile.load(path)
    if json:
        record = {
            "parameters": file.parameter_count,
            "characters": file.vocabulary.characters,
            "recipe": file.recipe.to_dict(),
            "provenance": dict(file.provenance),
        }
        write_lines([json_line(record)])
        return
    config = file.recipe.wavenet
    rows = [
        ("parameters", f"{file.parameter_count:,}"),
        ("context", f"{config.context} characters, groups {config.groups}"),
        ("embedding", str(config.embedding)),
        ("hidden", str(config.hidden)),
        ("characters", f"{len(file.vocabulary.characters):,}: {_printable(file.vocabulary.characters)}"),
        *_rows(file.provenance),
    ]
    width = max(len(name) for name, _ in rows)
    write_lines(f"{name:<{width}}  {value}" for name, value in rows)


def _printable(characters: str, most: int = 80) -> str:
    shown = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in characters[:most])
    return shown + (" ..." if len(characters) > most else "")


def _rows(provenance: object, prefix: str = "") -> list[tuple[str, str]]:
    """Nested tables as rows, their names joined by blanks; rows without a value are left out."""
    if isinstance(provenance, dict):
        return [row for key, value in provenance.items() for row in _rows(value, f"{prefix} {key}")]
    text = f"{provenance:.5f}" if isinstance(provenance, float) else str(provenance)
    return [(prefix.strip(), text)] if text else []
