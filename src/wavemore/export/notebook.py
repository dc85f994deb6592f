"""How a model shows itself in a notebook: what it is and ten strings, and its page in a frame.

Both are plain HTML without scripts of their own around it, so they stay when a notebook is saved, or written as HTML by
nbconvert, and Colab and Jupyter show them alike. Colours are those of the notebook, light or dark.
"""

from collections.abc import Sequence
from html import escape

from wavemore.conventions import cut
from wavemore.errors import UsageError
from wavemore.models.modelfile import ModelFile
from wavemore.tables.visible import visible

__all__ = ["Page", "card"]

_LONGEST = 40  # characters of a string that is shown
_HEIGHTS = (100, 10_000)  # points


class Page:
    """A page of HTML that a notebook shows in a frame of its own.

    html      the whole page
    height    of the frame, in points, from 100 to 10,000; raises `UsageError` for another one
    """

    def __init__(self, html: str, height: int = 640) -> None:
        low, high = _HEIGHTS
        if isinstance(height, bool) or not isinstance(height, int) or not low <= height <= high:
            raise UsageError(f"the height is {height!r}; it must be a whole number of points from {low} to {high:,}")
        self.html, self.height = html, height

    def __repr__(self) -> str:
        return f"<Page of {len(self.html):,} characters; a notebook shows it>"

    def _repr_html_(self) -> str:
        # The page is text in an attribute, so a saved notebook holds it whole. It may run its scripts and hand out
        # downloads, and reaches nothing of the notebook around it.
        return (
            f'<iframe title="A page for a model of strings" srcdoc="{escape(self.html)}" '
            'sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {self.height}px; border: 1px solid #8888; border-radius: 6px"></iframe>'
        )


def card(file: ModelFile, strings: Sequence[str], note: str = "") -> str:
    """What a model is, in HTML: its list, kind, parameters and loss, some strings, or in their place a note."""
    told = file.provenance.get("data")
    data = told if isinstance(told, dict) else {}
    losses = file.provenance.get("losses")
    loss = losses.get("validation") if isinstance(losses, dict) else None
    name, count = data.get("name"), data.get("strings")
    rows = [
        ("list", ", ".join([*([str(name)] if name else []), *_counted(count)])),
        ("kind", file.recipe.model.kind),
        ("parameters", f"{file.parameter_count:,}"),
        ("validation loss", f"{loss:.4f} nats per character" if isinstance(loss, float) else ""),
        ("labels", ", ".join(f"{len(v):,} of {k}" for k, v in file.labels.kinds.items()) if file.labels else ""),
    ]
    cells = "".join(
        f'<tr><th scope="row" style="{_CELL}; font-weight: normal; opacity: 0.75">{name}</th>'
        f'<td style="{_CELL}">{_shown(value)}</td></tr>'
        for name, value in rows
        if value
    )
    shown = " ".join(
        f'<code style="{_STRING}">{_shown(cut(string, _LONGEST)) or "&nbsp;"}</code>' for string in strings
    )
    below = f'<div style="margin-top: 0.5em">{shown or _shown(note)}</div>' if shown or note else ""
    return (
        '<div style="border: 1px solid #8888; border-radius: 6px; padding: 0.6em 0.9em; max-width: 44em; '
        'color: inherit; background: transparent"><strong>StringModel</strong>'
        f'<table style="border-collapse: collapse; margin: 0.3em 0; color: inherit; background: transparent">{cells}'
        f"</table>{below}</div>"
    )


_CELL = "padding: 0 1em 0 0; text-align: left; border: 0; background: transparent; color: inherit"
_STRING = (
    "display: inline-block; padding: 0 0.4em; margin: 0.15em 0.1em; border: 1px solid #8886; border-radius: 4px; "
    "color: inherit; background: transparent"
)


def _counted(count: object) -> list[str]:
    return [f"{count:,} strings"] if isinstance(count, int) else []


def _shown(text: str) -> str:
    """Escaped, with what would steer a terminal or turn text written out."""
    return escape(visible(text))
