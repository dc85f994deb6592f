"""What tests of the page share."""

from collections.abc import Iterator

import pytest
from chromium import chromium
from in_node import Page
from playwright.sync_api import Browser


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
