"""What goes wrong with the page's browser, worker or store is told in a sentence, and nothing is lost or stale."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Visit, visited
from packed_models import network_file
from paged import begun_anew, strings_of, wait_until
from playwright.sync_api import Browser, expect

from wavemore.lists.vocabulary import Vocabulary
from wavemore.page.one_file import page_html

WATCHED = """
window.sent = [];
window.Worker = class extends Worker {
  constructor(address) {
    super(address);
    window.watched = this;
  }
  postMessage(message) {
    window.sent.push({ id: message.id, ask: message.ask, string: message.string });
    super.postMessage(message);
  }
};
const setItem = Storage.prototype.setItem;
Storage.prototype.setItem = function (name, value) {
  if (window.full && value.length > 5) throw new DOMException("no room", "QuotaExceededError");
  setItem.call(this, name, value);
};
"""
PASTE = """(field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""

STOP_AT_ONCE = """new MutationObserver((_, observer) => {
    if (!document.getElementById("checked-said").textContent.endsWith("so far")) return;
    observer.disconnect();
    window.offered = !document.getElementById("check-csv").disabled;
    document.getElementById("check-stop").click();
}).observe(document.getElementById("checked-said"), { childList: true })"""


@pytest.fixture(scope="module")
def small_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("small") / "abc.html"
    page.write_text(page_html(network_file(1, Vocabulary("abcdefghijklmnop"))), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def opened(browser: Browser, small_page: Path) -> Iterator[Visit]:
    with visited(browser, small_page, first=WATCHED) as visit:
        yield visit


@pytest.fixture
def visit(opened: Visit) -> Visit:
    return begun_anew(opened)


def test_an_old_browser_is_told_what_it_lacks(browser: Browser, small_page: Path):
    with visited(browser, small_page, first="delete window.DecompressionStream") as visit:
        expect(visit.page.get_by_role("alert")).to_have_text(
            "The page does not work here: this browser is too old; the page needs one of 2023 or later."
        )
        expect(visit.page.locator("#made-said")).to_contain_text("The model did not start (this browser is too old")
        assert visit.problems == []


def test_where_no_worker_may_start_that_is_said(browser: Browser, small_page: Path):
    refused = "window.Worker = class { constructor() { throw new Error('workers are forbidden'); } }"
    with visited(browser, small_page, first=refused) as visit:
        expect(visit.page.get_by_role("alert")).to_have_text("The page does not work here: workers are forbidden.")


@pytest.mark.parametrize("part", ["worker", "model"])
def test_a_page_that_is_not_whole_says_so(browser: Browser, small_page: Path, tmp_path: Path, part: str):
    page = tmp_path / "cut.html"
    element = re.compile(rf'(<script type="text/plain" id="{part}">)([^<]*)')
    text = element.sub(lambda found: found[1] + found[2][: len(found[2]) // 8 * 4], small_page.read_text("utf-8"))
    page.write_text(text, encoding="utf-8")
    with visited(browser, page) as visit:
        said = "the page is not whole; fetch it again"
        expect(visit.page.get_by_role("alert")).to_have_text(f"The page does not work here: {said}.")
        expect(visit.page.locator("#made-said")).to_have_text(f"The model did not start ({said})")
        assert visit.problems == []


def test_when_the_worker_fails_every_question_is_answered_by_a_sentence(visit: Visit):
    page = visit.page
    page.evaluate("watched.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }))")
    sentence = "he model has stopped working (out of memory); load the page again"
    page.locator("#make").click()
    expect(page.locator("#made-said")).to_have_text(f"T{sentence}")
    page.get_by_role("tab", name="Look inside").click()
    expect(page.locator("#look-said")).to_have_text(f"t{sentence}")
    expect(page.locator("#tree-part")).to_be_hidden()
    page.get_by_role("tab", name="Check").click()
    page.locator("#given").fill("abc")
    expect(page.locator("#given-said")).to_have_text(f"t{sentence}")


def test_a_full_store_is_told_and_what_is_removed_stays_removed(visit: Visit):
    page = visit.page
    strings = strings_of(page)
    page.locator("#made .act.keep").first.click()
    expect(page.locator("#kept-said")).to_have_text("1 string. They stay in this browser.")
    page.evaluate("window.full = true")
    page.locator("#made .act.keep").nth(next(i for i, string in enumerate(strings) if string != strings[0])).click()
    expect(page.locator("#kept-said")).to_contain_text("They are lost when the page is closed")
    page.get_by_role("button", name="Remove all").click()
    page.reload()
    strings_of(page)
    expect(page.locator("#kept li")).to_have_count(0)


def test_what_another_window_kept_is_not_lost(visit: Visit):
    page = visit.page
    kept = "Object.keys(localStorage).find((name) => name.startsWith('wavemore kept'))"
    page.evaluate(f"localStorage.setItem({kept}, '[[\"abcabc\",-3]]')")
    string = strings_of(page)[0]
    page.locator("#made .act.keep").first.click()
    assert strings_of(page, 2, "#kept") == ["abcabc", string]


def test_a_store_with_something_else_in_it_does_no_harm(visit: Visit):
    page = visit.page
    kept = "Object.keys(localStorage).find((name) => name.startsWith('wavemore kept'))"
    for text in ("{", '{"a": 1}', "[1]"):
        page.evaluate(f"text => localStorage.setItem({kept}, text)", text)
        page.reload()
        strings_of(page)
        page.locator("#made .act.keep").first.click()
        expect(page.locator("#kept-said")).to_have_text("1 string. They stay in this browser.")


def test_of_fast_keys_only_the_last_ones_tree_is_worked_out(visit: Visit):
    page = visit.page
    page.get_by_role("tab", name="Look inside").click()
    page.locator("#tree .node").first.wait_for()
    page.evaluate("sent.length = 0")
    page.locator("#typed").evaluate("""field => {
        for (const text of ["a", "ab", "abc", "abca"]) {
            field.value = text;
            field.dispatchEvent(new Event("input"));
        }
    }""")
    leaves = page.locator("#tree [data-at^='0 '] .chunk")
    wait_until(lambda: leaves.all_inner_texts() == [*"abca"])
    sent = page.evaluate("sent")
    asked = {one["id"]: one["string"] for one in sent if one["ask"] == "tree"}
    stopped = [asked[one["id"]] for one in sent if one["ask"] == "stop"]
    assert stopped == ["a", "ab", "abc"]


def test_a_number_that_is_none_is_told_and_the_job_before_has_no_stop(visit: Visit):
    page, said = visit.page, visit.page.locator("#made-said")
    page.locator("#conditions").evaluate("details => (details.open = true)")
    page.get_by_label("Contain").fill("abcabcabcabcabcabc")  # hardly any string has it
    page.get_by_label("How many").fill("10000")
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible()
    page.get_by_label("at least").press_sequentially("-")
    expect(said).to_have_text("A length must be a whole number from 0 to 1,000.")
    expect(stop).to_be_hidden()
    page.wait_for_timeout(400)  # after which a job that still goes on would offer it
    expect(stop).to_be_hidden()
    page.get_by_label("at least").fill("1001")
    page.get_by_label("How many").fill("")
    page.get_by_label("How many").press_sequentially("1e")
    expect(said).to_have_text("How many must be a whole number from 1 to 10,000.")


def test_a_long_text_is_pasted_where_the_cursor_is(visit: Visit):
    page = visit.page
    page.get_by_role("tab", name="Check").click()
    page.locator("#given").fill("ab\ncc")
    page.locator("#given").evaluate("field => field.setSelectionRange(3, 3)")
    page.locator("#given").evaluate(PASTE, "abc\n" * 2000)
    assert page.locator("#given").input_value() == "ab\n" + "abc\n" * 2000 + "cc"
    expect(page.locator("#checked-said")).to_have_text("2,002 strings")


def test_of_a_list_that_was_stopped_the_download_has_what_was_scored(visit: Visit):
    page = visit.page
    page.get_by_role("tab", name="Check").click()
    page.evaluate(STOP_AT_ONCE)
    page.locator("#given").evaluate(PASTE, "".join("abc" * (1 + i % 60) + "\n" for i in range(30_000)))
    expect(page.locator("#given-said")).to_have_text("30,000 lines pasted, too many to show here.")
    expect(page.locator("#checked-said")).to_contain_text("Stopped")
    told = re.match(r"Stopped: ([\d,]+) strings scored", page.locator("#checked-said").inner_text())
    assert told
    assert page.evaluate("offered") is False  # while strings are scored there is nothing whole to download
    with page.expect_download() as table:
        page.locator("#check-csv").click()
    rows = [*csv.DictReader(Path(table.value.path()).read_text(encoding="utf-8-sig").splitlines())]
    assert len(rows) == int(told[1].replace(",", ""))


def test_of_long_strings_fewer_are_on_a_page(visit: Visit):
    page = visit.page
    page.get_by_role("tab", name="Check").click()
    lines = ["ab" * 500 + "cd"[i % 2] * i for i in range(5)] + ["p" * 30]
    page.locator("#given").evaluate(PASTE, "\n".join(lines))
    expect(page.locator("#checked-said")).to_have_text("6 strings")
    page.locator("#order").select_option("as given")
    expect(page.locator("#page-said")).to_have_text("1 to 2 of 6")
    rows = page.locator("#scores tbody tr")
    assert rows.evaluate_all("rows => rows.map(row => row.dataset.string)") == lines[:2]
    assert rows.nth(1).locator(".box").count() == 1000
    expect(rows.nth(1)).to_contain_text("… 2 more")
    page.get_by_role("button", name="Later").click()
    expect(page.locator("#page-said")).to_have_text("3 to 4 of 6")
    page.get_by_role("button", name="Later").click()
    expect(page.locator("#page-said")).to_have_text("5 to 6 of 6")
    expect(rows.nth(1).locator(".box")).to_have_count(31)


def test_a_file_beside_the_box_does_not_replace_the_page(visit: Visit):
    dropped = "body => body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true }))"
    assert visit.page.locator("body").evaluate(dropped) is False  # that the browser opens it was prevented


def test_a_file_without_lines_is_told(visit: Visit, tmp_path: Path):
    page, empty = visit.page, tmp_path / "empty.csv"
    empty.write_text("", encoding="utf-8")
    page.get_by_role("tab", name="Check").click()
    page.locator("#file").set_input_files(empty)
    expect(page.locator("#given-said")).to_have_text("empty.csv: 0 lines.")
    assert visit.problems == []
