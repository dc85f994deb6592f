"""The page's second tab: strings typed, pasted and from a file are scored, the odd ones first."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Visit, visited
from paged import strings_of, wait_until
from playwright.sync_api import Browser, Page, expect

import wavemore
from wavemore.judging.row_scores import Judge, RowScores

FIELD = "How well does a string fit? Type or paste some, one a line"
PASTE = """(field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
NAMES = ["emma", "marlxna", "olivia", "xqzt"]


@pytest.fixture(scope="module")
def visit(browser: Browser, names_page: Path) -> Iterator[Visit]:
    """One page for the tests of this file, each of which begins anew in it."""
    with visited(browser, names_page, has_touch=True) as visit:
        strings_of(visit.page)
        yield visit


def opened(page: Page) -> None:
    page.get_by_role("tab", name="Check").click()
    page.locator("#order").evaluate("choice => (choice.value = 'odd')")


def scored(page: Page, count: int) -> list[str]:
    page.locator("#scores tbody tr").nth(count - 1).wait_for()
    return page.locator("#scores tbody tr").evaluate_all("rows => rows.map(row => row.dataset.string)")


def test_a_pasted_list_is_scored_as_python_scores_it_and_odd_strings_come_first(visit: Visit):
    model = wavemore.load()
    page = visit.page
    opened(page)
    page.get_by_label(FIELD).fill("\n".join([*NAMES, "", "zoë"]))
    expect(page.locator("#checked-said")).to_have_text("5 strings; 1 line that is blank")
    order = scored(page, 6)
    assert order[5] == ""  # what is blank comes last
    assert order[0] == "zoë"  # unknown characters before all
    assert set(order[1:3]) == {"marlxna", "xqzt"}
    row = page.locator("#scores tr[data-string='zoë']")
    expect(row).to_contain_text("the model does not know ë")
    expect(page.locator("#scores tr[data-string='emma']")).to_contain_text("on the model's list")
    for string in NAMES:
        told = page.locator(f"#scores tr[data-string='{string}'] td.number").all_inner_texts()
        assert float(told[0]) == pytest.approx(model.explain([string])[0].bits_per_character, abs=0.02)
    with page.expect_download() as table:
        page.locator("#check-csv").click()
    rows = [*csv.DictReader(Path(table.value.path()).read_text(encoding="utf-8-sig").splitlines())]
    added = RowScores([Judge("names", model.file_, model.distribution_)], surprise=True, percentile=True).names
    assert [*rows[0]] == ["string", *added, "note"]
    assert [row["string"] for row in rows] == order
    assert [*rows[5].values()] == [""] * 6 + ["blank, so without a score"]
    found = {row["string"]: float(row["log_likelihood"]) for row in rows[:5]}
    assert found["zoë"] == float("-inf")
    assert [found[name] for name in NAMES] == pytest.approx(model.score_samples(NAMES).tolist(), abs=0.03)
    page.locator("#order").select_option("as given")
    assert scored(page, 6) == [*NAMES, "", "zoë"]
    assert (visit.requests, visit.problems) == ([], [])


def test_a_character_tells_what_was_expected_by_mouse_keyboard_and_finger(visit: Visit):
    page, tip = visit.page, visit.page.get_by_role("tooltip")
    opened(page)
    page.get_by_label(FIELD).fill("marlxna")
    expect(page.locator("#scores tbody tr")).to_have_count(1)
    boxes = page.locator("#scores tr[data-string='marlxna'] .box")
    expect(boxes).to_have_count(8)
    boxes.nth(4).tap()
    expect(tip).to_contain_text(re.compile(r"^x: under 0\.1\s%\. Expected here: i \d+\s%, e \d+\s%"))
    page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text(re.compile("^n: .*Expected here: a "))
    expect(boxes.nth(5)).to_be_focused()
    expect(boxes.nth(5)).to_have_attribute("aria-describedby", "tip")
    page.keyboard.press("End")
    expect(tip).to_contain_text(re.compile("^the end: "))
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    boxes.nth(0).hover()
    expect(tip).to_contain_text(re.compile("^m: "))
    expect(boxes.nth(4)).to_have_class(re.compile("s4"))
    assert visit.problems == []


def test_names_with_a_comma_each_are_no_table_unless_they_are_said_to_be_one(visit: Visit):
    page = visit.page
    opened(page)
    page.get_by_label(FIELD).fill("smith, emma\njones, olivia")
    assert set(scored(page, 2)) == {"smith, emma", "jones, olivia"}
    expect(page.locator("#scores tbody tr").first).to_contain_text("the model does not know “,” and space")
    expect(page.locator("#column-label")).to_be_hidden()
    columns = page.get_by_label("Columns, split at commas")
    expect(columns).not_to_be_checked()
    columns.check()
    expect(page.locator("#column-label")).to_be_visible()
    expect(page.get_by_label("The first row names the columns")).not_to_be_checked()  # so the first name stays one
    page.locator("#column").select_option("0")
    assert set(scored(page, 2)) == {"smith", "jones"}
    columns.uncheck()
    expect(page.locator("#column-label")).to_be_hidden()
    assert set(scored(page, 2)) == {"smith, emma", "jones, olivia"}
    page.get_by_label(FIELD).fill("emma\nolivia")
    expect(page.locator("#split-label")).to_be_hidden()
    assert visit.problems == []


def test_a_csv_file_is_scored_by_a_column_and_written_back_whole(visit: Visit, tmp_path: Path):
    table = tmp_path / "people.csv"
    table.write_text('\ufeffid,name\n1,"xq""zt"\n2,emma\n3,=emma\n4,\n', encoding="utf-8")
    page = visit.page
    opened(page)
    page.locator("#file").set_input_files(table)
    assert page.locator("#column").evaluate("choice => choice.selectedOptions[0].text") == "name"
    expect(page.get_by_label("The first row names the columns")).to_be_checked()
    assert set(scored(page, 4)) == {'xq"zt', "emma", "=emma", ""}
    expect(page.locator("#checked-said")).to_have_text("3 strings; 1 row that is blank")
    page.locator("#order").select_option("as given")
    with page.expect_download() as download:
        page.locator("#check-csv").click()
    rows = [*csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines())]
    assert [(row["id"], row["name"]) for row in rows] == [("1", 'xq"zt'), ("2", "emma"), ("3", "'=emma"), ("4", "")]
    assert rows[1]["unknown"] == ""
    assert (rows[3]["log_likelihood"], rows[3]["note"]) == ("", "blank, so without a score")
    page.locator("#column").select_option("id")
    assert set(scored(page, 4)) == {"1", "2", "3", "4"}
    expect(page.locator("#scores")).to_contain_text("the model does not know 1")
    wrong = tmp_path / "wrong.txt"
    wrong.write_bytes(b"zo\xeb\n")
    page.locator("#file").set_input_files(wrong)
    expect(page.locator("#given-said")).to_have_text(
        "This file is not text in UTF-8; save it as UTF-8 and open it again. What stands here is still the list before."
    )
    strings = ["id", "1", "2", "3", "4"]
    for data, kind in ((b"PK\x03\x04\x14\x00\x06\x00", "a spreadsheet"), (b"PAR1\x15\x04", "a table in Parquet")):
        wrong.write_bytes(data)
        page.locator("#file").set_input_files(wrong)
        said = page.locator("#given-said")
        expect(said).to_contain_text(f"This file is {kind}")
        expect(said).to_contain_text("as CSV, and open that")
        expect(said).to_contain_text("What stands here is still the list before.")
        expect(said).to_have_class(re.compile("remark"))
        assert set(scored(page, 4)) < set(strings)  # and its table, its column and its tick stay
        expect(page.locator("#column-label")).to_be_visible()
    page.get_by_label(FIELD).fill('name,n\n"emma,1\n')  # of which no list is read
    expect(said).to_have_text("A quote in this table is opened and never closed.")
    for gone in ("#checked", "#column-label", "#heading-label"):
        expect(page.locator(gone)).to_be_hidden()
    page.get_by_label("Columns, split at commas or the like").uncheck()
    assert scored(page, 2)[-1:] != []
    expect(said).not_to_have_class(re.compile("remark"))
    page.get_by_label(FIELD).fill("emma")
    expect(page.locator("#split-label")).to_be_hidden()
    assert visit.problems == []


def test_capitals_and_blanks_at_the_ends_are_read_as_the_model_knows_them(visit: Visit):
    page = visit.page
    opened(page)
    page.get_by_label(FIELD).fill("Emma\n  bob \nZoë")
    expect(page.locator("#checked-said")).to_have_text(
        "3 strings; 2 read in the case that the model knows; 1 read without blanks at the ends"
    )
    row = page.locator("#scores tr[data-string='emma']")
    expect(row).to_contain_text("“Emma” is read as “emma”; on the model's list")
    bits = wavemore.load().explain(["emma"])[0].bits_per_character
    assert float(row.locator("td.number").first.inner_text()) == pytest.approx(bits, abs=0.02)
    expect(page.locator("#scores tr[data-string='bob']")).to_contain_text("“  bob ” is read as “bob”")
    expect(page.locator("#scores tr[data-string='zoë']")).to_contain_text("the model does not know ë")
    with page.expect_download() as table:
        page.locator("#check-csv").click()
    rows = [*csv.DictReader(Path(table.value.path()).read_text(encoding="utf-8-sig").splitlines())]
    assert {row["string"] for row in rows} == {"Emma", "  bob ", "Zoë"}  # as they were given
    assert visit.problems == []


def test_a_file_that_is_dropped_is_scored(visit: Visit):
    drop = """box => {
        const data = new DataTransfer();
        data.items.add(new File(["emma\\nxqzt\\n"], "list.txt", { type: "text/plain" }));
        box.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    opened(visit.page)
    visit.page.locator("#drop").evaluate(drop)
    assert scored(visit.page, 2) == ["xqzt", "emma"]
    expect(visit.page.locator("#given-said")).to_have_text("list.txt: 2 lines.")


def test_of_thousands_of_rows_only_a_page_is_in_the_document(visit: Visit):
    page = visit.page
    opened(page)
    page.get_by_label(FIELD).fill("")
    strings = "\n".join(f"{a}{b}na" for a in "abcdefghij" for b in ["ri", "la", "xq"] * 100)
    page.get_by_label(FIELD).evaluate(PASTE, strings)
    expect(page.locator("#checked-said")).to_have_text("3,000 strings")
    assert page.locator("#scores tbody tr").count() == 50
    assert all("xq" in string for string in scored(page, 50))
    page.get_by_role("button", name="Later").click()
    expect(page.locator("#page-said")).to_have_text("51 to 100 of 3,000")
    expect(page.get_by_role("status")).to_have_text("51 to 100 of 3,000")
    assert visit.problems == []


def test_the_example_shows_what_an_odd_string_looks_like(visit: Visit):
    opened(visit.page)
    visit.page.get_by_role("button", name="Show an example").click()
    wait_until(lambda: visit.page.locator("#scores tbody tr").count() == 6)
