"""What a published number must name: command, commit, hardware, versions, date."""

import datetime
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from wavemore.provenance import measured

RESULTS = Path(__file__).parent / "results"
NAMES = Path(__file__).resolve().parents[2] / "shared" / "data" / "names.txt"


def names_txt() -> Path:
    """The list that the published numbers are about, or an end with a clear sentence."""
    if not NAMES.exists():
        sys.exit("this benchmark reads ../shared/data/names.txt, beside the checkout, and it is not there")
    return NAMES


def _commit() -> str:
    """The commit of the checkout, marked where files differ from it."""

    def git(*words: str) -> str:
        here = Path(__file__).parent
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True, cwd=here).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "../src", "*.py")
    return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")


COMMIT = _commit()  # when the benchmark starts: the checkout may move on before it ends


def _placeless(word: str) -> str:
    """A word of the command line without the folders that are of one machine alone."""
    return Path(word).name if Path(word).is_absolute() else word


def table() -> str:
    """All of it, as Markdown lines to stand under a result."""
    found = measured()
    versions = {**found["versions"], "typer": version("typer")}  # which start-up depends on
    return "\n".join(
        [
            f"- command: `{shlex.join(['python', *map(_placeless, sys.orig_argv[1:])])}`",
            f"- commit: {COMMIT}",
            f"- hardware: {found['hardware']}",
            f"- versions: {', '.join(f'{package} {number}' for package, number in versions.items())}",
            f"- date: {found['date']}",
        ]
    )


def result(what: str, ending: str = "md") -> Path:
    """Where a result is kept: `results/<what>_<hardware>_<date>.md`."""
    place = "".join(c if c.isalnum() else "-" for c in measured()["hardware"].lower().replace(" ", "-"))
    RESULTS.mkdir(exist_ok=True)
    return RESULTS / f"{what}_{'-'.join(filter(None, place.split('-')))}_{datetime.date.today()}.{ending}"


def write(what: str, text: str) -> None:
    """Print a result and keep it."""
    path = result(what)
    path.write_text(text)
    print(text)
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name}")
