"""The page of a model, as a server sends it: its own scripts alone may run, and it may load nothing."""

from html import escape
from html.parser import HTMLParser
from typing import NamedTuple, Self

from starlette.responses import Response

from wavemore.errors import UsageError
from wavemore.models.modelfile import ModelFile
from wavemore.page.one_file import page_html

__all__ = ["Page", "page_answer"]

_PLAIN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{name}</title>
<h1>{name}</h1>
<p>{summary}</p>
<p>There is no page to click in: {why}.</p>
<p>What this server does for programs is described at <a href="/openapi.json">/openapi.json</a>.</p>
</html>
"""
_STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'"
_FRAMES = "frame-ancestors 'none'"
"""What a page cannot say itself."""


class Page(NamedTuple):
    """A page and the policy that a browser is to hold it to."""

    html: bytes
    policy: str

    @classmethod
    def of(cls, name: str, file: ModelFile) -> Self:
        """The page of a model with that name; for a baseline, which no page can run, one that says so."""
        try:
            html = page_html(file)
        except UsageError as error:
            html = _PLAIN.format(name=escape(name), summary=escape(file.summary), why=escape(str(error)))
        return cls(html.encode(), f"{_own_policy(html)}; {_FRAMES}")


def page_answer(page: Page) -> Response:
    """The page with its headers."""
    headers = {"Content-Security-Policy": page.policy, "Cache-Control": "no-cache"}
    return Response(page.html, media_type="text/html", headers=headers)


def _own_policy(html: str) -> str:
    """The policy that a page has for when it is opened as a file: as a header nothing comes before it."""
    found = _Policy()
    found.feed(html[: html.find("<script")])
    return found.policy


class _Policy(HTMLParser):
    """What the page's own element says; of a page without one, that nothing may run."""

    policy = _STRICT

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "meta" and (told.get("http-equiv") or "").lower() == "content-security-policy":
            self.policy = told.get("content") or _STRICT
