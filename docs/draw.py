"""Draws the pictures of README.md and docs/forms.md into docs/drawings/: `make drawings`.

What they show comes from the code: chunks, counts and weights. The pictures are in the repository, and a test draws
them again.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from vector import BLUE, GREEN, GREY, INK, ORANGE, PALE, Paper, shade

from wavemore.estimator import load
from wavemore.inspection.nodes import PADDING, ids_of, shown
from wavemore.lists.corpus import read_corpus
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.activation import EPS, activated
from wavemore.predict.chunks import Chunks
from wavemore.settings.config import ModelConfig

__all__ = ["PICTURES", "folded_nodes"]

FOLDER = Path(__file__).with_name("drawings")
CHANNELS = 20  # of a node, that a picture shows
SURPRISE = 14  # bits of the darkest character
END = "·"


def front() -> Paper:
    """What wavemore does, by the model in the package: a list, how well strings fit it, and new strings."""
    paper = Paper(960, 430, "A list of names; names scored character by character; and new names, which the list lacks")
    model, names = load(), read_corpus("names").strings
    left, middle, right = 40, 290, 700
    for x, words in ((left, "a list"), (middle, "how well a string fits"), (right, "new strings")):
        paper.text(x, 40, words, bold=True, anchor="start", size=24)
    for i, name in enumerate(names[:: len(names) // 6][:6]):
        paper.text(left, 100 + 48 * i, name, anchor="start", mono=True)
    paper.text(left, 100 + 48 * 6, f"... {len(names):,} in all", anchor="start", colour=GREY, size=20)
    for i, explained in enumerate(model.explain(["marlena", "marlxna", "xqzt"])):
        y = 124 + 92 * i
        for j, found in enumerate(explained.predictions):
            colour = shade(min(1.0, found.bits / SURPRISE))
            paper.box(middle + 42 * j, y - 24, 40, 48, colour, PALE)
            paper.text(middle + 42 * j + 20, y, found.character or END, mono=True, size=24)
        paper.text(
            middle, y + 42, f"{explained.bits_per_character:.1f} bits a character", anchor="start", colour=GREY, size=20
        )
    for i, string in enumerate(model.sample(6, new=True, unique=True, seed=1)):
        paper.text(right, 100 + 48 * i, string, anchor="start", mono=True)
    paper.text(right, 100 + 48 * 6, "none is on the list", anchor="start", colour=GREY, size=20)
    paper.text(middle, 100 + 48 * 6, f"darker is less expected; {END} is the end", anchor="start", colour=GREY, size=20)
    return paper


def windowed() -> Paper:
    """The tree of one prediction, as taught: eight leaves, three levels, and what the model in the package expects."""
    paper = Paper(960, 560, "The tree of one prediction: eight leaves, flattened two at a time, three times")
    config, before = load().file_.recipe.wavenet, "emma"
    leaves = before.rjust(config.context, PADDING)
    left, right, rows = 60, 620, (470, 350, 230, 110)
    step = (right - left) / (config.context - 1)
    for level, y in enumerate(rows):
        reach = 2**level
        count = config.context // reach
        for i in range(count):
            x = left + step * (i * reach + (reach - 1) / 2)
            if level:
                for child in (-1, 1):
                    paper.line(x, y + 19, x + child * step * reach / 4, rows[level - 1] - 19, INK)
            words = leaves[i * reach : (i + 1) * reach]
            paper.node(x, y, words, BLUE if level else INK, max(46, 15 * reach + 26))
        channels = config.hidden if level else config.embedding
        shape = f"({count}, {channels})" if count > 1 else f"({channels})"
        paper.text(790, y - 14, f"level {level}" if level else "embedding", bold=True)
        paper.text(790, y + 16, shape, colour=GREY, mono=True)
    expected = load().explain([before], alternatives=4)[0].predictions[-1].alternatives
    words = ", ".join(f"{found.character or 'end'} {found.probability:.0%}" for found in expected)
    paper.text(340, 40, f"what follows: {words}", size=22)
    paper.line(340, 91, 340, 60, INK)
    paper.text(340, 528, "the last eight characters; a dot is the boundary", colour=GREY, size=20)
    return paper


def convolution() -> Paper:
    """The same tree slid along a string: dilations 1, 2, 4, and two outputs that share nodes."""
    string = "alexandrina"
    paper = Paper(960, 560, "The tree slid along a string is a stack of causal convolutions with dilations 1, 2 and 4")
    ids = PADDING * 5 + string
    step, left, rows = 47.0, 36.0, (460, 340, 220, 100)
    dilations = [dilation for _, dilation in ModelConfig().levels]

    def under(place: int) -> set[tuple[int, int]]:
        found = {(3, place)}
        for level, dilation in ((3, dilations[2]), (2, dilations[1]), (1, dilations[0])):
            found |= {(level - 1, p - back) for at, p in found if at == level for back in (0, dilation)}
        return found

    last, earlier = len(ids) - 1, len(ids) - 1 - dilations[2]
    first, second = under(last), under(earlier)
    lines: list[tuple[bool, tuple[float, float, float, float], str]] = []
    for level, dilation in enumerate(dilations, start=1):
        for place in range(len(ids)):
            own = [c for c, tree in ((BLUE, first), (ORANGE, second)) if (level, place) in tree]
            colour = GREEN if len(own) > 1 else own[0] if own else PALE
            for back in (0, dilation) if place >= dilation else (0,):
                ends = (left + place * step, rows[level], left + (place - back) * step, rows[level - 1])
                lines.append((bool(own), ends, colour))
    for own, ends, colour in sorted(lines):  # the pale ones below
        paper.line(*ends, colour, 3.5 if own else 1.5)
    for level, dilation in enumerate(dilations, start=1):
        paper.text(856, (rows[level] + rows[level - 1]) / 2, f"dilation {dilation}", colour=GREY)
    for level, y in enumerate(rows):
        for place, character in enumerate(ids):
            node = (level, place)
            colour = GREEN if node in first & second else BLUE if node in first else ORANGE if node in second else PALE
            if level:
                paper.disc(left + place * step, y, 13 if colour != PALE else 9, colour)
            else:
                paper.box(left + place * step - 18, y - 20, 36, 40, "#ffffff", colour)
                paper.text(left + place * step, y, character, mono=True, size=26)
        paper.text(856, y, f"level {level}" if level else "characters", bold=True)
    for place, colour in ((last, BLUE), (earlier, ORANGE)):
        paper.text(left + place * step, 50, f"after {ids[place]}", colour=colour, size=24, bold=True)
    shared = len(first & second) - sum(level == 0 for level, _ in first & second)
    paper.text(390, 525, f"green: {shared} nodes that both trees use, computed once", colour=GREEN)
    return paper


def shared() -> Paper:
    """The distinct chunks of "emma" and "emily", with the counts that `Chunks` finds."""
    strings = ("emma", "emily")
    vocabulary, config = Vocabulary.of(strings), ModelConfig()
    chunks = Chunks.of(strings, vocabulary, config.groups)
    paper = Paper(960, 590, "The distinct chunks of emma and emily: 8 at each level, of 44, 22 and 11")
    texts = [[shown(row, vocabulary) for row in ids] for ids in ids_of(chunks, config)]
    rows, left, step = (0, 460, 290, 120), 54.0, 94.0  # the characters are not drawn
    half = int(chunks.starts[1])
    owners: list[list[set[int]]] = [[{int(p >= half) for p in np.flatnonzero(chunks.contexts == i)} for i in range(8)]]
    for branch in reversed(chunks.branches[1:]):
        below: list[set[int]] = [set() for _ in range(branch.children.max() + 1)]
        for row in branch.children:
            for parent, child in enumerate(row):
                below[child] |= owners[0][parent]
        owners.insert(0, below)
    colours = {(0,): BLUE, (1,): ORANGE, (0, 1): GREEN}
    for level in (2, 3):
        for child, row in enumerate(chunks.branches[level - 1].children):
            for i, below_i in enumerate(row):
                ends = (left + i * step, rows[level] + 19, left + below_i * step, rows[level - 1] - 19)
                paper.line(*ends, INK if child else "#9a9a9a", 2.5 if child else 2, dashed=not child)
    predictions = len(chunks.contexts)
    for level in (1, 2, 3):
        y, found = rows[level], texts[level]
        for i, words in enumerate(found):
            colour = colours[tuple(sorted(owners[level - 1][i]))]
            paper.node(left + i * step, y, words, colour, 88, 17 if level == 3 else 24)
        paper.text(862, y - 16, f"level {level}", bold=True)
        paper.text(862, y + 16, f"{len(found)} of {predictions * 8 // 2**level}", size=26)
    for number, (context, answer) in enumerate(zip(chunks.contexts, chunks.answers, strict=True)):
        earlier = sum(int(c == context) for c in chunks.contexts[:number])
        words = f"→ {vocabulary.characters[answer - 1] if answer else 'end'}"
        paper.text(left + context * step, 76 - 30 * earlier, words, colour=ORANGE if number >= half else BLUE, size=22)
    paper.text(862, 61, f"{predictions} predictions", bold=True)
    for x, words, colour in ((110, "emma", BLUE), (300, "emily", ORANGE), (490, "both", GREEN)):
        paper.box(x - 60, 537, 22, 22, colour)
        paper.text(x - 28, 548, words, anchor="start", colour=colour)
    paper.text(570, 548, "full line: newer child; dashed: older", anchor="start", colour=GREY, size=20)
    return paper


def folded_nodes() -> dict[str, dict[str, np.ndarray]]:
    """How the nodes "em" and "emma" of the model in the package come about: each row of numbers by name, (H,)."""
    file = load().file_
    config, weights = file.recipe.wavenet, file.weights

    def folded(level: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        norm = {
            name: weights[f"levels.{level}.norm.{name}"] for name in ("gamma", "beta", "running_mean", "running_var")
        }
        scale = norm["gamma"] / np.sqrt(norm["running_var"] + EPS)
        older, newer = np.split(weights[f"levels.{level}.linear.weight"] * scale, 2)
        return older, newer, norm["beta"] - norm["running_mean"] * scale

    def node(older: np.ndarray, newer: np.ndarray, level: int) -> dict[str, np.ndarray]:
        first, second, bias = folded(level)
        parts = {"older": older @ first, "newer": newer @ second, "bias": bias}
        total = parts["older"] + parts["newer"] + parts["bias"]
        after = activated(total[None].copy(), config, None, None)[0]
        return {**parts, "sum": total, "node": after + newer if level and config.residual else after}

    embedding = weights["embedding.weight"]
    e, m, a = (embedding[i] for i in file.vocabulary.encode("ema"))
    em, ma = node(e, m, 0), node(m, a, 0)
    return {"em": em, "ma": ma, "emma": node(em["node"], ma["node"], 1)}


def folded() -> Paper:
    """Two nodes in the folded form: rows of tables added, then the activation."""
    nodes = folded_nodes()
    paper = Paper(960, 640, "A node of the folded form: a row for the older child and one for the newer, added")
    names = read_corpus("names")
    chunks = Chunks.of(names.strings, Vocabulary.of(names.strings), (2, 2, 2))
    distinct = (len(chunks.characters), chunks.branches[0].children.shape[1])
    taught = (len(chunks.contexts) * 8, len(chunks.contexts) * 4)
    blocks = (("em", 40, "P[e]", "Q[m]", "gelu"), ("emma", 350, "P[em]", "Q[ma]", "gelu, + ma"))
    for level, (chunk, y, older, newer, last) in enumerate(blocks, start=1):
        parts = nodes[chunk]
        limit = max(float(np.abs(parts[name][:CHANNELS]).max()) for name in ("older", "newer", "sum"))
        paper.text(40, y, f"level {level}", bold=True, anchor="start")
        what = "characters" if level == 1 else "chunks of two"
        counts = f"rows of P and of Q: {distinct[level - 1]:,} {what}; products of windows: {taught[level - 1]:,}"
        paper.text(150, y, counts, anchor="start", colour=GREY, size=20)
        rows = (("older", older, BLUE), ("newer", "+ " + newer, BLUE), ("bias", "+ b", BLUE), ("sum", "=", INK))
        for i, (name, words, colour) in enumerate((*rows, ("node", last, GREEN))):
            at = y + 46 + 44 * i
            paper.text(214, at, words, anchor="end", mono=True, colour=colour, size=24)
            paper.strip(232, at, parts[name][:CHANNELS].tolist(), limit, 26)
        paper.text(772, y + 46 + 44 * 4, f"node {chunk}", anchor="start", colour=GREEN, size=24, bold=True)
    note = f'{CHANNELS} of 128 channels; orange above 0, blue below; counts of the list "names"'
    paper.text(480, 618, note, colour=GREY, size=20)
    return paper


PICTURES: dict[str, Callable[[], Paper]] = {
    "front": front,
    "windowed": windowed,
    "convolution": convolution,
    "shared": shared,
    "folded": folded,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw().svg(), encoding="utf-8")
