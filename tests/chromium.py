"""The system's Chromium, and pages in it that reach nothing outside."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
NAMES = ("chromium", "chromium-browser", "google-chrome")


class Visit(NamedTuple):
    """An open page and what happened in it."""

    page: Page
    requests: list[str]
    """Every address that it asked for, but for its own file and what is made inside the page (blob:, data:)."""
    problems: list[str]
    """Errors of its scripts, and what its console says as a warning or an error."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. Leave it before other tests run: as long as it is there, the thread has a running
    event loop, and `asyncio.run` refuses to start another one."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visited(browser: Browser, file: Path, *, first: str = "", **context: Any) -> Iterator[Visit]:
    """The page of a file, opened from disk with the network denied. `first` is a script that runs before those of the
    page; `context` is what Playwright's `new_context` takes, such as viewport and color_scheme."""
    address, requests, problems = file.resolve().as_uri(), list[str](), list[str]()
    inside = browser.new_context(**context)
    inside.set_offline(True)
    if first:
        inside.add_init_script(first)

    def decide(route: Any) -> None:
        if route.request.url.split("#")[0] == address:
            route.continue_()
        else:
            route.abort()

    inside.route("**/*", decide)
    page = inside.new_page()
    own = (address, "blob:", "data:")
    page.on("request", lambda request: None if request.url.startswith(own) else requests.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type in ("warning", "error") else None)
    try:
        page.goto(address)
        yield Visit(page, requests, problems)
    finally:
        inside.close()
