"""How large and how fast the page is: its size, its first strings after opening, strings a second with and without
WebAssembly, and what float16 costs. In the system's Chromium, from disk.

    python benchmarks/page.py [--rounds 5]

Two models of ../shared/data/names.txt: the one as taught, with 76,579 parameters, and the default. Takes about five
minutes.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import provenance
from page_worker import START
from playwright.sync_api import Browser, sync_playwright

from wavemore.estimator import StringModel, fit
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import read_corpus
from wavemore.page.one_file import page_html

TAUGHT = {"model.ngram": 0, "model.activation": "tanh", "model.residual": False}
SAMPLES, SLOW_SAMPLES = 200_000, 5_000
FIRST = """
new MutationObserver(() => {
  if (!window.firstStrings && document.querySelector("#made > *")) window.firstStrings = performance.now();
}).observe(document, { childList: true, subtree: true });
"""
ASK = """([question]) => new Promise((resolve, reject) => {
  const start = performance.now();
  const found = [];
  window.worker.onmessage = ({ data }) => {
    if (data.error !== undefined) reject(new Error(data.error));
    found.push(...(data.strings ?? data.rows ?? []).map((one) => one.logLikelihood));
    if (data.done) resolve([(performance.now() - start) / 1000, question.ask === "score" ? found : found.length]);
  };
  window.worker.postMessage({ id: 1, ...question });
})"""


def sample_wish(count: int, seed: int) -> dict[str, Any]:
    """A wish for strings without a condition."""
    none = {"label": None, "minLength": None, "maxLength": None, "temperature": 1, "isNew": False, "plausible": False}
    texts = dict.fromkeys(("startsWith", "endsWith", "contains", "only", "never", "pattern"), "")
    return {"count": count, "seed": seed, "likeliest": False, **none, **texts}


def first_strings(browser: Browser, file: Path) -> float:
    """Milliseconds from opening the page to its first strings."""
    page = browser.new_page()
    page.add_init_script(FIRST)
    page.goto(file.as_uri())
    page.wait_for_selector("#made > *", timeout=60_000)
    found = page.evaluate("window.firstStrings")
    page.close()
    return found


def speed(browser: Browser, file: Path, count: int, kernel: bool, rounds: int) -> list[float]:
    """Strings a second, each round in a worker that has computed nothing yet."""
    found = []
    for seed in range(rounds):
        page = browser.new_page()
        page.goto(file.as_uri())
        assert page.evaluate(START, kernel)
        seconds, strings = page.evaluate(ASK, [{"ask": "sample", "wish": sample_wish(count, seed)}])
        assert strings == count
        found.append(count / seconds)
        page.close()
    return found


def scores(browser: Browser, file: Path, strings: list[str]) -> tuple[float, list[float]]:
    """The seconds that it takes to score strings, and their log-likelihoods."""
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.evaluate(START, True)
    seconds, found = page.evaluate(ASK, [{"ask": "score", "strings": strings, "label": None}])
    page.close()
    return seconds, found


def shown(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def rows(browser: Browser, model: StringModel, strings: list[str], folder: Path, rounds: int) -> list[str]:
    """What was found of one model, a cell for each row of the table."""
    file = folder / "page.html"
    file.write_text(page_html(model.file_), encoding="utf-8")
    opened = [first_strings(browser, file) for _ in range(rounds)]
    fast = speed(browser, file, SAMPLES, True, rounds)
    slow = speed(browser, file, SLOW_SAMPLES, False, rounds)
    seconds, found = scores(browser, file, strings)
    python = log_likelihoods(model.distribution_, strings)
    predictions = sum(map(len, strings)) + len(strings)
    return [
        f"{model.file_.parameter_count:,}",
        f"{file.stat().st_size / 1000:,.0f}",
        shown(opened),
        shown(fast),
        shown(slow),
        f"{len(strings) / seconds:,.0f}",
        f"{(python.sum() - sum(found)) / predictions:+.6f}",
    ]


NAMES = (
    "parameters",
    "page, kB",
    "first strings after opening, ms",
    f"strings a second, of {SAMPLES:,}",
    f"without WebAssembly, of {SLOW_SAMPLES:,}",
    "strings scored a second",
    "float16's loss on names.txt, nats a character",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    strings = list(read_corpus(provenance.names_txt()).strings)
    found = {}
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        sys.exit("this benchmark needs Chromium, and none is installed")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        version = browser.version
        models = {"as taught": fit(strings, recipe="fast", settings=TAUGHT), "default": fit(strings)}
        for name, model in models.items():
            found[name] = rows(browser, model, strings, Path(folder), rounds)
            print(name, found[name], file=sys.stderr, flush=True)
        browser.close()
    lines = [f"# The page, in Chromium {version}", "", "Medians and ranges.", "", f"| | {' | '.join(found)} |"]
    lines += ["| --- | ---: | ---: |", *(f"| {' | '.join(row)} |" for row in zip(NAMES, *found.values(), strict=True))]
    provenance.write("page", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
