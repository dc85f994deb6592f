"""What the tests of the page's view share."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, ViewportSize

PHONE: ViewportSize = {"width": 375, "height": 667}


def strings_of(page: Page, at_least: int = 10, where: str = "#made") -> list[str]:
    """The strings that a list of the page shows, as soon as it has so many."""
    page.locator(f"{where} li").nth(at_least - 1).wait_for(state="attached")
    return page.locator(f"{where} li").evaluate_all("rows => rows.map(row => row.dataset.string)")


def wait_until(met: Callable[[], bool], seconds: float = 20.0) -> None:
    """Until a condition is met. Fails where it is not met in time."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "not met in time"
        time.sleep(0.02)
