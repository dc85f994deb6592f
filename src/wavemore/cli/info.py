"""`wavemore info`: what is in a model file."""

from typing import TYPE_CHECKING, Annotated

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, write_lines
from wavemore.tables.visible import visible

if TYPE_CHECKING:
    from wavemore.judging.memorisation import Memorisation
    from wavemore.models.modelfile import ModelFile


def command(
    model: options.Model = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="Draw samples to tell whether the model knows its list by heart.")
    ] = False,
    json: options.Json = False,
) -> None:
    """What a model file holds: its shape, its vocabulary, where it comes from and how well it fits.

    With --memory, 50,000 samples tell how many times as likely as a held-out string a training string is: 1 if the
    model knows none by heart. The file keeps fingerprints of its strings, so no list is needed.

    \b
    Examples
      wavemore info
      wavemore info names.safetensors --json
      wavemore info names.safetensors --memory
    """
    from wavemore.estimator import load
    from wavemore.models.contents import contents
    from wavemore.models.disclosure import disclosure
    from wavemore.progress import waiting

    loaded = load(model)
    with waiting("drawing samples"):
        file, known = loaded.file_, loaded.memorisation() if memory else None
    if json:
        record = contents(file)
        if known is not None:
            record["memory"] = known.to_dict()
        write_lines([json_line(record)])
        return
    rows = [
        ("kind", file.recipe.model.kind),
        ("parameters", f"{file.parameter_count:,}"),
        *_shape(file),
        ("characters", f"{len(file.vocabulary.characters):,}: {_printable(file.vocabulary.characters)}"),
        *_rows(file.provenance),
        ("remembers", _remembered(file)),
        ("gives away", disclosure(file)),
        *([] if known is None else _memorisation(known)),
    ]
    width = max(len(name) for name, _ in rows)
    write_lines(f"{name:<{width}}  {value}" for name, value in rows)


def _shape(file: "ModelFile") -> list[tuple[str, str]]:
    rows = [*file.recipe.model.shape.items()]
    if file.labels is not None:
        told = [(f"labels {visible(name)}", ", ".join(map(visible, v))) for name, v in file.labels.kinds.items()]
        rows = [*((name, value) for name, value in rows if name != "labels"), *told]
    if file.ngram_weight is not None:
        rows.append(("n-gram", f"order {file.recipe.model.ngram}, weight {file.ngram_weight:.3f}"))
    return rows


def _remembered(file: "ModelFile") -> str:
    """What the file remembers of its list, in words."""
    kept, scores = file.fingerprints, file.held_out_scores
    found = [] if scores is None else [f"{len(scores):,} held-out score{'' if len(scores) == 1 else 's'}"]
    if kept is not None:
        found.insert(0, f"{len(kept.training):,} training and {len(kept.aside):,} held-out strings by {kept.bits} bits")
    return ", ".join(found) or "no strings"


def _memorisation(known: "Memorisation") -> list[tuple[str, str]]:
    rows = [
        (f"memory {part}", f"{mass.total:.3%} of {known.samples:,} samples are among {mass.strings:,} strings")
        for part, mass in (("train", known.train), ("held out", known.held_out))
    ]
    return [*rows, ("memory", known.sentence)]


def _printable(characters: str, most: int = 80) -> str:
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in characters[:most])
    return shown + (" ..." if len(characters) > most else "")


def _rows(provenance: object, prefix: str = "") -> list[tuple[str, str]]:
    """Nested tables as rows, their names joined by blanks; rows without a value are left out. A line break in a value
    would look like another row, so what steers a terminal is escaped in a file too; --json has values as they are."""
    if isinstance(provenance, dict):
        return [row for key, value in provenance.items() for row in _rows(value, f"{prefix} {key}")]
    text = f"{provenance:.5f}" if isinstance(provenance, float) else str(provenance)
    return [(visible(prefix.strip()), visible(text))] if text else []
