"""An inspection as text and as records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from wavemore.inspection.inspection import Inspection
from wavemore.inspection.nodes import Node
from wavemore.runs.looks import Look
from wavemore.tables.printed import aligned

__all__ = ["records_of", "text_of"]

_COLUMNS = 6  # looks that a table shows where all are wider than
_WIDTH = 120
_PROBABILITIES = 5
_STRIP = " .:-=+*#"  # sizes in a strip, the largest last
_STRIP_UNITS = 48


def text_of(seen: Inspection) -> Iterator[str]:
    """Tables and findings, line by line: several looks side by side in one table."""
    first, *others = seen.heading
    tables = list(_tables(seen, seen.looks))
    if len(seen.looks) > _COLUMNS and max(map(len, tables)) > _WIDTH:
        tables = list(_tables(seen, seen.some(_COLUMNS)))
        first += f"; {_COLUMNS} of {len(seen.looks)} shown, --json has all"
    yield first
    yield from others
    yield from tables
    yield from _neighbourhoods(seen)
    yield from _tree(seen)
    yield ""
    yield from seen.findings or [_sound(seen)]


def _sound(seen: Inspection) -> str:
    """That nothing was found, of all that can be looked at in such a network."""
    look = seen.looks[0]
    looked_at = ["no dead units", "no saturated level"] if look.levels else []
    looked_at += ["no vanishing gradient"] if len(look.levels) > 1 else []
    looked_at += ["no odd steps"]
    looked_at += ["no stale statistics"] if look.norms and seen.settled else []
    rest = "" if look.levels else "; dead units, saturation and gradients are looked at in levels alone"
    return f"nothing wants attention: {', '.join(looked_at)}{rest}"


class _Section(NamedTuple):
    """Rows of a table, the same at every look, and columns with a cell for each row."""

    title: str
    rows: Sequence[str]
    columns: Mapping[str, Callable[[Look], Sequence[str]]]


def _tables(seen: Inspection, looks: Sequence[Look]) -> Iterator[str]:
    """Of one look a table a section; of several one table, in which each look is a column."""
    sections = list(_sections(seen))
    if len(looks) == 1:
        for title, rows, columns in sections:
            yield ""
            cells = zip(rows, *(column(looks[0]) for column in columns.values()), strict=True)
            yield from aligned([(title, *columns), *cells])
        return
    table = [("step", *(f"{look.step:,}" for look in looks))]
    for title, rows, columns in sections:
        for name, column in columns.items():
            table.append((f"{title}, {name}" if name else title, *("" for _ in looks)))
            table += [(f"  {row}", *cells) for row, *cells in zip(rows, *map(column, looks), strict=True)]
    yield ""
    yield from aligned(table)


def _sections(seen: Inspection) -> Iterator[_Section]:
    """What is shown of every look, and of a single one in more detail."""
    look, alone = seen.looks[0], seen.alone
    if look.levels:
        yield _activations(look, alone)
    yield _parameters(look, alone)
    norms = {"": lambda look: [f"{norm:.3g}" for norm in look.gradient_norms.values()]}
    yield _Section("gradient norm", list(look.gradient_norms), norms)
    if look.norms:
        columns = {"mean off by, in deviations": lambda look: [f"{norm.shift_size:.3f}" for norm in look.norms]}
        if alone:
            columns["deviation off by a factor of"] = lambda look: [f"{norm.scale_size:.3f}" for norm in look.norms]
        yield _Section("BatchNorm", [norm.name for norm in look.norms], columns)


def _activations(look: Look, alone: bool) -> _Section:
    columns: dict[str, Callable[[Look], Sequence[str]]] = {}
    if alone:
        columns["mean"] = lambda look: [f"{level.mean:.3f}" for level in look.levels]
    columns["deviation"] = lambda look: [f"{level.deviation:.3f}" for level in look.levels]
    if look.levels[0].spread.size:
        columns["smallest of a unit"] = lambda look: [f"{level.spread.min():.3f}" for level in look.levels]
    columns["dead units"] = lambda look: [str(len(level.dead)) for level in look.levels]
    for part in look.levels[0].flat:
        columns[f"{part} saturated"] = lambda look, part=part: [f"{level.flat[part]:.1%}" for level in look.levels]
    return _Section("activations", [f"level {level.level}, {level.units:,} units" for level in look.levels], columns)


def _parameters(look: Look, alone: bool) -> _Section:
    """All of a single look; of several looks the matrices alone."""
    steps: dict[str, Callable[[Look], Sequence[str]]] = {
        "log10 update / weight": lambda look: [
            _or_dash(p.update_ratio, ".2f") for p in (look.parameters if alone else look.matrices)
        ]
    }
    if not alone:
        return _Section("parameters", [parameter.name for parameter in look.matrices], steps)
    columns = {
        "shape": lambda look: [f"({', '.join(map(str, p.shape))})" for p in look.parameters],
        "gradient / weight": lambda look: [_or_dash(p.gradient_ratio, ".2g") for p in look.parameters],
        **steps,
        "zero gradients": lambda look: [f"{p.zeros:.1%}" for p in look.parameters],
    }
    return _Section("parameters", [parameter.name for parameter in look.parameters], columns)


def _or_dash(ratio: float | None, digits: str) -> str:
    return "-" if ratio is None else f"{ratio:{digits}}"


def _neighbourhoods(seen: Inspection) -> Iterator[str]:
    for near in seen.neighbourhoods:
        yield ""
        yield f"level {near.level}: nearest to {near.chunk} of {near.chunks:,} distinct chunks, cosine distance"
        width = max([len(text) for text, _ in near.neighbours], default=0)
        yield from (f"  {text:<{width}}  {distance:.3f}" for text, distance in near.neighbours)


def _tree(seen: Inspection) -> Iterator[str]:
    if seen.tree is None:
        return
    yield ""
    following = _named(seen.tree.following)
    yield f'what the model does after "{seen.tree.before}", where {following} follows; each strip is a node\'s values,'
    yield f'from low to high as "{_STRIP[1:]}" by size, the first {_STRIP_UNITS}'
    width = max(len(node.text) for node in seen.tree.nodes)
    level = -1
    for node in reversed(seen.tree.nodes):
        if node.level != level:
            level = node.level
            yield f"level {level}" if level else "embedding"
        yield f"  {node.text:>{width}}  {_strip(node)}"
    likely = ", ".join(f"{_named(c)} {p:.1%}" for c, p in seen.tree.probabilities[:_PROBABILITIES])
    yield f"next: {likely}"


def _strip(node: Node) -> str:
    """A node's values in characters, larger sizes darker."""
    sizes = abs(node.values[:_STRIP_UNITS])
    top = max(float(sizes.max()), 1e-30)
    return "".join(_STRIP[min(len(_STRIP) - 1, int(size / top * len(_STRIP)))] for size in sizes).rstrip()


def _named(character: str) -> str:
    return character if character.strip() and character.isprintable() else repr(character) if character else "the end"


def records_of(seen: Inspection) -> Iterator[dict[str, Any]]:
    """One record for what was looked at; one for each level, parameter and norm at each look, as docs/history.md has
    them and more; for the embedding, each neighbourhood and node; and one for the findings, ready for JSON. "what" says
    which it is."""
    yield {"what": "inspection", **seen.about, "looks": seen.steps.tolist()}
    for look in seen.looks:
        yield from ({"what": what, "step": look.step, **record} for what, record in _look_records(look))
    yield from _single_records(seen)
    yield {"what": "findings", "findings": seen.findings}


def _look_records(look: Look) -> Iterator[tuple[str, dict[str, Any]]]:
    whole = look.record()
    for level, record in zip(look.levels, whole["levels"], strict=True):
        yield "activations", record | ({"unit_deviations": level.spread.tolist()} if level.spread.size else {})
    for parameter, record in zip(look.parameters, whole["parameters"], strict=True):
        ratios = {
            "gradient_norm": parameter.gradient_norm,
            "gradient_to_weight": parameter.gradient_ratio,
            "log10_update_to_weight": parameter.update_ratio,
        }
        yield "parameter", record | ratios
    yield "gradients", {"norms": look.gradient_norms}
    for norm, record in zip(look.norms, whole["norms"], strict=True):
        yield (
            "norm",
            record | ({"shifts": norm.shift.tolist(), "scales": norm.scale.tolist()} if norm.shift.size else {}),
        )


def _single_records(seen: Inspection) -> Iterator[dict[str, Any]]:
    if seen.embedding is not None:
        characters = ["", *seen.characters]
        places = zip(characters, seen.embedding.places.tolist(), strict=True)
        yield {
            "what": "embedding",
            "explained": list(seen.embedding.explained),
            "places": [{"character": c, "x": x, "y": y} for c, (x, y) in places],
        }
    for near in seen.neighbourhoods:
        yield {
            "what": "neighbours",
            "level": near.level,
            "chunk": near.chunk,
            "chunks": near.chunks,
            "neighbours": [{"chunk": text, "distance": distance} for text, distance in near.neighbours],
        }
    if seen.tree is not None:
        for node in seen.tree.nodes:
            yield {**node._asdict(), "what": "node", "values": node.values.tolist()}
        yield {
            "what": "prediction",
            "before": seen.tree.before,
            "following": seen.tree.following,
            "probabilities": [{"character": c, "probability": p} for c, p in seen.tree.probabilities],
        }
