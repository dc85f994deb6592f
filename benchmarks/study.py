"""The five claims about flattening in steps on names.txt, in full: 840 runs, some 40 minutes on two cores.

Finished runs are kept in FOLDER, and the same command goes on with what is missing. The same as
`wavemore study names.txt -o FOLDER --set data.split=lecture`; the report is copied to the results.
"""

import argparse
import shutil
import sys
from pathlib import Path

import provenance

from wavemore.study import study


def main() -> None:
    parser = argparse.ArgumentParser(description="The five claims about flattening in steps, on names.txt.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the finished runs are kept")
    folder = parser.parse_args().folder
    command = f"python benchmarks/study.py {folder.name} (commit {provenance.COMMIT})"

    def remark(sentence: str) -> None:
        print(sentence, file=sys.stderr, flush=True)

    done = study(provenance.names_txt(), folder, settings={"data.split": "lecture"}, remark=remark, command=command)
    for ending in ("html", "md", "json"):
        shutil.copyfile(folder / f"study.{ending}", provenance.result("study", ending))
    print(done.to_text())


if __name__ == "__main__":
    main()
