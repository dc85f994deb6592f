"""`wavemore score`: the list with its columns on standard output or in a file, and what is refused."""

import csv
import gzip
import io
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wavemore import progress
from wavemore.cli import run
from wavemore.errors import FileError
from wavemore.estimator import StringModel

Said = Callable[..., tuple[str, str]]

HEAD = "log_likelihood\tbits_per_character\tunknown\tstring"


@pytest.fixture
def said(tmp_path: Path, tiny_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary) -> Said:
    """Run `wavemore score` beside tiny.safetensors, list.txt and table.csv; what it said on both streams."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("kolo\n\nbax\n  dede\n")
    Path("table.csv").write_text('id,name\r\n1,kolo\r\n2,"bax"\r\n3,\r\n4,dede')

    def said(line: str, code: int = 0) -> tuple[str, str]:
        capfdbinary.readouterr()
        found = run(["score", *shlex.split(line)])
        out, err = (stream.decode(errors="backslashreplace") for stream in capfdbinary.readouterr())
        assert found == code, err
        return out, err

    return said


def refusal(said: Said, code: int, line: str) -> str:
    """The one sentence, where nothing else is said and nothing is written."""
    before = {path: path.read_bytes() for path in Path().iterdir()}
    out, err = said(line, code)
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    assert out == ""
    assert err.count("\n") == 1
    return err.removeprefix("wavemore: ").removesuffix("\n")


def numbers(model: StringModel, *strings: str) -> list[str]:
    return [f"{score:.6f}" for score in model.score_samples(strings)]


# What is written


def test_a_list_becomes_tab_separated_with_its_lines_last(said, tiny_model):
    out, err = said("tiny.safetensors list.txt")
    head, *rows, end = out.split("\n")
    assert head == HEAD
    assert end == ""
    cells = [row.split("\t") for row in rows]
    kolo, dede = numbers(tiny_model, "kolo", "dede")
    assert [row[0] for row in cells] == [kolo, "", "-inf", dede]
    assert [row[2] for row in cells] == ["", "", "x", ""]
    assert [row[3] for row in cells] == ["kolo", "", "bax", "  dede"]
    assert float(cells[0][1]) == pytest.approx(tiny_model.evaluate(["kolo"]).bits_per_character, abs=1e-5)
    assert err == (
        "wavemore: list.txt: rows without a score: 1: 1 blank (line 2)\n"
        "wavemore: list.txt: rows with a character that the model does not know, which have probability 0: 1\n"
    )
    assert said("tiny.safetensors list.txt -q") == (out, "")


def test_rows_of_another_encoding_name_the_option(said):
    Path("latin.txt").write_bytes(b"kolo\nb\xe9\ndede\n")
    assert said("tiny.safetensors latin.txt")[1] == (
        "wavemore: latin.txt: rows without a score: 1: 1 unreadable (line 2); --encoding names the encoding they have\n"
    )
    Path("odd.jsonl").write_text('{"name": "kolo"}\n{"name": 5}\n')
    assert said("tiny.safetensors odd.jsonl --column name")[1] == (
        "wavemore: odd.jsonl: rows without a score: 1: 1 not a string (line 2)\n"
    )


def test_a_table_keeps_all_it_has(said, tiny_model):
    out, _ = said("tiny.safetensors table.csv --column name")
    bits = [f"{tiny_model.evaluate([string]).bits_per_character:.6f}" for string in ("kolo", "dede")]
    kolo, dede = numbers(tiny_model, "kolo", "dede")
    assert out == (
        "id,name,log_likelihood,bits_per_character,unknown\r\n"
        f'1,kolo,{kolo},{bits[0]},\r\n2,"bax",-inf,inf,x\r\n3,,,,\r\n4,dede,{dede},{bits[1]},'
    )


def test_standard_input_in_every_format(said, tiny_model, monkeypatch):
    (kolo,) = numbers(tiny_model, "kolo")
    for format, content, found in (
        ("text", "kolo\n", lambda out: out.split("\n")[1].split("\t")[0]),
        ("csv", "id,name\n1,kolo\n", lambda out: next(csv.DictReader(io.StringIO(out)))["log_likelihood"]),
        ("tsv", "id\tname\n1\tkolo\n", lambda out: out.split("\n")[1].split("\t")[2]),
        ("jsonl", '{"name": "kolo"}\n', lambda out: f"{json.loads(out)['log_likelihood']:.6f}"),
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(content.encode()))))
        column = "" if format == "text" else "--column name"
        out, err = said(f"tiny.safetensors - --format {format} {column}")
        assert found(out) == kolo
        assert err == ""


def test_json_is_the_string_and_its_columns(said, tiny_model):
    out, _ = said("tiny.safetensors table.csv --column name --json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["string"] for row in rows] == ["kolo", "bax", "", "dede"]
    assert list(rows[0]) == ["string", "log_likelihood", "bits_per_character", "unknown"]
    assert [row["log_likelihood"] for row in rows] == [
        *(pytest.approx(tiny_model.score_samples(["kolo"])[0], abs=1e-6), None, None),
        pytest.approx(tiny_model.score_samples(["dede"])[0], abs=1e-6),
    ]
    assert [row["unknown"] for row in rows] == ["", "x", "", ""]


def test_strings_on_the_command_line(said, tiny_model):
    out, err = said("tiny.safetensors -s kolo -s 'a\tb' -q")
    assert [row.split("\t")[0] for row in out.splitlines()[1:]] == [*numbers(tiny_model, "kolo"), "-inf"]
    assert err == ""
    assert said("-s emma -q")[0].startswith(f"{HEAD}\n-")  # of the model in the package


def test_the_model_in_the_package_and_a_list_in_it(said):
    out, _ = said("names --odd 3")
    assert out.count("\n") == 4


def test_output_into_a_file_packed_by_its_name(said):
    out, _ = said("tiny.safetensors table.csv --column name")
    assert said("tiny.safetensors table.csv --column name -o new.csv")[0] == ""
    assert Path("new.csv").read_bytes() == out.encode()
    said("tiny.safetensors table.csv --column name -o new.csv.gz")
    assert gzip.decompress(Path("new.csv.gz").read_bytes()) == out.encode()
    assert Path("new.csv.gz").read_bytes()[4:8] == bytes(4)  # no date: the same rows are the same bytes
    assert said("tiny.safetensors table.csv --column name -o -")[0] == out


def test_a_table_may_be_written_over_itself(said):
    out, _ = said("tiny.safetensors table.csv --column name")
    said("tiny.safetensors table.csv --column name -o table.csv")
    assert Path("table.csv").read_bytes() == out.encode()


def test_parquet(said, tiny_model):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pyarrow.table({"id": [1, 2, 3], "name": ["kolo", None, "bax"]}), "list.parquet")
    _, err = said("tiny.safetensors list.parquet --column name -o new.parquet")
    table = pq.read_table("new.parquet")
    assert table.column_names == ["id", "name", "log_likelihood", "bits_per_character", "unknown"]
    kolo = tiny_model.score_samples(["kolo"])[0]
    assert table.column("log_likelihood").to_pylist() == [pytest.approx(kolo), None, float("-inf")]
    assert "rows without a score: 1: 1 missing (row 2)\n" in err
    said("tiny.safetensors list.parquet --column name --odd 1 -o odd.parquet")
    assert pq.read_table("odd.parquet").column("id").to_pylist() == [3]


# What is added, and which rows


def test_columns_that_are_asked_for(said):
    out, _ = said("tiny.safetensors -s kolo --percentile --guess-number --against tiny.safetensors --json")
    row = json.loads(out)
    assert list(row) == [
        *("string", "log_likelihood", "bits_per_character", "percentile", "guess_number", "guess_number_low"),
        *("guess_number_high", "log_likelihood_tiny_2", "log_ratio", "best", "unknown"),
    ]
    assert row["log_ratio"] == 0
    assert row["best"] == "tiny"
    assert 0 <= row["percentile"] <= 100
    assert row["guess_number_low"] <= row["guess_number"] <= row["guess_number_high"]


def test_against_another_model_sorts_a_list(said):
    for name in ("dinosaurs", "names"):
        StringModel("ngram").fit(name).save(f"{name}.safetensors")
    Path("mixed.txt").write_text("Megalosaurus\nanna\nTyrannosaurus\nmaria\n")
    line = "names.safetensors mixed.txt --against dinosaurs.safetensors --unknown ignore --json -q --sort log_ratio"
    out, _ = said(line)
    rows = [json.loads(row) for row in out.splitlines()]
    best = {row["string"]: row["best"] for row in rows}
    assert best["Megalosaurus"] == best["Tyrannosaurus"] == "dinosaurs"
    assert best["anna"] == best["maria"] == "names"
    ratios = [row["log_ratio"] for row in rows]
    assert ratios == sorted(ratios)
    assert ratios[1] < 0 < ratios[2]
    back, _ = said(f"{line} --reverse")
    assert [json.loads(row)["string"] for row in back.splitlines()] == [row["string"] for row in rows][::-1]


def test_unknown_characters(said, tiny_model):
    ignored, err = said("tiny.safetensors list.txt --unknown ignore")
    assert ignored.split("\n")[3].startswith(f"{numbers(tiny_model, 'ba')[0]}\t")
    assert err.endswith("rows with a character that the model does not know, which are scored without them: 1\n")
    dropped, err = said("tiny.safetensors table.csv --column name --unknown drop")
    assert [row.split(",")[0] for row in dropped.split("\r\n")] == ["id", "1", "3", "4"]
    assert err.endswith("rows with a character that the model does not know, which are left out: 1\n")
    assert refusal(said, 2, "tiny.safetensors list.txt --unknown error -o new.tsv") == (
        "line 3 of list.txt: 'x' (U+0078) in 'bax' is not among the 7 characters that the model knows: abdeklo"
    )


def test_the_oddest_rows(said, tiny_model):
    out, _ = said("tiny.safetensors table.csv --column name --odd 2")
    rest = min(("kolo", "dede"), key=lambda string: tiny_model.score_samples([string])[0])
    assert [row.split(",")[1] for row in out.split("\r\n")] == ["name", '"bax"', rest]
    everything, _ = said("tiny.safetensors table.csv --column name --odd 100")
    assert everything.count("\r\n") == 3  # the row without a string has no score


# What is refused


@pytest.mark.parametrize(
    ("code", "line", "sentence"),
    [
        (2, "", "name the list to score, as in: wavemore score names"),
        (
            2,
            "tiny.safetensors",
            "tiny.safetensors is a model; name the list to score with it, as in: wavemore score tiny.safetensors names",
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
            'unknown characters cannot be treated as "no"; zero, ignore, drop, error can',
        ),
        (2, "table.csv", "table.csv is read as csv, which has columns; name the one that holds the strings"),
        (2, "list.txt --format xml", 'unknown format "xml"; choose text, csv, tsv, jsonl, parquet'),
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
            'there is no file "nosuch.txt" and no list of that name; lists are dinosaurs, names, towns, makemore-names',
        ),
        (1, "list.txt --against list.txt", None),
    ],
)
def test_command_lines_that_make_no_sense(said, code, line, sentence):
    message = refusal(said, code, line)
    assert message == sentence or (sentence is None and message.startswith("list.txt is not a wavemore model, or"))


def test_pyarrow_absent(said, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refusal(said, 1, "list.parquet --column name") == (
        "Parquet needs pyarrow, which is not installed; install it with: pip install 'wavemore[parquet]'"
    )


def test_a_percentile_of_a_model_without_held_out_scores(said, tiny_model):
    import dataclasses

    dataclasses.replace(tiny_model.file_, held_out_scores=None).save("bare.safetensors")
    message = refusal(said, 2, "bare.safetensors list.txt --percentile")
    assert message.startswith("the model bare.safetensors has no scores of held-out strings")


def test_what_reading_raises_is_not_taken_for_writing(said, monkeypatch):
    def fails(*arguments: Any, **options: Any) -> Any:
        raise FileError("cannot read list.txt: Input/output error")

    monkeypatch.setattr("wavemore.tables.lines.LineTable.write", fails)
    assert refusal(said, 1, "list.txt -o new.tsv") == "cannot read list.txt: Input/output error"


def test_a_bad_row_leaves_the_old_output(said):
    Path("old.csv").write_text("old")
    Path("bad.csv").write_text("id,name\n1,kolo\n2,kolo,x\n")
    assert "has 3 cells" in refusal(said, 1, "tiny.safetensors bad.csv --column name -o old.csv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk(said):
    assert refusal(said, 1, "list.txt -q -o /dev/full") == "cannot write /dev/full: No space left on device"
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


def test_ctrl_c_leaves_the_old_output_and_nothing_else(said, monkeypatch):
    Path("list.tsv").write_text("old")
    before = {*Path().iterdir()}
    seen: list[set[Path]] = []

    def counted(items: Any, *arguments: Any, **options: Any) -> Any:
        for item in items:
            yield item
            seen.append({*Path().iterdir()} - before)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(progress, "counted", counted)
    assert said("list.txt -o list.tsv", code=130) == ("", "")
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


def test_rows_are_counted_and_not_portions(said, monkeypatch):
    counts = []

    def counted(items: Any, total: int | None, what: str, *, quiet: bool, size: Any) -> Any:
        for item in items:
            counts.append((what, total, quiet, size(item)))
            yield item

    monkeypatch.setattr(progress, "counted", counted)
    said("tiny.safetensors list.txt -q")
    assert counts == [("scoring", None, True, 4)]


def test_scoring_a_file_imports_nothing_heavy(said):
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
