"""A notebook that shows a model and its page: run in a fresh kernel, written as HTML, and opened without a network."""

from importlib import import_module
from pathlib import Path

import pytest
from chromium import chromium, visited

import wavemore

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

CELLS = ["import wavemore\nmodel = wavemore.load()\nmodel", "model.page(height=700)"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_makes_strings_in_exported_html(tmp_path: Path, scheme):
    nbclient, nbformat, nbconvert = map(import_module, ("nbclient", "nbformat", "nbconvert"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [cell.outputs[0].data for cell in notebook.cells]
    assert shown[0]["text/plain"] == repr(wavemore.load())
    html, _ = nbconvert.HTMLExporter(theme=scheme).from_notebook_node(notebook)
    (tmp_path / "notebook.html").write_text(html, encoding="utf-8")
    with chromium() as browser, visited(browser, tmp_path / "notebook.html", color_scheme=scheme) as visit:
        page = visit.page.frame_locator("iframe[srcdoc]")
        page.locator("#made li").nth(9).wait_for(state="attached")
        strings = page.locator("#made li").evaluate_all("rows => rows.map(row => row.dataset.string)")
        assert len(strings) == 10
        assert all(strings)
        for string in wavemore.load().sample(10, seed=0):
            assert visit.page.get_by_text(string, exact=True).first.is_visible()
