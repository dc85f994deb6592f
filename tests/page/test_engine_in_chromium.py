"""The engine in the browser that people have: from disk, without a network, in the page's worker."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import visited
from playwright.sync_api import Browser
from rounded import rounded

from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import read_corpus
from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.page.packing import packed
from wavemore.predict.predictor import Distribution

SCORES = """async ([strings, kernel]) => {
  const text = (id) => document.getElementById(id).textContent.trim();
  const bytesOf = (id) => Uint8Array.from(atob(text(id)), (letter) => letter.charCodeAt(0));
  const unzip = async (bytes) => {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const url = URL.createObjectURL(new Blob([await unzip(bytesOf("worker"))], { type: "text/javascript" }));
  const worker = new Worker(url);
  const bytes = await unzip(bytesOf("model"));
  const found = [];
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.error !== undefined) reject(new Error(data.error));
      if (data.ready) worker.postMessage({ id: 1, ask: "score", strings, label: null });
      found.push(...(data.rows ?? []).map((row) => row.logLikelihood));
      if (data.done) resolve(found);
    };
    const header = JSON.parse(text("header"));
    worker.postMessage({ header, bytes, kernel: kernel ? bytesOf("kernel") : null });
  });
}"""


@pytest.fixture(scope="module")
def expected() -> tuple[list[str], np.ndarray]:
    """10,000 strings, and what Python says of them with the page's weights."""
    file, strings = ModelFile.load(pretrained_path()), [*read_corpus("names").strings][:10_000]
    predictor: Any = rounded(file, packed(file))
    return strings, log_likelihoods(Distribution(predictor, file.vocabulary), strings)


@pytest.mark.parametrize("kernel", [True, False])
def test_ten_thousand_log_likelihoods(
    browser: Browser, names_page: Path, expected: tuple[list[str], np.ndarray], kernel: bool
) -> None:
    strings, python = expected
    with visited(browser, names_page) as visit:
        found = visit.page.evaluate(SCORES, [strings, kernel])
        assert visit.requests == []
        assert visit.problems == []
    assert len(found) == len(python) == 10_000
    assert np.abs(np.array(found) - python).max() < 1e-4
