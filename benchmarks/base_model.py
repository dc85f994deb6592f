"""The base model in the package, which a short list starts from: one network, learned on all lists in the package.

    python benchmarks/base_model.py [-o FILE]        (make base)

Every string of every list counts once, whatever labels it has; those of lists in lower case come with a capital too,
since other lists have them so. One string of fifty is held out, to see how learning goes. Takes some three minutes of
one core.
"""

import argparse
import random
from collections.abc import Iterable
from pathlib import Path

from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus
from wavemore.lists.embedded import embedded_lists
from wavemore.models.start import base_path

RECIPE = Path(__file__).parent / "recipes" / "base.toml"
HELD_OUT = 50  # one string of so many


def strings_of(lists: Iterable[str]) -> list[str]:
    """The distinct strings of lists, in an order of their own."""
    found = set[str]()
    for name in lists:
        strings = read_corpus(name).strings
        found.update(strings)
        if all(string == string.lower() for string in strings):
            found.update(string[0].upper() + string[1:] for string in strings)
    ordered = sorted(found)
    random.Random(0).shuffle(ordered)
    return ordered


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn the base model in the package again.")
    parser.add_argument("-o", "--output", default=str(base_path()))
    options = parser.parse_args()
    strings = strings_of(embedded_lists())
    held_out = strings[::HELD_OUT]
    kept = [string for number, string in enumerate(strings) if number % HELD_OUT]
    model = StringModel(RECIPE).fit(kept, validation=held_out, command="make base", progress=True)
    model.save(options.output)
    print(f"{options.output}: {len(kept):,} strings, validation {model.file_.provenance['losses']['validation']:.4f}")


if __name__ == "__main__":
    main()
