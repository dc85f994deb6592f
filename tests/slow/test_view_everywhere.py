"""The page at every width and in both colour schemes: axe-core finds nothing, and nothing scrolls sideways."""

from pathlib import Path

import pytest
from chromium import chromium, visited
from paged import violations

import wavemore
from wavemore.page.one_file import page_html

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 375, 640, 1280])  # 640 is 1,280 at 200 % zoom
def test_nothing_is_wrong_at_any_width_in_any_scheme(tmp_path: Path, width: int, scheme: str):
    file = tmp_path / "names.html"
    file.write_text(page_html(wavemore.load().file_), encoding="utf-8")
    size = {"width": width, "height": 800}
    with chromium() as browser, visited(browser, file, viewport=size, color_scheme=scheme, bypass_csp=True) as visit:
        assert violations(visit.page) == {}
        assert visit.problems == []
