"""The worker as it runs in Chromium, from the exported file, on file:// and with the network denied."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import Visit, visited
from page_worker import START
from playwright.sync_api import Browser
from rounded import rounded

import wavemore
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import read_corpus
from wavemore.page.packing import packed
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Contains, EndsWith, Length, Never, StartsWith, conjunction
from wavemore.sampling.patterns import Matches
from wavemore.sampling.search import most_likely

HELPERS = """() => {
  const worker = window.worker;
  let told = () => {};
  worker.onmessage = (event) => told(event.data);
  const plain = (value) => JSON.parse(JSON.stringify(value, (_, one) => ArrayBuffer.isView(one) ? [...one] : one));
  window.askWorker = (messages) => new Promise((resolve) => {
    const answers = [];
    let open = messages.length;
    told = (answer) => {
      answers.push(answer);
      if ((answer.done || answer.error !== undefined) && --open === 0) resolve(plain(answers));
    };
    for (const message of messages) worker.postMessage(message);
  });
  window.stopWorker = (endless) => new Promise((resolve) => {
    const answers = [];
    told = (answer) => {
      answers.push(answer);
      if (answers.length === 2) {
        worker.postMessage({ id: endless.id, ask: "stop" });
        worker.postMessage({ id: 8, ask: "explain", string: "anna" });
      }
      if (answer.id === 8) setTimeout(() => resolve(plain(answers)), 300);
    };
    worker.postMessage(endless);
  });
}"""


@pytest.fixture(scope="module")
def visit(browser: Browser, names_page: Path) -> Iterator[Visit]:
    """The page of the model in the package, with a worker of the test's own."""
    with visited(browser, names_page) as opened:
        assert opened.page.evaluate(START, True)
        opened.page.evaluate(HELPERS)
        yield opened


def asked(visit: Visit, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """All answers of the worker to these messages."""
    return visit.page.evaluate("(messages) => askWorker(messages)", messages)


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
        answers = asked(visit, {"id": 1, "ask": "sample", "wish": {"count": 100, "seed": 3, **wish}})
        found = [one for answer in answers for one in answer["strings"]]
        assert len(found) == 100
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
    strings = wavemore.load().sample(400, seed=5, temperature=1.3)
    answers = asked(visit, {"id": 1, "ask": "score", "strings": strings})
    rows = [row for answer in answers for row in answer["rows"]]
    found = [row["logLikelihood"] for row in rows]
    np.testing.assert_allclose(found, log_likelihoods(distribution, strings), atol=1e-4)
    assert sum(row["seen"] for row in rows) > 5
    assert all(0 <= row["percentile"] <= 100 for row in rows)


def test_ten_thousand_log_likelihoods_are_pythons(visit: Visit, distribution: Distribution) -> None:
    strings = [*read_corpus("names").strings][:10_000]
    answers = asked(visit, {"id": 1, "ask": "score", "strings": strings, "label": None})
    found = [row["logLikelihood"] for answer in answers for row in answer["rows"]]
    assert len(found) == 10_000
    np.testing.assert_allclose(found, log_likelihoods(distribution, strings), rtol=0, atol=1e-4)
    assert (visit.requests, visit.problems) == ([], [])


def test_the_tree_of_a_string(visit: Visit) -> None:
    (answer,) = asked(visit, {"id": 1, "ask": "tree", "string": "mari"})
    leaves = answer["levels"][0]["nodes"]
    assert [node["characters"] for node in leaves][-4:] == [["m"], ["a"], ["r"], ["i"]]
    assert answer["probabilities"][0]["character"] == "end"
    assert sum(one["probability"] for one in answer["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert answer["done"]


def test_a_job_is_stopped_and_the_next_one_works(visit: Visit) -> None:
    endless = {"id": 7, "ask": "sample", "wish": {"count": 10_000_000, "seed": 1}}
    answers = visit.page.evaluate("(endless) => stopWorker(endless)", endless)
    last = max(place for place, answer in enumerate(answers) if answer["id"] == 8)
    assert [row["character"] for row in answers[last]["rows"]] == [*"anna", "end"]
    assert len(answers) - last - 1 == 0  # nothing of the stopped job comes after what was asked after the stop
    assert answers[0]["id"] == 7


def test_two_jobs_at_once_and_the_newest_first(visit: Visit) -> None:
    long = {"id": 1, "ask": "sample", "wish": {"count": 3_000, "seed": 1}}
    short = {"id": 2, "ask": "sample", "wish": {"count": 300, "seed": 1, "endsWith": "a"}}
    answers = asked(visit, long, short)
    order = [answer["id"] for answer in answers]
    assert order.index(2) < len(order) - order[::-1].index(1) - 1  # the short one is there before the long one ends
    for job, count in ((1, 3_000), (2, 300)):
        assert sum(len(answer["strings"]) for answer in answers if answer["id"] == job) == count


def test_what_cannot_be_done_is_told(visit: Visit) -> None:
    wish = {"count": 3, "pattern": "(?=a)b"}
    (answer,) = asked(visit, {"id": 1, "ask": "sample", "wish": wish})
    assert answer["error"].startswith("'(?=a)b' has look-around; a pattern must do without look-around")
