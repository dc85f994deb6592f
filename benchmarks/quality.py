"""The loss of every recipe and baseline on names.txt, split K, with several seeds, and at the end the test part.

    python benchmarks/quality.py [ROW ...] [--keep FOLDER] [--seeds 0 1 2] [--test] [--picture FILE.svg]

What is in FOLDER already is not trained again, so the table can be made in several sittings: `wavemore compare` with
the same rows, `--set data.split=lecture` and `--keep FOLDER` fills it too. Takes about an hour and a half in all.
"""

import argparse

import provenance

from wavemore import compare

ROWS = ["fast", "auto", "small", "best", "ngram", "mlp", "bow", "rnn", "gru", "lstm", "transformer"]


def main() -> None:
    parser = argparse.ArgumentParser(description="The loss of every recipe and baseline on names.txt.")
    parser.add_argument("rows", nargs="*", default=ROWS, help="recipes; without any, all of them")
    parser.add_argument("--keep", help="a folder for the finished runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--test", action="store_true", help="read the test part too: once, at the end")
    parser.add_argument("--picture", help="an SVG or PNG of loss against parameters and seconds")
    options = parser.parse_args()
    found = compare(
        provenance.names_txt(),
        options.rows,
        seeds=options.seeds,
        settings={"data.split": "lecture"},
        keep=options.keep,
        test=options.test,
        progress=True,
        remark=print,
    )
    lines = ["# Quality", "", "makemore's names.txt, split K, nats per character.", "", found.to_markdown(), ""]
    provenance.write("quality", "\n".join([*lines, provenance.table(), ""]))
    if options.picture:
        from wavemore.comparison.picture import draw_comparison

        draw_comparison(found, options.picture)


if __name__ == "__main__":
    main()
