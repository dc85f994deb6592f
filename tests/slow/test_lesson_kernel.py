"""The notebook as its reader meets it: a fresh kernel, every cell, exercises still open. Takes about a minute."""

from importlib import import_module
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_notebook_runs_in_a_fresh_kernel():
    nbclient, nbformat = map(import_module, ("nbclient", "nbformat"))  # which `make slow` alone installs
    notebook = nbformat.read(DOCS / "lesson.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(DOCS)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    assert said.count("is open") == 10
    assert [output for output in outputs if "image/png" in output.get("data", {})], "the picture is shown"
    assert not [output for output in outputs if output.output_type == "stream" and output.name == "stderr"]
