"""The page's third tab, the keyboard, every width and colour scheme, and models of other kinds."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Visit, visited
from packed_models import network_file
from paged import PHONE, strings_of, violations, wait_until
from playwright.sync_api import Browser, Page, expect

import wavemore
from wavemore.page.one_file import page_html


@pytest.fixture(scope="module")
def visit(browser: Browser, names_page: Path) -> Iterator[Visit]:
    """One page for the tests of this file, each of which begins anew in it."""
    with visited(browser, names_page, bypass_csp=True) as visit:  # which axe needs; other tests keep the policy
        strings_of(visit.page)
        yield visit


def typed(page: Page, text: str) -> None:
    page.get_by_label("What comes next? Type the beginning of a string").fill(text)


def test_the_tree_moves_as_one_types(visit: Visit):
    page = visit.page
    page.get_by_role("tab", name="Look inside").click()
    typed(page, "marle")
    leaves = page.locator("#tree [data-at^='0 '] .chunk")
    wait_until(lambda: leaves.all_inner_texts()[-5:] == [*"marle"])
    page.locator("#typed").press_sequentially("n")
    wait_until(lambda: leaves.all_inner_texts()[-6:] == [*"marlen"])
    top = page.get_by_role("button", name=re.compile("^Level 3, marlen"))
    expect(top).to_be_visible()
    expect(page.locator("#tree-said")).to_contain_text(
        re.compile(r"^The last 8 characters, the context, stand at the bottom")
    )
    expect(page.locator("#tree-said")).not_to_contain_text("percentages above")  # which are of this tree alone
    levels = [page.locator(f"#tree [data-at^='{level} ']").count() for level in range(4)]
    assert levels == [8, 4, 2, 1]  # as the shapes below say
    expect(page.get_by_role("button", name="Leaf e, shared 2 times")).to_have_class(re.compile("known"))
    top.focus()
    expect(page.locator("#node-said")).to_contain_text("Level 3: “marlen” after 2 places of padding. 128 numbers")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name=re.compile("^Level 2, rlen"))).to_be_focused()
    shapes = page.locator("#shapes tbody td.code").all_inner_texts()
    assert shapes == [
        "(1, 8, 24)",
        "(1, 4, 48)",
        "(1, 4, 128)",
        "(1, 2, 256)",
        "(1, 2, 128)",
        "(1, 256)",
        "(1, 128)",
        "(1, 27)",
    ]
    assert (visit.requests, visit.problems) == ([], [])


def test_the_next_character_is_what_python_expects_and_can_be_added(visit: Visit):
    expected = wavemore.load().explain(["marlena"])[0].predictions[6].alternatives
    character, probability = next((c, p) for c, p in expected if c)
    page = visit.page
    page.get_by_role("tab", name="Look inside").click()
    typed(page, "marlen")
    first = page.locator("#next li").filter(has=page.get_by_role("button")).first
    expect(first.locator(".bet-name")).to_have_text(character)
    assert float(first.locator(".share").inner_text().split()[0]) == pytest.approx(100 * probability, abs=1)
    first.get_by_role("button").click()
    expect(page.locator("#typed")).to_have_value("marlen" + character)


def test_the_bars_of_the_next_character_have_one_scale(visit: Visit):
    page = visit.page
    page.get_by_role("tab", name="Look inside").click()
    typed(page, "qm")
    wait_until(lambda: page.locator("#tree [data-at^='0 '] .chunk").all_inner_texts()[-2:] == ["q", "m"])
    shares = [float(text.split()[0]) for text in page.locator("#next .share").all_inner_texts()]
    page.wait_for_timeout(300)  # in which the bars take their width
    widths = page.locator("#next .strip").evaluate_all("all => all.map(strip => strip.getBoundingClientRect().width)")
    room = page.locator("#next .track").first.evaluate("track => track.getBoundingClientRect().width")
    assert max(widths) == pytest.approx(room, abs=0.5)  # none is cut
    for share, width in zip(shares, widths, strict=True):
        assert width / room == pytest.approx(share / max(shares), abs=0.03)


def test_of_a_string_with_an_unknown_character_the_tree_before_it_is_shown(visit: Visit):
    visit.page.get_by_role("tab", name="Look inside").click()
    typed(visit.page, "zoë")
    said = visit.page.locator("#look-said")
    expect(said).to_have_text("The model does not know ë; this is the tree of “zo”, which stands before.")
    expect(visit.page.get_by_role("button", name=re.compile("^Level 3, zo"))).to_be_visible()
    typed(visit.page, "Éë")
    expect(said).to_have_text(
        "The model does not know É and ë; this is the tree of the beginning of any string, as nothing stands before."
    )
    typed(visit.page, "Zo")
    expect(said).to_have_text("Z is read as z: the model knows this case alone.")
    expect(visit.page.get_by_role("button", name=re.compile("^Level 3, zo"))).to_be_visible()
    typed(visit.page, "zo")
    expect(said).to_have_text("")
    field, message = visit.page.locator("#typed").bounding_box(), said.bounding_box()
    assert field is not None
    assert message is not None
    assert message["y"] >= field["y"] + field["height"] + 5  # the ring of the focus covers none of it


def test_a_string_that_repeats_has_shared_chunks(visit: Visit):
    visit.page.get_by_role("tab", name="Look inside").click()
    typed(visit.page, "mama")
    expect(visit.page.get_by_role("button", name="Level 1, ma, shared 2 times").first).to_be_visible()


def test_the_keyboard_alone_does_it(visit: Visit):
    page = visit.page
    page.reload()
    strings = strings_of(page)
    press = page.keyboard.press
    press("Tab")
    expect(page.get_by_role("tab", name="Make")).to_be_focused()
    press("Tab")
    expect(page.get_by_role("button", name="Make 10 new strings")).to_be_focused()
    press("Enter")
    wait_until(lambda: len(strings_of(page)) == 10 and strings_of(page) != strings)
    page.locator("#made .act.keep").first.focus()
    press("Space")
    expect(page.locator("#made .act.keep").first).to_have_attribute("aria-pressed", "true")
    press("Tab")
    press("Tab")
    press("Enter")
    expect(page.locator(".steps")).to_be_visible()
    page.get_by_role("tab", name="Make").focus()
    press("ArrowRight")
    expect(page.get_by_role("tab", name="Check")).to_be_focused()
    press("Tab")
    page.keyboard.type("xqzt")
    expect(page.locator("#scores tbody tr")).to_have_count(1)
    page.get_by_role("tab", name="Check").focus()
    press("End")
    press("Tab")
    page.keyboard.type("a")
    expect(page.locator("#tree .node").first).to_be_visible()


def test_axe_finds_no_violation_on_a_phone(visit: Visit):  # the slow tests ask at other widths, and in dark
    page = visit.page
    page.reload()
    page.set_viewport_size(PHONE)
    assert violations(page) == {}


def test_a_model_with_labels_and_several_networks_says_whose_tree_it_shows(browser: Browser, tmp_path: Path):
    file = tmp_path / "page.html"
    groups = [2, 2]
    model = network_file(1, groups=groups, cycles=2, members=2, kinds={"language": ("it", "tr")}, conditioned=1)
    file.write_text(page_html(model), encoding="utf-8")
    with visited(browser, file) as visit:
        page = visit.page
        page.locator("#form-labels select").select_option("tr")  # while the page still makes strings
        strings_of(page, 1)
        page.get_by_role("tab", name="Look inside").click()
        typed(page, "abc")
        said = page.locator("#tree-said")  # without a label the tree is that of the likeliest one
        expect(said).to_contain_text(re.compile("It is the tree with language = (it|tr), the first of 2 networks"))
        page.locator("#look-labels select").select_option("it")
        expect(said).to_contain_text("It is the tree of the first of 2 networks.")
        expect(said).to_contain_text("at level 3 a second cycle of dilations begins again with neighbours")
        share = "The percentages above come from more than this tree: the logits of 2 networks are averaged."
        expect(said).to_contain_text(share)
        for level in range(5):  # the picture has as many nodes as the shapes say
            name = page.locator("th", has_text=re.compile(f"^Level {level}$" if level else "^Embedding$"))
            shape = page.locator("#shapes tr").filter(has=name)
            told = [int(number) for number in re.findall(r"\d+", shape.locator("td.code").inner_text())]
            assert page.locator(f"#tree [data-at^='{level} ']").count() == (told[1] if len(told) == 3 else 1)
        # Levels overlap, so each node stands over its last character, the top one over that of the context.
        top = page.locator("#tree [data-at='4 0']").bounding_box()
        last = page.locator("#tree [data-at^='0 ']").last.bounding_box()
        assert top is not None
        assert last is not None
        assert top["x"] == pytest.approx(last["x"])
        assert visit.problems == []


def test_of_a_network_with_ngrams_the_share_of_both_is_told(browser: Browser, tmp_path: Path):
    file = tmp_path / "page.html"
    model = network_file(1, ngram=3)
    file.write_text(page_html(model), encoding="utf-8")
    with visited(browser, file) as visit:
        strings_of(visit.page, 1)
        visit.page.get_by_role("tab", name="Look inside").click()
        weight = model.ngram_weight
        assert weight is not None
        expect(visit.page.locator("#tree-said")).to_contain_text(
            f"come from more than this tree: n-grams have a share of {100 * weight:.0f}\u00a0%."
        )


def test_labels_stay_in_their_nodes_and_a_wide_tree_says_so(visit: Visit):
    page = visit.page
    page.reload()
    strings_of(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("tab", name="Look inside").click()
    typed(page, "wwmmwwmm")
    beyond = """nodes => nodes.filter((node) => {
        const letters = document.createRange();
        letters.selectNodeContents(node.querySelector(".chunk"));
        return letters.getBoundingClientRect().width > node.getBoundingClientRect().width;
    }).length"""
    wide = page.locator("#tree-wide")
    expect(page.get_by_role("button", name="Level 3, wwmmwwmm")).to_be_visible()
    assert page.locator("#tree .node").evaluate_all(beyond) == 0
    expect(wide).to_be_hidden()
    page.set_viewport_size(PHONE)
    typed(page, "wwmmwwmmw")
    expect(page.get_by_role("button", name="Level 3, wmmwwmmw")).to_be_visible()
    assert page.locator("#tree .node").evaluate_all(beyond) == 0
    expect(wide).to_be_visible()
    expect(page.locator("#tree .sheet")).to_have_class(re.compile("more-before"))
    page.locator("#tree .sheet").evaluate("sheet => (sheet.scrollLeft = 0)")
    expect(page.locator("#tree .sheet")).to_have_class("sheet more-after")
    shapes = page.locator("#shapes").evaluate("table => table.getBoundingClientRect().right")
    assert shapes <= PHONE["width"]  # all three columns can be seen


def test_scripts_from_right_to_left_marks_and_markup_are_text(browser: Browser, tmp_path: Path):
    strings = ["שלום", "שלי", "של\u05b8ום", "<b>x</b>", "</script>", "<img src=x onerror=alert(1)>"] * 4
    model = wavemore.fit(strings, recipe="ngram")
    file = tmp_path / "page.html"
    file.write_text(page_html(model.file_), encoding="utf-8")
    with visited(browser, file) as visit:
        page = visit.page
        page.get_by_label("Begin with").fill("<")
        wait_until(lambda: len(found := strings_of(page, 1)) > 0 and all(one.startswith("<") for one in found))
        assert page.locator("#made img, #made b, #made script").count() == 0
        assert page.locator("#made bdi").first.get_attribute("dir") == "auto"
        page.get_by_role("tab", name="Check").click()
        page.locator("#given").fill("של\u05b8ום\n<b>x</b>")
        expect(page.locator("#scores tbody tr")).to_have_count(2)
        assert page.locator("#scores tr[data-string='<b>x</b>'] .box").all_inner_texts() == [*"<b>x</b>", "⏎"]
        page.get_by_role("tab", name="Look inside").click()
        expect(page.locator("#tree-said")).to_contain_text("has no network, so there is no tree")
        expect(page.locator("#tree")).to_be_hidden()
        expect(page.locator("#next li").first).to_be_visible()
        expect(page.locator("#about")).not_to_contain_text("rounded")  # counts are exact
        assert (visit.requests, visit.problems) == ([], [])
