"""The page of a model, as a server sends it: its own scripts alone may run, and it may load nothing."""

import base64
import hashlib
from html import escape
from html.parser import HTMLParser
from importlib import import_module
from typing import NamedTuple, Self

from starlette.responses import Response

from wavemore.models.modelfile import ModelFile

__all__ = ["Page", "page_answer"]

_PLAIN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{name}</title>
<h1>{name}</h1>
<p>{summary}</p>
<p>What this server does for programs is described at <a href="/openapi.json">/openapi.json</a>.</p>
</html>
"""


class Page(NamedTuple):
    """A page and the policy that a browser is to hold it to."""

    html: bytes
    policy: str

    @classmethod
    def of(cls, name: str, file: ModelFile) -> Self:
        """The page of a model with that name."""
        html = _html(name, file)
        return cls(html.encode(), _policy(html))


def page_answer(page: Page) -> Response:
    """The page with its headers."""
    headers = {"Content-Security-Policy": page.policy, "Cache-Control": "no-cache"}
    return Response(page.html, media_type="text/html", headers=headers)


def _html(name: str, file: ModelFile) -> str:
    try:
        page_html = import_module("wavemore.page.one_file").page_html
    except ModuleNotFoundError:  # until the package has it
        return _PLAIN.format(name=escape(name), summary=escape(file.summary))
    return page_html(file)


def _policy(html: str) -> str:
    """Scripts of the page itself by their hashes, its WebAssembly and its worker; no connection to anywhere."""
    found = _Scripts()
    found.feed(html)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in found.scripts]
    scripts = [*(f"'sha256-{each}'" for each in hashes), "'wasm-unsafe-eval'", "blob:"] if hashes else ["'none'"]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(scripts)}",
            "worker-src blob:",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "font-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


class _Scripts(HTMLParser):
    """The texts of all scripts in a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self._inside = True
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False if tag == "script" else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data
