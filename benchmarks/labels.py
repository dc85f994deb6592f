"""Labels: one model of the package's surnames in twelve languages, beside a model of each language and one without.

    python benchmarks/labels.py [--seeds 3]

Each seed splits the distinct surnames 80/10/10 anew. All models are the default; the losses are of the last tenth, a
character that a model does not know counted by the floor (`unseen="floor"`). An independent classifier, TF-IDF of
character 1- to 4-grams with logistic regression, learns the first part and tells the language of the held-out surnames
and of as many samples of each label. Then processor seconds of drawing strings, in turns: without a label, with one,
and by a network of the same shape that was trained without labels.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import provenance
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import wavemore
from wavemore.estimator import StringModel
from wavemore.lists.corpus import Corpus, read_corpus, split
from wavemore.lists.labelled import Labelled, Labels
from wavemore.settings.config import DataConfig

KIND = "language"
DRAWN, TURNS = 100_000, 5


class Part(NamedTuple):
    """Some surnames and their languages."""

    strings: list[str]
    languages: list[str]

    def of(self, language: str) -> list[str]:
        return [string for string, own in zip(self.strings, self.languages, strict=True) if own == language]


class Found(NamedTuple):
    """What one seed gives."""

    losses: dict[str, float]
    """Nats per character on the last tenth, by the way of modelling."""
    told: dict[str, float]
    """The share that the classifier tells as their language."""


def parts(corpus: Corpus, seed: int) -> list[Part]:
    """Training, validation and test part."""
    values = Labels.of(corpus.labels).kinds[KIND]
    found = split(corpus, DataConfig(seed=seed))
    assert all(isinstance(part, Labelled) for part in found)
    return [Part([*part], [values[number] for number in part.labels]) for part in found]  # type: ignore[attr-defined]


def nats(models: Mapping[str, StringModel], test: Part) -> float:
    """The loss of strings, each by the model of its language."""
    total = sum(-models[one].score_samples(test.of(one), unseen="floor").sum() for one in set(test.languages))
    return total / (sum(map(len, test.strings)) + len(test.strings))


def one_seed(corpus: Corpus, seed: int) -> tuple[Found, StringModel]:
    train, validation, test = parts(corpus, seed)
    languages = sorted(set(train.languages))
    held_out = read_corpus(validation.strings)
    labelled = wavemore.fit(
        train.strings,
        labels={KIND: train.languages},
        validation=held_out.with_labels({KIND: validation.languages}),
        seed=seed,
    )
    alone = wavemore.fit(train.strings, validation=held_out, seed=seed)
    separate = {
        language: wavemore.fit(train.of(language), validation=validation.of(language), seed=seed)
        for language in languages
    }
    given = {language: labelled.given(language) for language in languages}
    losses = {
        "one model, its labels known": nats(given, test),
        "a model of each language": nats(separate, test),
        "one model without labels": nats(dict.fromkeys(languages, alone), test),
        "one model with labels, not told": nats(dict.fromkeys(languages, labelled), test),
    }
    judge = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), lowercase=False, sublinear_tf=True),
        LogisticRegression(C=30, max_iter=2000, class_weight="balanced"),
    ).fit(train.strings, train.languages)
    drawn = Part([], [])
    for language in languages:
        some = given[language].sample(len(test.of(language)), seed=seed)
        drawn = Part([*drawn.strings, *some], [*drawn.languages, *[language] * len(some)])
    told = {"held-out surnames": judge.score(*test), "samples": judge.score(*drawn)}
    print(seed, losses, told, file=sys.stderr, flush=True)
    return Found(losses, told), labelled


def seconds(model: StringModel) -> float:
    """Processor seconds of drawing."""
    start = time.process_time()
    model.sample(DRAWN, seed=1)
    return time.process_time() - start


def costs(labelled: StringModel, corpus: Corpus) -> dict[str, list[float]]:
    """The seconds of each way of drawing over those of the network without labels, in turns."""
    shape = {
        f"model.{name}": value
        for name, value in labelled.file_.recipe.to_dict()["model"].items()
        if name not in ("kind", "labels")
    }
    plain = wavemore.fit(corpus.strings, settings={**shape, "train.epochs": 8.0})
    ways = {"without a label": labelled, "with one": labelled.given("es")}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        base = seconds(plain)
        for name, model in ways.items():
            found[name].append(seconds(model) / base)
    return found


def spread(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    parser = argparse.ArgumentParser(description="One model with labels beside a model of each.")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    corpus = read_corpus("surnames", column="name", labels=(KIND,))
    found, labelled = [], None
    for seed in range(given.seeds):
        one, labelled = one_seed(corpus, seed)
        found.append(one)
    assert labelled is not None
    cost = costs(labelled, corpus)
    languages = sorted(set(corpus.labels[KIND]))
    lines = [
        "# Labels",
        "",
        f"{len(corpus.strings):,} surnames of {len(languages)} languages ({', '.join(languages)}); medians of "
        f"{given.seeds} splits and seeds, with their range. Nats per character on the test part.",
        "",
        "| | nats per character |",
        "| --- | ---: |",
        *(f"| {name} | {spread([one.losses[name] for one in found], '.4f')} |" for name in found[0].losses),
        "",
        "| told as their language by the classifier | |",
        "| --- | ---: |",
        *(f"| {name} | {spread([100 * one.told[name] for one in found], '.1f')} % |" for name in found[0].told),
        "",
        f"| processor seconds of {DRAWN:,} strings, over a network without labels | |",
        "| --- | ---: |",
        *(f"| {name} | {spread(ratios, '.2f')} |" for name, ratios in cost.items()),
    ]
    provenance.write("labels", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
