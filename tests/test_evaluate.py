import math

import pytest

from wavemore.corpus import read_corpus, split
from wavemore.errors import CorpusError
from wavemore.evaluate import evaluate, evaluate_parts


def test_the_loss_is_the_mean_over_characters_and_boundaries(tiny_model, strings):
    result = evaluate(tiny_model.engine_, tiny_model.file_.vocabulary, strings)
    assert result.predictions == sum(len(s) + 1 for s in strings)
    assert result.nats_per_character == pytest.approx(-tiny_model.score_samples(strings).sum() / result.predictions)
    assert result.bits_per_character == pytest.approx(result.nats_per_character / math.log(2))
    assert result.perplexity == pytest.approx(math.exp(result.nats_per_character))


def test_strings_with_unknown_characters_are_counted_and_left_out(tiny_model, strings):
    file = tiny_model.file_
    with_unknown = evaluate(tiny_model.engine_, file.vocabulary, [*strings, "xyz"])
    assert (with_unknown.strings, with_unknown.unknown) == (len(strings), 1)
    assert with_unknown.nats_per_character == evaluate(tiny_model.engine_, file.vocabulary, strings).nats_per_character
    with pytest.raises(CorpusError, match="none of the 1 strings is made of characters that the model knows"):
        evaluate(tiny_model.engine_, file.vocabulary, ["xyz"])


def test_the_training_list_is_recognised_and_evaluated_by_parts(tiny_model, strings):
    corpus = read_corpus(strings)
    results = evaluate_parts(tiny_model.engine_, tiny_model.file_, corpus)
    assert list(results) == ["train", "validation", "test", "all"]
    losses = tiny_model.file_.provenance["losses"]
    assert results["train"].nats_per_character == pytest.approx(losses["train"], abs=1e-5)
    assert results["validation"].nats_per_character == pytest.approx(losses["validation"], abs=1e-5)
    assert results["test"].strings == len(split(corpus, tiny_model.file_.recipe.data).test)


def test_another_list_is_evaluated_whole(tiny_model, strings):
    assert list(evaluate_parts(tiny_model.engine_, tiny_model.file_, read_corpus(strings[1:]))) == ["all"]
