"""A few shapes as SVG, on light paper of their own, so that they read well on light and on dark pages."""

from dataclasses import dataclass, field
from html import escape

__all__ = ["BLUE", "GREEN", "GREY", "INK", "ORANGE", "PALE", "Paper", "shade"]

INK, GREY, PALE = "#1a1a1a", "#5c5c5c", "#d9d9d9"
BLUE, ORANGE, GREEN = "#0072b2", "#c25e00", "#00795a"  # apart for colour-blind eyes too
_PAPER = "#fdfdfb"


@dataclass
class Paper:
    """A picture in the making: `width` by `height` units, of which a page shows about 0.8 pixels each."""

    width: int
    height: int
    title: str
    """What it shows, for those who cannot see it."""
    shapes: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, words: str, *, size: int = 22, colour: str = INK, anchor: str = "middle",
        mono: bool = False, bold: bool = False,
    ) -> None:  # fmt: skip
        """Words whose middle line is at y."""
        style = f'fill="{colour}" font-size="{size}" text-anchor="{anchor}" dominant-baseline="central"'
        style += ' font-family="monospace"' if mono else ""
        style += ' font-weight="bold"' if bold else ""
        self.shapes.append(f'<text x="{x:g}" y="{y:g}" {style} xml:space="preserve">{escape(words)}</text>')

    def line(
        self, x0: float, y0: float, x1: float, y1: float, colour: str = GREY, width: float = 2, dashed: bool = False
    ) -> None:
        """A straight line."""
        dash = ' stroke-dasharray="7 6"' if dashed else ""
        where = f'x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}"'
        self.shapes.append(f'<line {where} stroke="{colour}" stroke-width="{width:g}"{dash}/>')

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        """A filled circle."""
        self.shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{colour}" stroke="{_PAPER}"/>')

    def box(self, x: float, y: float, width: float, height: float, fill: str, edge: str = "none") -> None:
        """A rectangle with rounded corners; x and y are its upper left corner."""
        where = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"'
        self.shapes.append(f'<rect {where} fill="{fill}" stroke="{edge}" stroke-width="2"/>')

    def node(self, x: float, y: float, words: str, colour: str, width: float, size: int = 22) -> None:
        """A box around words, x and y its middle."""
        self.box(x - width / 2, y - 19, width, 38, "#ffffff", colour)
        self.text(x, y, words, mono=True, colour=colour, size=size)

    def strip(self, x: float, y: float, values: list[float], limit: float, cell: float = 20) -> None:
        """A row of cells, each as dark as its value, of which `limit` is the darkest; orange is above 0, blue below."""
        for i, value in enumerate(values):
            where = f'x="{x + i * cell:g}" y="{y - 14:g}" width="{cell:g}" height="28"'
            self.shapes.append(f'<rect {where} fill="{shade(value / limit)}" stroke="#b0b0b0" stroke-width="0.7"/>')

    def svg(self) -> str:
        """The picture."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" font-family="sans-serif" role="img">\n<title>{escape(self.title)}</title>\n'
            f'<rect width="{self.width}" height="{self.height}" rx="12" fill="{_PAPER}"/>\n'
        )
        return head + "\n".join(self.shapes) + "\n</svg>\n"


def shade(value: float) -> str:
    """A colour for a value from -1 to 1, in twelve steps a side: rounding on other processors moves none."""
    share = round(min(1.0, abs(value)) * 12) / 12
    far = (194, 94, 0) if value > 0 else (0, 114, 178)
    return "#" + "".join(f"{round(255 + (channel - 255) * share):02x}" for channel in far)
