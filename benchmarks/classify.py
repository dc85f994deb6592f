"""Surnames of 13 languages: `StringClassifier` beside TF-IDF with logistic regression and n-grams with priors.

    pip install '.[bench]'
    python benchmarks/classify.py [--folds 5] [--locales cs_CZ da_DK ...]

The surnames are those of Faker's providers: of each language with at least 300 different ones in Latin letters, those
of the country that the language is named after. A surname of several languages stands in each. Stratified folds; each
string is judged once, by models of the other folds, which choose what there is to choose inside those:

- TF-IDF: character n-grams of 1 to 4, sublinear, case kept; over all of a string or inside its words (the analyzer),
  and the strength of the logistic regression's penalty, by 3 inner folds
- the n-gram: this package's (interpolated, modified Kneser-Ney), one for each language, times its share of the strings;
  its order, 3 to 6, by 3 inner folds
- StringClassifier() as it is, without a choice

Intervals are of 95 %, from 2,000 draws of strings with replacement, the same strings for both of a pair. Takes
20 minutes.
"""

import argparse
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
import provenance

from wavemore.comparison.classifier import StringClassifier
from wavemore.lists.vocabulary import normalise

LOCALES = [
    "de_DE",
    "en_GB",
    "es_ES",
    "et_EE",
    "fi_FI",
    "fr_FR",
    "ga_IE",
    "hr_HR",
    "it_IT",
    "nl_NL",
    "sk_SK",
    "sv_SE",
    "zu_ZA",
]
DRAWS = 2_000


def surnames(locales: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The surnames and the language of each, (N,) both."""
    strings, languages = [], []
    for locale in locales:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        kinds = (getattr(provider, f"last_names{kind}", ()) for kind in ("", "_male", "_female"))
        own = sorted({normalise(name) for names in kinds for name in names})
        strings += own
        languages += [locale[:2]] * len(own)
    return np.array(strings, dtype=object), np.array(languages)


def tuned_tfidf() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    words = TfidfVectorizer(ngram_range=(1, 4), lowercase=False, sublinear_tf=True)
    steps = Pipeline([("tfidf", words), ("regression", LogisticRegression(max_iter=300))])
    return GridSearchCV(steps, {"tfidf__analyzer": ["char", "char_wb"], "regression__C": [3, 10, 30]}, cv=3)


def tuned_ngram() -> Any:
    from sklearn.model_selection import GridSearchCV

    return GridSearchCV(StringClassifier(folds=0), {"settings__model.order": [3, 4, 5, 6]}, cv=3)


MODELS = {
    "StringClassifier": StringClassifier,
    "n-gram with priors, order chosen": tuned_ngram,
    "TF-IDF, logistic regression, chosen": tuned_tfidf,
}


def judged(strings: np.ndarray, languages: np.ndarray, folds: int) -> dict[str, tuple[np.ndarray, float]]:
    """Of each model the log-probabilities, (N, K), of strings that it has not seen, and its seconds in all."""
    from sklearn.model_selection import StratifiedKFold

    found = {}
    for name, model in MODELS.items():
        out = np.zeros((len(strings), len(set(languages))))
        started = time.perf_counter()
        for number, (train, test) in enumerate(
            StratifiedKFold(folds, shuffle=True, random_state=0).split(strings, languages)
        ):
            one = model().fit(strings[train], languages[train])
            out[test] = one.predict_log_proba(strings[test])
            print(name, number + 1, getattr(one, "best_params_", ""), file=sys.stderr, flush=True)
        found[name] = out, time.perf_counter() - started
    return found


def figures(right: np.ndarray, of: np.ndarray) -> tuple[float, float]:
    """Accuracy and the mean over languages of the share that is found, in percent. right, of: (N,)."""
    recalls = np.bincount(of, right) / np.bincount(of)
    return 100 * float(right.mean()), 100 * float(recalls.mean())


def interval(values: list[float]) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.2f} to {high:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Surnames of several languages, told apart by three classifiers.")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--locales", nargs="+", default=LOCALES, help="Faker's, one of each language.")
    asked = parser.parse_args()
    folds = asked.folds
    strings, languages = surnames(asked.locales)
    classes, of = np.unique(languages, return_inverse=True)
    found = judged(strings, languages, folds)
    draw = np.random.default_rng(0)
    draws = [draw.integers(0, len(of), len(of)) for _ in range(DRAWS)]
    right = {name: (log_p.argmax(axis=1) == of).astype(float) for name, (log_p, _) in found.items()}
    lines = [
        f"# Surnames of {len(classes)} languages",
        "",
        f"{len(strings):,} surnames ({len(set(strings)):,} different ones), {folds} stratified folds; accuracy and the "
        "mean over languages of the share that is found, in percent; the mean surprise at the right language, in nats; "
        "seconds of all folds. In brackets intervals of 95 % over strings.",
        "",
        "| model | accuracy | mean share found | surprise | seconds |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, (log_p, seconds) in found.items():
        every = [figures(right[name][rows], of[rows]) for rows in draws]
        cells = [
            f"{value:.2f} ({interval([one[i] for one in every])})" for i, value in enumerate(figures(right[name], of))
        ]
        surprise = -log_p[np.arange(len(of)), of].mean()
        lines.append(f"| {name} | {' | '.join(cells)} | {surprise:.3f} | {seconds:.0f} |")
    lines += [
        "",
        "By how much StringClassifier is above, on the same strings:",
        "",
        "| than | accuracy | mean share found |",
    ]
    lines.append("| --- | ---: | ---: |")
    first, *others = right
    for name in others:
        whole = np.subtract(figures(right[first], of), figures(right[name], of))
        every = [np.subtract(figures(right[first][r], of[r]), figures(right[name][r], of[r])) for r in draws]
        cells = [f"{value:+.2f} ({interval([one[i] for one in every])})" for i, value in enumerate(whole)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "Of each language how many surnames, the share found, and what the others were most often taken for:",
        "",
    ]
    lines += ["| language | surnames | found | taken for |", "| --- | ---: | ---: | --- |"]
    guesses = found[first][0].argmax(axis=1)
    for number, name in enumerate(classes.tolist()):
        taken = np.bincount(guesses[of == number], minlength=len(classes))
        share = 100 * taken[number] / taken.sum()
        taken[number] = 0
        lines.append(f"| {name} | {(of == number).sum():,} | {share:.1f} | {classes[taken.argmax()]}, {taken.max()} |")
    more = f"- beside them: faker {version('faker')}, scikit-learn {version('scikit-learn')}"
    what = "classify" if asked.locales == LOCALES else f"classify-{len(classes)}-others"
    provenance.write(what, "\n".join([*lines, "", provenance.table(), more, ""]))


if __name__ == "__main__":
    main()
