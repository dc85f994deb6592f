"""How a model shows itself in a notebook, and its page in a frame."""

from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import pytest
from model_kinds import FILES, VOCABULARY
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from wavemore.errors import UsageError
from wavemore.estimator import StringModel, load
from wavemore.export.notebook import Page, card
from wavemore.models.modelfile import ModelFile
from wavemore.page.one_file import page_html
from wavemore.settings.config import Recipe, SequenceConfig


class Shown(HTMLParser):
    """The texts and the tags of some HTML, whose tags have to be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_model_shows_what_it_is_and_ten_strings():
    model = load()
    html = model._repr_html_()
    assert html is not None
    texts = Shown(html).texts
    assert [text for text in texts if text.strip()] == [
        "StringModel",
        *("list", "names, 17,154 strings", "kind", "wavenet", "parameters", f"{model.file_.parameter_count:,}"),
        *("validation loss", f"{model.file_.provenance['losses']['validation']:.4f} nats per character"),
        *model.sample(10, seed=0),
    ]
    assert model._repr_html_() == html


def test_its_text_stays_as_it_was():
    assert repr(load()).startswith("<StringModel of 'names', ")


def test_before_it_was_fitted_a_notebook_shows_the_text():
    assert StringModel()._repr_html_() is None
    assert repr(StringModel("fast")) == "StringModel(recipe='fast')"


def test_nothing_of_a_list_becomes_html():
    file = replace(FILES["labels"](), provenance={"data": {"name": "<b>&\u202e", "strings": 3}})
    shown = Shown(card(file, ["<script>", "a\x1bb", ""], ""))
    assert "<b>&\\u202e, 3 strings" in "".join(shown.texts)
    assert "<script>" in "".join(shown.texts)
    assert "a\\x1bb" in "".join(shown.texts)
    assert {tag for tag, _ in shown.tags} == {"div", "strong", "table", "tr", "th", "td", "code"}


def test_a_model_that_makes_no_strings_says_why():
    model = StringModel()
    config = SequenceConfig(kind="gru")
    model.file_ = ModelFile(Recipe(model=config), VOCABULARY, {}, {"data": None, "losses": 3})
    model.__dict__["sample"] = lambda n, *, seed: (_ for _ in ()).throw(UsageError("a <reason>"))
    html = model._repr_html_()
    assert html is not None
    assert Shown(html).texts[-1] == "a <reason>"


def test_scikit_learn_shows_it_in_a_pipeline():
    assert "StringModel" in estimator_html_repr(make_pipeline(load()))
    assert "StringModel" in make_pipeline(StringModel("fast"))._repr_html_()


def test_the_page_is_text_in_a_frame_that_reaches_nothing_around_it(tiny_model: StringModel):
    page = tiny_model.page(height=500)
    ((tag, attributes),) = Shown(page._repr_html_()).tags
    assert tag == "iframe"
    assert attributes["srcdoc"] == page_html(tiny_model.file_) == page.html
    assert attributes["sandbox"] == "allow-scripts allow-downloads"
    assert "height: 500px" in str(attributes["style"])
    assert len(repr(page)) < 100


@pytest.mark.parametrize("height", [99, 10_001, 500.0, True, "500"])
def test_a_height_that_is_none_is_refused(height):
    with pytest.raises(UsageError, match=escape("the height is")):
        Page("", height)


def test_a_model_that_leans_has_no_page(tiny_model: StringModel):
    with pytest.raises(UsageError) as refused:
        tiny_model.leaning(["baba", "bobo", "bebe"]).page()
    assert str(refused.value) == (
        "a model that leans towards favourites is not shown as a page; show the one that it came from"
    )
