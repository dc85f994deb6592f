"""What the tests of the page's view share."""

import time
from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from chromium import Visit
from playwright.sync_api import Page, ViewportSize, expect

expect.set_options(timeout=30_000)  # the machine that runs tests may be busy
PHONE: ViewportSize = {"width": 375, "height": 667}


def strings_of(page: Page, at_least: int = 10, where: str = "#made") -> list[str]:
    """The strings that a list of the page shows, as soon as it has so many."""
    page.locator(f"{where} li").nth(at_least - 1).wait_for(state="attached")
    return page.locator(f"{where} li").evaluate_all("rows => rows.map(row => row.dataset.string)")


def begun_anew(visit: Visit) -> Visit:
    """The page as at its first opening: nothing is kept, and its first strings are there."""
    visit.page.evaluate("localStorage.clear()")
    visit.page.reload()
    strings_of(visit.page)
    return visit


def wait_until(met: Callable[[], bool], seconds: float = 20.0) -> None:
    """Until a condition is met. Fails where it is not met in time."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "not met in time"
        time.sleep(0.02)


def violations(page: Page) -> dict[str, str]:
    """What axe-core finds wrong in each tab of a page, with all that can be opened open; and whether the page is wider
    than its window. The page must have been opened with `bypass_csp`."""
    axe, found = Axe(), dict[str, str]()

    def look(tab: str) -> None:
        seen = axe.run(page)
        if seen.violations_count:
            found[tab] = seen.generate_report()
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found[f"{tab}, width"] = "the page scrolls sideways"

    page.get_by_role("tab", name="Make").click()
    strings_of(page)
    page.locator("details").evaluate_all("all => all.forEach(details => (details.open = true))")
    page.locator("#made .act.keep").first.click()
    page.locator("#made .act.explain").nth(1).click()
    page.locator(".steps").wait_for()
    look("make")
    page.get_by_role("tab", name="Check").click()
    page.get_by_role("button", name="Show an example").click()
    page.locator("#scores tbody tr").nth(5).wait_for()
    look("check")
    page.get_by_role("tab", name="Look inside").click()
    page.locator("#tree .node").first.wait_for()
    look("look")
    return found
