"""Takes the pictures of the page for README.md and docs/how-to/page.md: `make screenshots`, which needs Chromium.

The page is that of the model in the package, in real Chromium, at 1,280 and at 375 points, light and dark.
"""

import shutil
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from wavemore.estimator import load
from wavemore.page.one_file import page_html

__all__ = ["SCREENSHOTS"]

FOLDER = Path(__file__).with_name("drawings")
HEIGHTS = {1280: 800, 375: 812}
SCREENSHOTS = {
    f"page-{tab}-{width}-{scheme}": (tab, width, scheme)
    for tab in ("make", "check", "look")
    for width in HEIGHTS
    for scheme in ("light", "dark")
}
CHECKED = "\n".join(["marlena", "marlxna", "olivia", "xqzt", "srdja", "anneliese"])


def prepare(page: Page, tab: str) -> None:
    """Show what is to be seen of a tab."""
    page.locator("#made li").nth(9).wait_for()
    if tab == "make":
        for row in (1, 4):
            page.locator("#made .act.keep").nth(row).click()
    elif tab == "check":
        page.get_by_role("tab", name="Check").click()
        page.locator("#given").fill(CHECKED)
        page.locator("#scores tbody tr").nth(5).wait_for()
        page.locator("#scores tr[data-string='marlxna'] .box").nth(4).focus()
        page.locator("#tip").wait_for()
    else:
        page.get_by_role("tab", name="Look inside").click()
        page.locator("#typed").fill("marle")
        page.get_by_role("button", name="Level 3, marle").wait_for()
        page.locator("#typed").press_sequentially("n")
        page.get_by_role("button", name="Level 3, marlen").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)  # until bars have their length


def picture(page: Page) -> bytes:
    """What is seen of the page, as WebP; tabs but the first in their whole height."""
    whole = page.locator("#panel-make").is_hidden()
    size = page.evaluate("[innerWidth, Math.max(innerHeight, document.documentElement.scrollHeight)]")
    clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
    options = {"clip": clip, "captureBeyondViewport": True} if whole else {}
    session = page.context.new_cdp_session(page)
    return b64decode(session.send("Page.captureScreenshot", {"format": "webp", "quality": 85, **options})["data"])


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("no Chromium is installed; `make chromium` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def main() -> None:
    # The same strings each time, by a seed; the policy knows the script by its digest, and is set aside for that.
    html = page_html(load().file_).replace("seed: null", "seed: 3")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder, "names.html")
        file.write_text(html, encoding="utf-8")
        for name, (tab, width, scheme) in SCREENSHOTS.items():
            context = browser.new_context(
                viewport={"width": width, "height": HEIGHTS[width]},
                device_scale_factor=2,
                color_scheme="dark" if scheme == "dark" else "light",
                bypass_csp=True,
            )
            page = context.new_page()
            page.goto(file.as_uri())
            prepare(page, tab)
            FOLDER.joinpath(f"{name}.webp").write_bytes(picture(page))
            context.close()


if __name__ == "__main__":
    main()
