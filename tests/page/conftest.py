"""What tests of the page share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import chromium
from in_node import Page
from playwright.sync_api import Browser

import wavemore
from wavemore.page.one_file import page_html


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, for the tests of one module; open a file in it with `chromium.visited`."""
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """The page's modules in Node, for the tests of one module."""
    with Page() as running:
        yield running


@pytest.fixture(scope="session")
def names_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the model in the package."""
    page = tmp_path_factory.mktemp("page") / "names.html"
    page.write_text(page_html(wavemore.load().file_), encoding="utf-8")
    return page
