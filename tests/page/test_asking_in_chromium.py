"""The worker as it runs in Chromium, from the exported file, on file:// and with the network denied."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import Visit, visited
from playwright.sync_api import Browser
from rounded import rounded

import wavemore
from wavemore.judging.likelihood import log_likelihoods
from wavemore.page.packing import packed
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Contains, EndsWith, Length, Never, StartsWith, conjunction
from wavemore.sampling.patterns import Matches
from wavemore.sampling.search import most_likely

START = """async () => {
  const text = (id) => document.getElementById(id).textContent.trim();
  const bytesOf = (id) => Uint8Array.from(atob(text(id)), (character) => character.charCodeAt(0));
  const unzipped = async (bytes) => {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const script = new TextDecoder().decode(await unzipped(bytesOf("worker")));
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  const bytes = await unzipped(bytesOf("model"));
  let told = () => {};
  worker.onmessage = (event) => told(event.data);
  const ready = new Promise((resolve) => (told = resolve));
  worker.postMessage({ header: JSON.parse(text("header")), bytes, kernel: bytesOf("kernel") });
  const plain = (value) => JSON.parse(JSON.stringify(value, (_, one) => ArrayBuffer.isView(one) ? [...one] : one));
  window.askWorker = (messages, stopAfter, waits) => new Promise((resolve) => {
    const answers = [];
    let open = messages.length;
    told = (answer) => {
      answers.push(answer);
      if (answers.length === stopAfter) {
        worker.postMessage({ id: answer.id, ask: "stop" });
        setTimeout(() => resolve(plain(answers)), waits);
      }
      if ((answer.done || answer.error !== undefined) && --open === 0) resolve(plain(answers));
    };
    for (const message of messages) worker.postMessage(message);
  });
  return plain(await ready);
}"""


@pytest.fixture(scope="module")
def visit(browser: Browser, names_page: Path) -> Iterator[Visit]:
    """The page of the model in the package, with a worker of the test's own."""
    with visited(browser, names_page) as opened:
        assert opened.page.evaluate(START)["ready"]
        yield opened


def asked(visit: Visit, *messages: dict[str, Any], stop_after: int = 0, waits: int = 0) -> list[dict[str, Any]]:
    return visit.page.evaluate(
        "([messages, stop, waits]) => askWorker(messages, stop, waits)", [messages, stop_after, waits]
    )


@pytest.fixture(scope="module")
def distribution() -> Distribution:
    """The model as the page has it, in Python."""
    file = wavemore.load().file_
    return Distribution(rounded(file, packed(file)), file.vocabulary)


def test_conditions_hold_and_log_likelihoods_are_pythons(visit: Visit, distribution: Distribution) -> None:
    wishes = {
        "plain": ({}, None),
        "several": (
            {"startsWith": "m", "endsWith": "a", "contains": "ri", "never": "x", "minLength": 5, "maxLength": 9},
            [StartsWith("m"), EndsWith("a"), Contains("ri"), Never("x"), Length(5, 9)],
        ),
        "pattern": ({"pattern": "(an|el).*[aeiou]"}, [Matches("(an|el).*[aeiou]")]),
        "new": ({"isNew": True, "endsWith": "na"}, [EndsWith("na")]),
    }
    for wish, conditions in wishes.values():
        answers = asked(visit, {"id": 1, "ask": "sample", "wish": {"count": 400, "seed": 3, **wish}})
        found = [one for answer in answers for one in answer["strings"]]
        assert len(found) == 400
        strings = [one["string"] for one in found]
        automaton = conjunction(conditions or [Length(1)], distribution.vocabulary)
        assert automaton is not None
        assert all(automaton.accepts(distribution.vocabulary.encode(string)) for string in strings)
        expected = log_likelihoods(distribution, strings)
        np.testing.assert_allclose([one["logLikelihood"] for one in found], expected, atol=1e-4)
    assert (visit.requests, visit.problems) == ([], [])


def test_the_likeliest_are_pythons(visit: Visit, distribution: Distribution) -> None:
    automaton = conjunction([StartsWith("qu")], distribution.vocabulary)
    expected = most_likely(distribution, 40, automaton=automaton)
    wish = {"count": 40, "likeliest": True, "startsWith": "qu"}
    answers = asked(visit, {"id": 1, "ask": "sample", "wish": wish})
    found = [one["string"] for answer in answers for one in answer["strings"]]
    assert found == [string for string, _ in expected]


def test_scores_are_pythons(visit: Visit, distribution: Distribution) -> None:
    strings = wavemore.load().sample(2000, seed=5, temperature=1.3)
    answers = asked(visit, {"id": 1, "ask": "score", "strings": strings})
    rows = [row for answer in answers for row in answer["rows"]]
    found = [row["logLikelihood"] for row in rows]
    np.testing.assert_allclose(found, log_likelihoods(distribution, strings), atol=1e-4)
    assert sum(row["seen"] for row in rows) > 20
    assert all(0 <= row["percentile"] <= 100 for row in rows)


def test_the_tree_of_a_string(visit: Visit) -> None:
    (answer,) = asked(visit, {"id": 1, "ask": "tree", "string": "mari"})
    leaves = answer["levels"][0]["nodes"]
    assert [node["characters"] for node in leaves][-4:] == [["m"], ["a"], ["r"], ["i"]]
    assert answer["probabilities"][0]["character"] == "end"
    assert sum(one["probability"] for one in answer["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert answer["done"]


def test_a_job_is_stopped_and_the_next_one_works(visit: Visit) -> None:
    endless = {"id": 7, "ask": "sample", "wish": {"count": 10_000_000, "seed": 1}}
    answers = asked(visit, endless, stop_after=2, waits=600)
    assert 2 <= len(answers) < 12  # what was on its way
    (after,) = asked(visit, {"id": 8, "ask": "explain", "string": "anna"})
    assert [row["character"] for row in after["rows"]] == [*"anna", "end"]


def test_two_jobs_at_once_and_the_newest_first(visit: Visit) -> None:
    long = {"id": 1, "ask": "sample", "wish": {"count": 6_000, "seed": 1}}
    short = {"id": 2, "ask": "sample", "wish": {"count": 300, "seed": 1, "endsWith": "a"}}
    answers = asked(visit, long, short)
    order = [answer["id"] for answer in answers]
    assert order.index(2) < len(order) - order[::-1].index(1) - 1  # the short one is there before the long one ends
    for job, count in ((1, 6_000), (2, 300)):
        assert sum(len(answer["strings"]) for answer in answers if answer["id"] == job) == count


def test_what_cannot_be_done_is_told(visit: Visit) -> None:
    wish = {"count": 3, "pattern": "(?=a)b"}
    (answer,) = asked(visit, {"id": 1, "ask": "sample", "wish": wish})
    assert answer["error"].startswith("'(?=a)b' has look-around; a pattern must do without look-around")
