"""`wavemore score`: the list with its columns on standard output or in a file."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from command_line import records
from tiny import tiny_strings

from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus

HEAD = "log_likelihood\tbits_per_character\tunknown\tstring"


def numbers(model: StringModel, *strings: str) -> list[str]:
    return [f"{score:.6f}" for score in model.score_samples(strings)]


# What is written


def test_a_list_becomes_tab_separated_with_its_lines_last(score, tiny_model):
    out, err = score("tiny.safetensors list.txt")
    head, *rows, end = out.split("\n")
    assert head == HEAD
    assert end == ""
    cells = [row.split("\t") for row in rows]
    (kolo,) = numbers(tiny_model, "kolo")
    assert [row[0] for row in cells] == [kolo, "", "-inf", "-inf"]
    assert [row[2] for row in cells] == ["", "", "x", " "]
    assert [row[3] for row in cells] == ["kolo", "", "bax", "  dede"]
    assert float(cells[0][1]) == pytest.approx(tiny_model.evaluate(["kolo"]).bits_per_character, abs=1e-5)
    assert err == (
        "wavemore: list.txt: rows without a score: 1: 1 blank (line 2)\n"
        "wavemore: list.txt: 1 with a blank at an end (line 4), which is kept; --strip takes blanks off\n"
        "wavemore: list.txt: rows with a character that the model does not know, which have probability 0: 2\n"
    )
    assert score("tiny.safetensors list.txt -q") == (out, "")


def test_blanks_at_the_ends_of_lines_are_said_and_can_be_taken_off(score, tiny_model):
    _, err = score("tiny.safetensors list.txt")
    assert "wavemore: list.txt: 1 with a blank at an end (line 4), which is kept; --strip takes blanks off\n" in err
    out, err = score("tiny.safetensors list.txt --strip")
    assert out.split("\n")[4].split("\t")[0::3] == [numbers(tiny_model, "dede")[0], "  dede"]
    assert "blank at an end" not in err


def test_rows_of_another_encoding_name_the_option(score):
    Path("latin.txt").write_bytes(b"kolo\nb\xe9\ndede\n")
    assert score("tiny.safetensors latin.txt")[1] == (
        "wavemore: latin.txt: rows without a score: 1: 1 unreadable (line 2)\n"
        "wavemore: latin.txt: it looks like Latin-1: --encoding latin-1\n"
    )
    Path("odd.jsonl").write_text('{"name": "kolo"}\n{"name": 5}\n')
    assert score("tiny.safetensors odd.jsonl --column name")[1] == (
        "wavemore: odd.jsonl: rows without a score: 1: 1 not a string (line 2)\n"
    )


def test_a_table_keeps_all_it_has(score, tiny_model):
    out, _ = score("tiny.safetensors table.csv --column name")
    bits = [f"{tiny_model.evaluate([string]).bits_per_character:.6f}" for string in ("kolo", "dede")]
    kolo, dede = numbers(tiny_model, "kolo", "dede")
    assert out == (
        "id,name,log_likelihood,bits_per_character,unknown\r\n"
        f'1,kolo,{kolo},{bits[0]},\r\n2,"bax",-inf,inf,x\r\n3,,,,\r\n4,dede,{dede},{bits[1]},'
    )


def test_standard_input_in_every_format(score, tiny_model, monkeypatch):
    (kolo,) = numbers(tiny_model, "kolo")
    for format, content, found in (
        ("text", "kolo\n", lambda out: out.split("\n")[1].split("\t")[0]),
        ("csv", "id,name\n1,kolo\n", lambda out: next(csv.DictReader(io.StringIO(out)))["log_likelihood"]),
        ("tsv", "id\tname\n1\tkolo\n", lambda out: out.split("\n")[1].split("\t")[2]),
        ("jsonl", '{"name": "kolo"}\n', lambda out: f"{json.loads(out)['log_likelihood']:.6f}"),
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(content.encode()))))
        column = "" if format == "text" else "--column name"
        out, err = score(f"tiny.safetensors - --format {format} {column}")
        assert found(out) == kolo
        assert err == ""


def test_json_is_the_string_and_its_columns(score, tiny_model):
    out, _ = score("tiny.safetensors table.csv --column name --json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["string"] for row in rows] == ["kolo", "bax", "", "dede"]
    assert list(rows[0]) == ["line", "string", "log_likelihood", "bits_per_character", "unknown"]
    assert [row["log_likelihood"] for row in rows] == [
        *(pytest.approx(tiny_model.score_samples(["kolo"])[0], abs=1e-6), None, None),
        pytest.approx(tiny_model.score_samples(["dede"])[0], abs=1e-6),
    ]
    assert [row["unknown"] for row in rows] == ["", "x", "", ""]


def test_strings_on_the_command_line(score, tiny_model):
    out, err = score("tiny.safetensors -s kolo -s 'a\tb' -q")
    assert [row.split("\t")[0] for row in out.splitlines()[1:]] == [*numbers(tiny_model, "kolo"), "-inf"]
    assert err == ""
    assert score("-s emma -q")[0].startswith(f"{HEAD}\n-")  # of the model in the package


def test_the_model_in_the_package_and_a_list_in_it(score):
    out, _ = score("names --odd 3")
    assert out.count("\n") == 4


def test_output_into_a_file_packed_by_its_name(score):
    out, _ = score("tiny.safetensors table.csv --column name")
    assert score("tiny.safetensors table.csv --column name -o new.csv")[0] == ""
    assert Path("new.csv").read_bytes() == out.encode()
    score("tiny.safetensors table.csv --column name -o new.csv.gz")
    assert gzip.decompress(Path("new.csv.gz").read_bytes()) == out.encode()
    assert Path("new.csv.gz").read_bytes()[4:8] == bytes(4)  # no date: the same rows are the same bytes
    score("tiny.safetensors table.csv --column name -o new.csv.zst")
    assert read_corpus("new.csv.zst", column="log_likelihood").strings == read_corpus("new.csv", column="3").strings
    assert score("tiny.safetensors table.csv --column name -o -")[0] == out


def test_parquet(score, tiny_model):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pyarrow.table({"id": [1, 2, 3], "name": ["kolo", None, "bax"]}), "list.parquet")
    _, err = score("tiny.safetensors list.parquet --column name -o new.parquet")
    table = pq.read_table("new.parquet")
    assert table.column_names == ["id", "name", "log_likelihood", "bits_per_character", "unknown"]
    kolo = tiny_model.score_samples(["kolo"])[0]
    assert table.column("log_likelihood").to_pylist() == [pytest.approx(kolo), None, float("-inf")]
    assert "rows without a score: 1: 1 missing (row 2)\n" in err
    score("tiny.safetensors list.parquet --column name --odd 1 -o odd.parquet")
    assert pq.read_table("odd.parquet").column("id").to_pylist() == [3]


# What is added, and which rows


def test_columns_that_are_asked_for(score):
    out, _ = score("tiny.safetensors -s kolo --percentile --guess-number --against tiny.safetensors --json")
    row = json.loads(out)
    assert list(row) == [
        *("line", "string", "log_likelihood", "bits_per_character", "percentile", "guess_number", "guess_number_low"),
        *("guess_number_high", "log_likelihood_tiny_2", "log_ratio", "best", "unknown"),
    ]
    assert row["log_ratio"] == 0
    assert row["best"] == "tiny"
    assert 0 <= row["percentile"] <= 100
    assert row["guess_number_low"] <= row["guess_number"] <= row["guess_number_high"]


def test_against_another_model_sorts_a_list(score):
    for name in ("dinosaurs", "names"):
        StringModel("ngram").fit(name).save(f"{name}.safetensors")
    Path("mixed.txt").write_text("Megalosaurus\nanna\nTyrannosaurus\nmaria\n")
    line = "names.safetensors mixed.txt --against dinosaurs.safetensors --unknown ignore --json -q --sort log_ratio"
    out, _ = score(line)
    rows = [json.loads(row) for row in out.splitlines()]
    best = {row["string"]: row["best"] for row in rows}
    assert best["Megalosaurus"] == best["Tyrannosaurus"] == "dinosaurs"
    assert best["anna"] == best["maria"] == "names"
    ratios = [row["log_ratio"] for row in rows]
    assert ratios == sorted(ratios)
    assert ratios[1] < 0 < ratios[2]
    back, _ = score(f"{line} --reverse")
    assert [json.loads(row)["string"] for row in back.splitlines()] == [row["string"] for row in rows][::-1]


def test_unknown_characters(score, tiny_model):
    ignored, err = score("tiny.safetensors list.txt --unknown ignore")
    assert ignored.split("\n")[3].startswith(f"{numbers(tiny_model, 'ba')[0]}\t")
    assert err.endswith("rows with a character that the model does not know, which are scored without them: 2\n")
    dropped, err = score("tiny.safetensors table.csv --column name --unknown drop")
    assert [row.split(",")[0] for row in dropped.split("\r\n")] == ["id", "1", "3", "4"]
    assert err.endswith("rows with a character that the model does not know, which are left out: 1\n")


def test_the_oddest_rows(score, tiny_model):
    out, _ = score("tiny.safetensors table.csv --column name --odd 2")
    rest = min(("kolo", "dede"), key=lambda string: tiny_model.score_samples([string])[0])
    assert [row.split(",")[1] for row in out.split("\r\n")] == ["name", '"bax"', rest]
    everything, _ = score("tiny.safetensors table.csv --column name --odd 100")
    assert everything.count("\r\n") == 3  # the row without a string has no score


def test_the_oddest_rows_are_not_the_longest_ones(score, tiny_model):
    """And it is said which rows the model was trained on."""
    trained = tiny_model.file_.fingerprints.train(strings := tiny_strings())
    seen = strings[int(trained.argmax())]
    likely = max(strings, key=lambda string: tiny_model.score_samples([string])[0] / len(string))
    Path("lengths.txt").write_text(f"{likely * 6}\n{seen}\n{likely}\nkkk\n")
    out, err = score("tiny.safetensors lengths.txt --odd 4")
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["log_likelihood", "bits_per_character", "surprise", "unknown", "string"]
    assert rows[1][4] == "kkk"
    assert float(rows[1][0]) > min(float(row[0]) for row in rows[2:])  # the longest one is less likely
    known = int(tiny_model.file_.fingerprints.train([row[4] for row in rows[1:]]).sum())
    assert (
        f"rows whose string the model was trained on, and may know by heart: {known}; wavemore odd scores each row by"
        in err
    )
    for unknown in ("zero", "floor", "ignore"):
        Path("digits.txt").write_text("123\nkolo\n")
        out, _ = score(f"tiny.safetensors digits.txt --odd 2 --unknown {unknown} -q")
        first = out.splitlines()[1].split("\t")
        assert first[4] == ("kolo" if unknown == "ignore" else "123")
        assert (first[2] == "inf") == (unknown == "zero")


def test_json_names_the_line_of_each_row(score):
    out, _ = score("tiny.safetensors table.csv --column name --json --sort log_likelihood --reverse -q")
    lines = Path("table.csv").read_text().splitlines()
    records = [json.loads(line) for line in out.splitlines()]
    assert sorted(record["line"] for record in records) != [record["line"] for record in records]
    assert all(record["string"] in lines[record["line"] - 1] for record in records)


# Characters that the model does not know


def test_a_floor_makes_every_string_possible(score, tiny_model):
    out, err = score("tiny.safetensors list.txt --unknown floor")
    cells = [row.split("\t") for row in out.splitlines()[1:]]
    expected = tiny_model.score_samples(["kolo", "bax", "  dede"], unseen="floor")
    assert [float(cells[i][0]) for i in (0, 2, 3)] == pytest.approx(expected, abs=1e-6)
    assert [row[2] for row in cells] == ["", "", "x", " "]
    assert "the model does not know, which are scored with the probability of a new character: 2\n" in err


def test_a_string_of_which_nothing_is_left_has_no_score(score, tiny_model):
    """And not that of the empty string, which may be likelier than any."""
    Path("digits.txt").write_text("kolo\n12345\nb1a\n??\n")
    out, err = score("tiny.safetensors digits.txt --unknown ignore --percentile --guess-number")
    rows = [row.split("\t") for row in out.splitlines()[1:]]
    assert [row[0] for row in rows] == [*numbers(tiny_model, "kolo"), "", *numbers(tiny_model, "ba"), ""]
    assert [row[:6] for row in rows][1::2] == [[""] * 6] * 2
    assert [row[6] for row in rows] == ["", "12345", "1", "?"]
    assert "which are scored without them: 3; of these without a score, since they have no other character: 2\n" in err
    odd, _ = score("tiny.safetensors digits.txt --unknown ignore --odd 4 -q")
    assert odd.count("\n") == 3  # the head, kolo and b1a
    json_lines = score("tiny.safetensors digits.txt --unknown ignore --json -q")[0].splitlines()
    assert [json.loads(line)["log_likelihood"] is None for line in json_lines] == [False, True, False, True]
    compared, _ = score("tiny.safetensors digits.txt --unknown ignore --against tiny.safetensors -q")
    assert [row.split("\t")[4] for row in compared.splitlines()[1:]] == ["tiny", "", "tiny", ""]


def test_posteriors_of_several_models(score, tiny_model):
    tiny_model.save("other.safetensors")
    line = "tiny.safetensors list.txt --against other.safetensors --posterior -q"
    head, kolo, blank, bax, _ = (row.split("\t") for row in score(line)[0].splitlines())
    assert head == [
        *("log_likelihood", "bits_per_character", "log_likelihood_other", "log_ratio", "posterior_tiny"),
        *("posterior_other", "best", "unknown", "string"),
    ]
    assert (kolo[4:7], blank[4:7], bax[4:6]) == (["0.5", "0.5", "tiny"], ["", "", ""], ["0.5", "0.5"])
    kolo = score(f"{line} --prior other=3 --prior tiny=1")[0].splitlines()[1].split("\t")
    assert kolo[4:7] == ["0.25", "0.75", "other"]
    bax = score(f"{line} --unknown zero")[0].splitlines()[3].split("\t")
    assert bax[4:7] == ["", "", ""]


def test_a_row_in_the_other_case_is_scored_with_fold_case_and_told_without(answer, tiny_path):
    Path("mixed.txt").write_text("ABE\nabe\nAxE\n")
    _, err = answer("score tiny.safetensors mixed.txt")
    assert "rows all of whose characters the model knows in the other case: 1; try --fold-case" in err
    out, err = answer("score tiny.safetensors mixed.txt --fold-case --json")
    upper, lower, unknown = records(out)
    assert upper["log_likelihood"] == lower["log_likelihood"]
    assert (upper["unknown"], unknown["unknown"]) == ("", "x")
    assert "other case" not in err
