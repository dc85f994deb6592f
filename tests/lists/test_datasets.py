import pytest

from wavemore.estimator import load
from wavemore.lists.corpus import read_corpus
from wavemore.lists.streams import embedded_lists
from wavemore.models.modelfile import pretrained_path


@pytest.mark.parametrize(("name", "least"), [("names", 3000), ("towns", 1000), ("dinosaurs", 400)])
def test_embedded_lists_are_clean_sorted_and_distinct(name, least):
    corpus = read_corpus(name)
    assert len(corpus.strings) >= least
    assert corpus.strings == sorted(set(corpus.strings))
    assert not corpus.skipped.counts
    assert all(string == string.strip() and string.isascii() for string in corpus.strings)


def test_every_list_has_a_line_on_its_origin_with_its_size():
    origins = (pretrained_path().parents[2] / "lists" / "datasets" / "README.md").read_text(encoding="utf-8")
    for name in embedded_lists():
        assert f"| {name} | {len(read_corpus(name).strings):,} |" in origins


def test_the_model_in_the_package_was_trained_on_the_embedded_names():
    model = load()
    assert model.file_.provenance["data"]["sha256"] == read_corpus("names").fingerprint
    assert len(set(model.sample(100, seed=1))) > 90
    assert model.score(["emma", "anna"]) > model.score(["xqzt", "qqkk"]) + 5
