"""`wavemore score`: what is refused, what stops it, and what it leaves."""

import io
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import KNOWN_LISTS, Answer, contents, sentence

from wavemore import progress
from wavemore.errors import FileError


def refusal(score: Answer, code: int, line: str) -> str:
    """The one sentence, where nothing else is said and nothing is written."""
    before = contents(Path())
    said = score(line, code)
    assert contents(Path()) == before
    return sentence(*said)


@pytest.mark.parametrize(
    ("code", "line", "refused"),
    [
        (2, "", "name the list to score, as in: wavemore score names"),
        (
            2,
            "tiny.safetensors",
            "name the list to score with tiny.safetensors, as in: wavemore score tiny.safetensors names",
        ),
        (2, "tiny.safetensors list.txt -s x", "score either the list list.txt or the strings of --string, not both"),
        (2, "list.txt --odd 0", "--odd is 0; it must be a whole number of 1 or more"),
        (2, "list.txt --odd 1 --sort unknown", "--odd and --sort exclude each other; choose one"),
        (2, "list.txt --reverse", "--reverse goes with --sort; name the column to sort by"),
        (
            2,
            "list.txt --sort best",
            'there is no added column "best" to sort by; there are log_likelihood, bits_per_character, unknown',
        ),
        (
            2,
            "list.txt --unknown no",
            'unknown is "no"; it must be one of zero, floor, ignore, drop, error',
        ),
        (2, "table.csv", "table.csv is read as csv, which has columns; name the one that holds the strings: id, name"),
        (2, "list.txt --format xml", 'unknown format "xml"; choose text, csv, tsv, jsonl, json, counted, parquet'),
        (
            2,
            "table.csv --column nme",
            'table.csv has no column "nme" (did you mean "name"?); its columns are id, name',
        ),
        (2, "list.txt -o new.csv", "new.csv would hold tsv, and .csv is for csv; give it another ending"),
        (
            2,
            "list.txt -o new.tsv.gz --json",
            "new.tsv.gz would hold jsonl, and .tsv.gz is for tsv; give it another ending",
        ),
        (1, "list.txt -o no/new.tsv", "cannot write no/new.tsv: No such file or directory"),
        (
            1,
            "nosuch.txt",
            f'there is no file "nosuch.txt" and no list of that name; lists are {KNOWN_LISTS}',
        ),
        (
            2,
            "list.txt --posterior",
            "posteriors are of several models, or of a model with labels of which none was chosen; name others to "
            "compare with",
        ),
        (2, "list.txt --prior a=1", "priors are for posteriors; ask for these too"),
        (
            2,
            "tiny.safetensors list.txt --against tiny.safetensors --posterior --prior tiny=1",
            "there is no prior for tiny_2; give one for each class: tiny, tiny_2",
        ),
        (
            2,
            "tiny.safetensors list.txt --against tiny.safetensors --posterior --prior tny=1",
            "there is a prior for 'tny' (did you mean \"tiny\"?), and the classes are tiny, tiny_2",
        ),
        (2, "list.txt --prior 3", "--prior 3 must be written as NAME=NUMBER, such as it=0.3"),
        (2, "list.txt --prior a=b", "--prior a=b must be written as NAME=NUMBER, such as a=0.3"),
        (2, "list.txt --prior a=1 --prior a=2", "--prior a is given twice; give it once"),
        (
            2,
            "tiny.safetensors list.txt --against tiny.safetensors --posterior --prior tiny=0 --prior tiny_2=nan",
            "the prior of tiny is 0.0; it must be a finite number above 0",
        ),
        (
            1,
            "list.txt --against list.txt",
            "list.txt is a list and no model; train one first: wavemore train list.txt, or name the file of one",
        ),
    ],
)
def test_command_lines_that_make_no_sense(score, code, line, refused):
    assert refusal(score, code, line) == refused


def test_an_unknown_character_stops_where_that_is_asked_for(score):
    assert refusal(score, 2, "tiny.safetensors list.txt --unknown error -o new.tsv") == (
        "line 3 of list.txt: 'x' (U+0078) in 'bax' is not among the 7 characters that the model knows: abdeklo"
    )
    Path("upper.txt").write_text("ABEß\n")
    message = refusal(score, 2, "tiny.safetensors upper.txt --unknown error --fold-case")
    assert message.startswith("line 1 of upper.txt: 'ß' (U+00DF) in 'abeß' is not among")


def test_pyarrow_absent(score, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refusal(score, 1, "list.parquet --column name") == (
        "Parquet needs pyarrow, which is not installed; install it with: pip install 'wavemore[parquet]'"
    )


def test_a_percentile_of_a_model_without_held_out_scores(score, tiny_model):
    import dataclasses

    dataclasses.replace(tiny_model.file_, held_out_scores=None).save("bare.safetensors")
    message = refusal(score, 2, "bare.safetensors list.txt --percentile")
    assert message.startswith("the model bare.safetensors has no scores of held-out strings")


def test_what_reading_raises_is_not_taken_for_writing(score, monkeypatch):
    def fails(*arguments: Any, **options: Any) -> Any:
        raise FileError("cannot read list.txt: Input/output error")

    monkeypatch.setattr("wavemore.tables.lines.LineTable.write", fails)
    assert refusal(score, 1, "list.txt -o new.tsv") == "cannot read list.txt: Input/output error"


def test_a_bad_row_leaves_the_old_output(score):
    Path("old.csv").write_text("old")
    Path("bad.csv").write_text('id,name\n1,kolo\n2,"kolo\n')
    assert "opens a quote" in refusal(score, 1, "tiny.safetensors bad.csv --column name -o old.csv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk(score):
    assert refusal(score, 1, "list.txt -q -o /dev/full") == "cannot write /dev/full: No space left on device"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "wavemore", "score", "names"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "wavemore: cannot write the results to standard output: No space left on device\n"


def test_ctrl_c_leaves_the_old_output_and_nothing_else(score, monkeypatch):
    Path("list.tsv").write_text("old")
    before = {*Path().iterdir()}
    seen: list[set[Path]] = []

    def counted(items: Any, *arguments: Any, **options: Any) -> Any:
        for item in items:
            yield item
            seen.append({*Path().iterdir()} - before)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(progress, "counted", counted)
    assert score("list.txt -o list.tsv", code=130) == ("", "wavemore: stopped; list.tsv was not written\n")
    (parts,) = seen
    assert [path.name.startswith(".list.tsv.") for path in parts] == [True]  # it was being written
    assert {*Path().iterdir()} == before
    assert Path("list.tsv").read_text() == "old"


def test_a_reader_that_leaves(tmp_path):
    """`head` has what it wants: no word about it."""
    (tmp_path / "long.txt").write_text("emma\n" * 100_000)
    command = f"({shlex.quote(sys.executable)} -m wavemore score long.txt; echo $? >&2) | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == "1\n"


def test_rows_are_counted_and_not_portions(score, monkeypatch):
    counts = []

    def counted(items: Any, total: int | None, what: str, *, quiet: bool, printed: bool, size: Any) -> Any:
        for item in items:
            counts.append((what, total, quiet, size(item)))
            yield item

    monkeypatch.setattr(progress, "counted", counted)
    score("tiny.safetensors list.txt -q")
    assert counts == [("scoring", None, True, 4)]


def test_scoring_a_file_imports_nothing_heavy(score):
    code = (
        "import sys; from wavemore.cli import run; run(['score', 'tiny.safetensors', 'list.txt']); "
        "print({*sys.modules} & {'torch', 'rich', 'pyarrow', 'pooch', 'wavemore.judging.guessing', "
        "'wavemore.tables.parquet'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\nset()\n")


def test_progress_shows_the_rows(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(progress, "_AFTER", 0.0)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress.counted(["ab", "cde"], None, "scoring", size=len)) == ["ab", "cde"]
    assert "scoring" in shown.getvalue()
    assert "5/?" in shown.getvalue()
