"""`wavemore score --on` and `wavemore sample --on`: jobs of many files from the command line."""

from pathlib import Path

import pytest
from command_line import FAILED, WRONG_USAGE, Said

from wavemore.cli import run
from wavemore.estimator import StringModel

pyarrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def said(capfd) -> Said:
    def said(line: str, code: int = 0) -> tuple[str, str]:
        capfd.readouterr()
        assert run(line.split()) == code
        return capfd.readouterr()

    return said


@pytest.fixture
def data(tiny_path: Path, tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        pq.write_table(pyarrow.table({"id": [1, 2, 3], "name": ["kolo", None, f"b{number}"]}), f"{number}.parquet")
    return tmp_path


def test_many_files_are_scored_into_a_folder(data, said):
    out, err = said("score tiny.safetensors ?.parquet --column name -o out --on here --unknown floor --percentile")
    assert out == ""
    assert err == "wavemore: out: 9 rows were written; parts in all: 3\n"
    said("score tiny.safetensors 2.parquet --column name -o one.parquet --unknown floor --percentile -q")
    assert pq.read_table("out/2.parquet").equals(pq.read_table("one.parquet"))
    Path("out/1.parquet").unlink()
    _, err = said("score tiny.safetensors ?.parquet --column name -o out --on here --unknown floor --percentile")
    assert err == "wavemore: out: 3 rows were written; parts in all: 3; of these were there already: 2\n"


def test_samples_go_to_files(data, said):
    _, err = said("sample tiny.safetensors -n 1500 --seed 3 --faithful --on here -o names")
    assert err == "wavemore: names: 1,500 rows were written; parts in all: 1\n"
    found = pq.read_table("names/part-000000.parquet").column("string").to_pylist()
    assert found == StringModel.load("tiny.safetensors").sample(1500, seed=3)
    said("sample tiny.safetensors -n 20 --starts-with b --length 3- --temperature 0.8 --on here -o other -q")
    found = pq.read_table("other/part-000000.parquet").column("string").to_pylist()
    assert len(found) == 20
    assert all(string.startswith("b") and len(string) >= 3 for string in found)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("score ?.parquet --on here -o out", "--on scores a column of Parquet files; name it, as in --column name"),
        (
            "score ?.parquet --on here --column name",
            "--on writes many files; name a folder for them, as in --output out",
        ),
        (
            "score ?.parquet --on here --column name -o out --odd 3",
            "--odd has no use with --on, whose parts are written one by one; leave one of them out",
        ),
        (
            "score ?.parquet --on here --column name -o out --no-header",
            "--header has no use with --on, whose parts are written one by one; leave one of them out",
        ),
        (
            "score ?.parquet --on here --column name -o out --delimiter ;",
            "--delimiter has no use with --on, whose parts are written one by one; leave one of them out",
        ),
        (
            "sample --on here --output=",
            "--on writes many files; name a folder for them, as in --output out",
        ),
        (
            "score 0.parquet 1.parquet --on here --column name -o out",
            "0.parquet is no model, and 1.parquet the list: where a shell has written out a pattern, put it into "
            "quotes",
        ),
        (
            "score ?.parquet --on yarn --column name -o out",
            'a job runs on "yarn"; it must be here, ray, or ray=ADDRESS such as ray=10.0.0.5:6379',
        ),
        (
            "sample --on here -o out --unique",
            "--unique has no use with --on, whose parts are written one by one; leave one of them out",
        ),
        ("sample -o out", "--output goes with --on; without it strings go to standard output, as in > names.txt"),
        (
            "sample --on here --most-likely -o out",
            "--most-likely draws nothing, so --on has no use; leave one of them out",
        ),
    ],
)
def test_what_a_job_has_no_use_for_is_refused(data, said, line, sentence):
    assert said(line, WRONG_USAGE) == ("", f"wavemore: {sentence}\n")
    assert not Path("out").exists()


def test_a_folder_is_no_file(data, said):
    _, err = said("score . --on here --column name -o out", FAILED)
    assert err == "wavemore: . is a folder; name the files in it, as in '*.parquet'\n"


def test_a_pattern_without_on(data, said):
    _, err = said("score ?.parquet", FAILED)
    assert err.startswith('wavemore: there is no file "?.parquet" and no list of that name; lists are ')
    assert err.endswith("; a pattern of many files is for wavemore score --on alone\n")


def test_a_missing_engine_says_how_to_install_it(data, said, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    _, err = said("score ?.parquet --column name -o out --on ray", FAILED)
    assert err == "wavemore: Ray needs ray, which is not installed; install it with: pip install 'wavemore[ray]'\n"


def test_ctrl_c_keeps_what_is_finished(data, said, monkeypatch):
    def stopped(parts, folder):
        yield parts[0].write(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr("wavemore.scale.runners.here", stopped)
    _, err = said("score ?.parquet --column name -o out --on here", 130)
    assert err == "wavemore: stopped; what is finished stays in out, and the same command goes on\n"
    assert Path("out/0.parquet").exists()
