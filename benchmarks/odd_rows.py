"""Odd rows: how well `wavemore odd` finds planted faults, beside three other ways, on tables that Faker makes.

    python benchmarks/odd_rows.py [--rows 200000] [--seed 11] [--repeats 3]

Each table is a column of 200,000 values with 0.5 % faults of five kinds (`benchmarks/odd_tables.py`). Each way gives
every row a score, and AUC and average precision say how well the faults come first:

    wavemore odd        no settings
    trigram             20 lines: a trigram of the column's own rows, a row's most surprising character
    isolation forest    scikit-learn's, with 100 trees, on TF-IDF of character 1- to 3-grams (2,000 of them)
    KenLM               a 5-gram of the column's own rows, modified Kneser-Ney: the better of a row's most surprising
                        character and its mean over characters, by average precision

Seconds are those of learning and scoring, on two cores; wavemore and the trigram take turns. The tables with eight
locales have nothing that a rule could be written for; in those of one locale most foreign letters are themselves a
sign. Needs `pip install '.[bench]'`, and takes about half an hour.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from math import log2
from pathlib import Path
from typing import NamedTuple

import kenlm  # pyright: ignore[reportMissingImports]  # of the extra "bench"
import kneser_ney
import numpy as np
import odd_tables
import provenance
from odd_tables import KINDS, PLANS, Plan, Table
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score, roc_auc_score

import wavemore

WAVEMORE, TRIGRAM, FOREST, KENLM = "wavemore odd", "trigram", "isolation forest", "KenLM"
TRIGRAM_SMOOTHING = 0.1


def trigram(values: Sequence[str]) -> np.ndarray:
    """The most surprising character of each row, bits."""
    triples, pairs = Counter[str](), Counter[str]()
    for value in values:
        text = f"\0\0{value}\0"
        for i in range(len(text) - 2):
            triples[text[i : i + 3]] += 1
            pairs[text[i : i + 2]] += 1
    size = len({character for pair in pairs for character in pair})
    worst = []
    for value in values:
        text = f"\0\0{value}\0"
        worst.append(
            min(
                (triples[text[i : i + 3]] + TRIGRAM_SMOOTHING) / (pairs[text[i : i + 2]] + TRIGRAM_SMOOTHING * size)
                for i in range(len(text) - 2)
            )
        )
    return np.array([-log2(share) for share in worst])


def forest(values: Sequence[str]) -> np.ndarray:
    features = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), max_features=2000, lowercase=False)
    table = features.fit_transform(values).astype(np.float32)
    return -IsolationForest(random_state=0).fit(table).score_samples(table)


def kneser_ney_scores(values: Sequence[str]) -> list[np.ndarray]:
    """The most surprising character of each row, and the mean over its characters; bits by a common factor."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "column.arpa"
        kneser_ney.write_arpa(path, values, 5)
        config = kenlm.Config()
        config.show_progress = False
        model = kenlm.Model(str(path), config)
    found = []
    for value in values:
        logs = [log for log, _, _ in model.full_scores(kneser_ney.sentence(value))]
        found.append((-min(logs), -sum(logs) / len(logs)))
    return list(np.array(found).T)


class Found(NamedTuple):
    """How well one way finds the faults of one table."""

    auc: float
    precision: float
    seconds: float
    kinds: list[float]
    """The AUC of each kind of fault."""


def measured(score: Callable[[Sequence[str]], np.ndarray | list[np.ndarray]], table: Table) -> Found:
    start = time.perf_counter()
    scores = score(table.values)
    seconds = time.perf_counter() - start
    truth = np.array([bool(fault) for fault in table.faults])
    best = max(
        scores if isinstance(scores, list) else [scores], key=lambda each: float(average_precision_score(truth, each))
    )
    faults = np.array(table.faults)
    kinds = [
        float(roc_auc_score(truth[among], best[among])) for kind in KINDS if (among := (faults == kind) | ~truth).any()
    ]
    return Found(float(roc_auc_score(truth, best)), float(average_precision_score(truth, best)), seconds, kinds)


def one_table(plan: Plan, rows: int, seed: int, repeats: int) -> tuple[dict[str, Found], list[float]]:
    """What each way finds, and the ratios of seconds, wavemore over trigram."""
    made = odd_tables.table(plan, rows, seed)
    ratios, found = [], {}
    for _ in range(repeats):
        for name, score in ((WAVEMORE, lambda values: wavemore.odd(values).scores), (TRIGRAM, trigram)):
            found[name] = measured(score, made)
        ratios.append(found[WAVEMORE].seconds / found[TRIGRAM].seconds)
    found[FOREST], found[KENLM] = measured(forest, made), measured(kneser_ney_scores, made)
    return found, ratios


def summary(plans: Sequence[Plan], found: dict[Plan, dict[str, Found]], ratios: dict[Plan, list[float]]) -> list[str]:
    lines = []
    for name in (WAVEMORE, TRIGRAM, FOREST, KENLM):
        aucs, precisions = ([getattr(found[plan][name], what) for plan in plans] for what in ("auc", "precision"))
        kinds = " | ".join(
            f"{statistics.mean(found[plan][name].kinds[i] for plan in plans):.3f}" for i in range(len(KINDS))
        )
        lines.append(
            f"| {name} | {statistics.mean(aucs):.4f} ({min(aucs):.4f} to {max(aucs):.4f}) "
            f"| {statistics.mean(precisions):.3f} ({min(precisions):.3f} to {max(precisions):.3f}) | {kinds} |"
        )
    means = {name: statistics.mean(found[plan][name].precision for plan in plans) for name in (TRIGRAM, FOREST, KENLM)}
    best = max(means, key=lambda name: means[name])
    ratio = statistics.mean(found[plan][WAVEMORE].precision for plan in plans) / means[best]
    all_ratios = [each for plan in plans for each in ratios[plan]]
    return [
        "| way | AUC, mean (range over tables) | average precision, mean (range) | " + " | ".join(KINDS) + " |",
        "| --- | ---: | ---: |" + " ---: |" * len(KINDS),
        *lines,
        "",
        f"Average precision over that of the best other way ({best}): {ratio:.2f}. Seconds over the trigram's: "
        f"{statistics.median(all_ratios):.2f} ({min(all_ratios):.2f} to {max(all_ratios):.2f}).",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="How well odd rows are found, beside three other ways.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--repeats", type=int, default=3, help="of wavemore and the trigram in turns, for the seconds")
    given = parser.parse_args()
    found, ratios = {}, {}
    for number, plan in enumerate(PLANS):
        found[plan], ratios[plan] = one_table(plan, given.rows, given.seed + number, given.repeats)
        for name, each in found[plan].items():
            print(plan.name, name, each, ratios[plan], file=sys.stderr, flush=True)
    mixed = [plan for plan in PLANS if len(plan.locales) > 1]
    lines = ["# Odd rows", "", f"{given.rows:,} rows, 0.5 % faults. The last five columns: the AUC of each kind.", ""]
    for title, plans in (
        ("Tables of eight locales", mixed),
        ("Tables of one locale", [plan for plan in PLANS if plan not in mixed]),
    ):
        lines += [f"## {title}: {len(plans)}", "", *summary(plans, found, ratios), ""]
    rows = [
        f"| {plan.name} (planted: {plan.another}) | "
        + " | ".join(f"{one.auc:.4f} / {one.precision:.3f} / {one.seconds:.1f}" for one in found[plan].values())
        + " |"
        for plan in PLANS
    ]
    lines += [
        "## Each table: AUC, average precision, seconds",
        "",
        "| table | " + " | ".join(found[PLANS[0]]) + " |",
        "| --- |" + " ---: |" * len(found[PLANS[0]]),
        *rows,
    ]
    provenance.write("odd-rows", "\n".join([*lines, "", provenance.table(), ""]))


if __name__ == "__main__":
    main()
