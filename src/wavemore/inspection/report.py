"""An inspection as text and as records."""

from collections.abc import Iterator
from typing import Any

from wavemore.inspection.inspecting import Inspection
from wavemore.inspection.nodes import Node
from wavemore.runs.measures import Histogram, Layer, Parameter
from wavemore.tables.printed import aligned

__all__ = ["histogram_record", "parameter_record", "records_of", "text_of"]

_PROBABILITIES = 5
_STRIP = " .:-=+*#"  # sizes in a strip, the largest last
_STRIP_UNITS = 48


def text_of(seen: Inspection) -> Iterator[str]:
    """Tables and findings, line by line."""
    note = f" ({seen.note})" if seen.note else ""
    yield f"{seen.strings:,} strings of {seen.list_name}, {seen.predictions:,} predictions{note}"
    yield ""
    yield from aligned([_LAYER_HEAD, *(_layer_row(layer) for layer in seen.layers)])
    yield ""
    yield (
        f"one step on {seen.batch:,} strings: loss {seen.loss:.4f} nats per character, {seen.optimizer} at the full "
        f"rate of {seen.rate:g}"
    )
    yield from aligned([_PARAMETER_HEAD, *_parameter_rows(seen)])
    yield ""
    yield from aligned([("gradient norm", ""), *((g, f"{norm:.4g}") for g, norm in seen.gradient_norms.items())])
    if seen.norms:
        yield ""
        yield from aligned(
            [
                ("running against batch", "mean off by, in deviations", "deviation off by a factor of"),
                *((norm.name, f"{norm.shift_size:.3f}", f"{norm.scale_size:.3f}") for norm in seen.norms),
            ]
        )
    yield from _neighbourhoods(seen)
    yield from _tree(seen)
    yield ""
    if not seen.findings:
        yield "nothing wants attention: no dead units, no saturated level, no vanishing gradient, no stale statistics"
    yield from seen.findings


_LAYER_HEAD = ("activations", "mean", "deviation", "smallest of a unit", "dead units", "saturated")
_PARAMETER_HEAD = ("parameter", "shape", "gradient / weight", "log10 update / weight", "zero gradients")


def _layer_row(layer: Layer) -> tuple[str, ...]:
    flat = ", ".join(f"{part} {share:.1%}" for part, share in layer.flat.items())
    dead = f"{len(layer.dead)} of {len(layer.spread)}"
    numbers = (f"{layer.mean:.3f}", f"{layer.deviation:.3f}", f"{layer.spread.min():.3f}")
    return (f"level {layer.level}", *numbers, dead, flat)


def _parameter_rows(seen: Inspection) -> Iterator[tuple[str, ...]]:
    for parameter in seen.parameters:
        ratio, update = parameter.gradient_ratio, parameter.update_ratio
        yield (
            parameter.name,
            f"({', '.join(map(str, parameter.shape))})",
            "-" if ratio is None else f"{ratio:.2g}",
            "-" if update is None else f"{update:.2f}",
            f"{parameter.zeros:.1%}",
        )


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
    yield f'what the model does behind "{seen.tree.before}", where {following} follows; each strip is a node\'s values,'
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
    """One record each for the run, each level, parameter, norm, neighbourhood and node, and for the findings, ready for
    JSON. "what" says which it is."""
    yield {
        "what": "inspection",
        "note": seen.note,
        "list": seen.list_name,
        "strings": seen.strings,
        "predictions": seen.predictions,
        "batch": seen.batch,
        "loss": seen.loss,
        "optimizer": seen.optimizer,
        "rate": seen.rate,
        "gradient_norms": seen.gradient_norms,
    }
    for layer in seen.layers:
        yield {
            "what": "activations",
            "level": layer.level,
            "mean": layer.mean,
            "deviation": layer.deviation,
            "saturated": dict(layer.flat),
            "dead": list(layer.dead),
            "unit_deviations": layer.spread.tolist(),
            "normed": histogram_record(layer.normed),
            "activated": histogram_record(layer.activated),
        }
    for parameter in seen.parameters:
        yield {"what": "parameter", **parameter_record(parameter)}
    yield from _single_records(seen)
    yield {"what": "findings", "findings": seen.findings}


def parameter_record(parameter: Parameter) -> dict[str, Any]:
    """What is said of one parameter, for JSON."""
    return {
        "name": parameter.name,
        "group": parameter.group,
        "shape": list(parameter.shape),
        "gradient_norm": parameter.gradient_norm,
        "gradient_to_weight": parameter.gradient_ratio,
        "log10_update_to_weight": parameter.update_ratio,
        "zero_gradients": parameter.zeros,
        "log10_gradients": histogram_record(parameter.magnitudes),
    }


def _single_records(seen: Inspection) -> Iterator[dict[str, Any]]:
    for norm in seen.norms:
        yield {"what": "norm", "name": norm.name, "shift": norm.shift.tolist(), "scale": norm.scale.tolist()}
    names = ["", *seen.characters]
    yield {
        "what": "embedding",
        "explained": list(seen.embedding.explained),
        "places": [
            {"character": c, "x": x, "y": y} for c, (x, y) in zip(names, seen.embedding.places.tolist(), strict=True)
        ],
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
        probabilities = [{"character": c, "probability": p} for c, p in seen.tree.probabilities]
        yield {
            "what": "prediction",
            "before": seen.tree.before,
            "following": seen.tree.following,
            "probabilities": probabilities,
        }


def histogram_record(histogram: Histogram) -> dict[str, list[float]]:
    return {"edges": histogram.edges.tolist(), "shares": histogram.shares.tolist()}
