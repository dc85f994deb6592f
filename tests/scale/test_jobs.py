"""Jobs of many files: the values of `score`, the same bytes whenever and however a part is written, and what is wrong
is one sentence."""

import errno
import json
import os
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.estimator import StringModel
from wavemore.judging.scored_table import Order, scored_table
from wavemore.lists.layout import Layout
from wavemore.scale import jobs, parts
from wavemore.scale.jobs import Done, here, runner_of, sample_job, score_job

pyarrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

NAMES = ["kolo", None, "bax", " ", "dede", "", "éa", "KOLO", "bade"]


def tables(folder: Path) -> None:
    """Two files of names in folders of their own."""
    for number, name in enumerate(("one/people", "two/people")):
        path = folder / f"{name}.parquet"
        path.parent.mkdir()
        strings = NAMES[number:] * 5
        table = pyarrow.table({"id": pyarrow.array(range(len(strings)), "int16"), "name": strings})
        pq.write_table(table.replace_schema_metadata({"origin": "here"}), path, row_group_size=7, compression="gzip")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def data(tmp_path: Path, tiny_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    tables(Path("data"))
    return tmp_path


def test_parts_hold_the_rows_of_their_files_and_the_values_of_score(data, tiny_path):
    done = score_job("data/*/*.parquet", "name", "out", tiny_path, unknown="floor").run(here)
    assert done == Done(2, 0, 85)
    scores = StringModel.load(tiny_path).row_scores(unknown="floor")
    for name in ("one/people.parquet", "two/people.parquet"):
        with scored_table(f"data/{name}", scores, Order(), Layout(column="name")) as found, open("x", "wb") as file:
            found.write(file)
        assert pq.read_table(f"out/{name}").equals(pq.read_table("x"))
        assert pq.read_schema(f"out/{name}").metadata == {b"origin": b"here"}
        assert pq.ParquetFile(f"out/{name}").metadata.row_group(0).column(0).compression == "GZIP"


def test_a_large_file_becomes_parts_of_some_row_groups(data, tiny_path, monkeypatch):
    monkeypatch.setattr(jobs, "_ROWS", 20)
    job = score_job(["data/one/people.parquet"], "name", "out", tiny_path)
    assert [part.target for part in job.parts] == [
        "people-00000.parquet",
        "people-00001.parquet",
        "people-00002.parquet",
    ]
    job.run(here)
    monkeypatch.setattr(jobs, "_ROWS", 1 << 20)
    score_job(["data/one/people.parquet"], "name", "whole", tiny_path).run(here)
    joined = pyarrow.concat_tables([pq.read_table(f"out/{part.target}") for part in job.parts])
    assert joined.equals(pq.read_table("whole/people.parquet"))


def test_of_wide_rows_fewer_are_read_at_once(data, tiny_path, monkeypatch):
    score_job("data/one/*.parquet", "name", "whole", tiny_path).run(here)
    monkeypatch.setattr(parts, "_BYTES_READ", 1)
    monkeypatch.setattr(parts, "_FEWEST_READ", 8)
    score_job("data/one/*.parquet", "name", "out", tiny_path).run(here)
    found = pq.ParquetFile("out/people.parquet")
    assert found.metadata.num_row_groups == 6
    assert found.read().equals(pq.read_table("whole/people.parquet"))


def test_values_that_repeat_are_written_with_a_dictionary_and_others_without(data, tiny_path):
    draw, table = np.random.default_rng(0), pyarrow.table({"id": [1, 1, 2] * 200})
    distinct = ["".join(draw.choice([*"abdeklo"], 9)) for _ in range(600)]
    for name, strings in (("same", ["kolo", "bax", "dede"] * 200), ("distinct", distinct)):
        pq.write_table(table.append_column("name", pyarrow.array(strings)), f"{name}.parquet")
        score_job(f"{name}.parquet", "name", name, tiny_path, percentile=True).run(here)
        group = pq.ParquetFile(f"{name}/{name}.parquet").metadata.row_group(0)
        with_one = {group.column(i).path_in_schema for i in range(6) if group.column(i).has_dictionary_page}
        always = {"id", "unknown"}
        numbers = {"name", "log_likelihood", "bits_per_character", "percentile"}
        assert with_one == (always | numbers if name == "same" else always)
        found = pq.read_table(f"{name}/{name}.parquet").column("log_likelihood").to_numpy()
        assert np.array_equal(found, StringModel.load(tiny_path).score_samples(strings))


def test_a_job_that_was_stopped_goes_on_and_ends_in_the_same_bytes(data, tiny_path, monkeypatch):
    score_job("data/*/*.parquet", "name", "whole", tiny_path).run(here)

    def stopped(parts: Any, folder: str) -> Any:
        yield parts[0].write(folder)
        raise KeyboardInterrupt

    job = score_job("data/*/*.parquet", "name", "out", tiny_path)
    with pytest.raises(KeyboardInterrupt):
        job.run(stopped)
    before = Path("out/one/people.parquet").stat()
    assert job.run(here) == Done(2, 1, 40)
    assert Path("out/one/people.parquet").stat().st_mtime_ns == before.st_mtime_ns
    assert contents(Path("out")) == contents(Path("whole"))
    assert job.run(here) == Done(2, 2, 0)


def test_a_part_that_cannot_be_written_leaves_nothing(data, tiny_path, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full(parts.Scorer):
        def appended(self, table: Any, column: str) -> Any:
            raise full

    job = score_job("data/*/*.parquet", "name", "out", tiny_path)
    broken = [replace(part, shared=Full(tiny_path)) for part in job.parts if isinstance(part, parts.ScorePart)]
    with pytest.raises(FileError) as error:
        jobs.Job(broken, "out", job.about).run(here)
    assert str(error.value) == f"cannot write {Path('out/one/people.parquet')}: No space left on device"
    assert list(contents(Path("out"))) == ["_job.json"]
    assert job.run(here) == Done(2, 0, 85)


def test_faithful_samples_are_those_of_the_model_file_after_file(data, tiny_path, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2048)
    monkeypatch.setattr(jobs, "_BATCHES", 2)
    job = sample_job(5000, "out", tiny_path, seed=3, faithful=True)
    assert job.run(here) == Done(2, 0, 5000)
    found = [pq.read_table(f"out/{part.target}").column("string").to_pylist() for part in job.parts]
    assert list(map(len, found)) == [4096, 904]
    assert [*chain(*found)] == StringModel.load(tiny_path).sample(5000, seed=3)


def test_a_sample_without_a_seed_goes_on_with_the_one_that_it_began_with(data, tiny_path):
    first = sample_job(300, "out", tiny_path, length=(3, 5))
    first.run(here)
    before = contents(Path("out"))
    Path("out/part-000000.parquet").unlink()
    assert sample_job(300, "out", tiny_path, length=(3, 5)).run(here) == Done(1, 0, 300)
    assert contents(Path("out")) == before
    assert {3, 4, 5} >= set(map(len, pq.read_table("out/part-000000.parquet").column(0).to_pylist()))
    with pytest.raises(UsageError, match="out holds parts of another job, with other n; name another folder, or empty"):
        sample_job(400, "out", tiny_path, length=(3, 5)).run(here)


def test_files_whose_parts_would_have_one_name_are_refused(data, tiny_path):
    Path("a").mkdir()
    for name in ("x.pq", "x.parquet", "d[1].parquet"):
        pq.write_table(pyarrow.table({"name": [name[0]]}), f"a/{name}")
    with pytest.raises(UsageError) as error:
        score_job("a/x.p*", "name", "out", tiny_path)
    assert str(error.value) == (
        f"{data / 'a/x.parquet'} and {data / 'a/x.pq'} would both be written as x.parquet; rename one, or score them "
        "apart"
    )
    once = score_job(["a/x.parquet", "./a/x.parquet", "a/../a/x.parquet"], "name", "out", tiny_path)
    assert len(once.parts) == 1
    assert [part.target for part in score_job("a/d[1].parquet", "name", "out", tiny_path).parts] == ["d[1].parquet"]


def test_a_pattern_passes_over_the_jobs_own_folder(data, tiny_path):
    for done in (Done(2, 0, 85), Done(2, 2, 0)):
        assert score_job("data/**/*.parquet", "name", "data/out", tiny_path).run(here) == done


def test_a_job_that_has_no_part_yet_makes_room_for_another(data, tiny_path):
    with pytest.raises(UsageError, match="is not among the"):
        sample_job(5, "out", tiny_path, starts_with="É").run(here)
    with pytest.raises(UsageError, match="unique looks at all batches together"):
        sample_job(5, "out", tiny_path, unique=True).run(here)
    Path("out/.part-000000.parquet.abcdefgh.wavemore").write_bytes(b"half")
    with pytest.raises(UsageError, match="holds parts of another job, with other wish"):
        sample_job(5, "out", tiny_path, starts_with="b").run(here)
    Path("out/.part-000000.parquet.abcdefgh.wavemore").unlink()
    assert sample_job(5, "out", tiny_path, starts_with="b").run(here) == Done(1, 0, 5)


@pytest.mark.parametrize("about", [b"[1", b"\xff\xfe", b"3", b"[" * 100_000])
def test_a_folder_that_nobody_knows_is_one_sentence(data, tiny_path, about):
    Path("bad").mkdir()
    Path("bad/_job.json").write_bytes(about)
    for make in (
        lambda: score_job("data/*/*.parquet", "name", "bad", tiny_path),
        lambda: sample_job(5, "bad", tiny_path),
    ):
        with pytest.raises(CorpusError) as error:
            make().run(here)
        assert str(error.value) == (
            f"{Path('bad/_job.json')} is damaged, so nobody knows what the parts in bad are; empty the folder"
        )


def test_a_seed_that_is_none_is_not_gone_on_with(data, tiny_path):
    Path("bad").mkdir()
    Path("bad/_job.json").write_text('{"what": "sample", "seed": "x"}')
    assert sample_job(5, "bad", tiny_path).run(here) == Done(1, 0, 5)


def test_columns_without_a_value_and_files_without_rows(data, tiny_path):
    schema = pyarrow.schema([("name", pyarrow.string())])
    pq.ParquetWriter("no-groups.parquet", schema).close()
    pq.write_table(pyarrow.table({"name": pyarrow.nulls(3)}), "nulls.parquet")
    large = pyarrow.array(["kolo", None], "large_string").dictionary_encode()
    pq.write_table(pyarrow.table({"name": large}), "large.parquet")
    assert score_job("*.parquet", "name", "out", tiny_path).run(here) == Done(3, 0, 5)
    assert pq.read_table("out/nulls.parquet").column("log_likelihood").to_pylist() == [None] * 3
    assert pq.read_table("out/no-groups.parquet").column_names[1] == "log_likelihood"


def test_a_string_that_is_no_utf8_is_told_with_its_file(data, tiny_path):
    buffers = [None, pyarrow.py_buffer(b"\0\0\0\0\1\0\0\0"), pyarrow.py_buffer(b"\xff")]
    broken = pyarrow.Array.from_buffers(pyarrow.string(), 1, buffers)
    pq.write_table(pyarrow.table({"name": broken}), "broken.parquet")
    with pytest.raises(UsageError) as error:
        score_job("broken.parquet", "name", "out", tiny_path).run(here)
    assert str(error.value) == (
        f"{data / 'broken.parquet'}, column name: the column has a string that is no UTF-8; write it again with an "
        "encoding"
    )
    assert list(contents(Path("out"))) == ["_job.json"]


def test_what_is_wrong_is_one_sentence(data, tiny_path):
    Path("list.txt").write_text("anna\n")
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    pq.write_table(pyarrow.table({"name": [1], "unknown": ["a"]}), "numbers.parquet")

    def said(kind: type[Exception], make: Any) -> str:
        with pytest.raises(kind) as error:
            make().run(here)
        return str(error.value)

    known = 'the column "name" of numbers.parquet holds int64 and not strings; name another'
    assert said(UsageError, lambda: score_job("numbers.parquet", "unknown", "out", tiny_path)) == (
        'numbers.parquet has a column "unknown" already; rename it, or take it out first'
    )
    pq.write_table(pyarrow.table({"name": [1]}), "numbers.parquet")
    assert said(UsageError, lambda: score_job("numbers.parquet", "name", "out", tiny_path)) == known
    assert "numbers.parquet has no column" in said(
        UsageError, lambda: score_job("numbers.parquet", "nam", "out", tiny_path)
    )
    assert said(FileError, lambda: score_job("x*.parquet", "name", "out", tiny_path)) == (
        "no file is named x*.parquet; name one, or put the pattern into quotes"
    )
    assert said(FileError, lambda: score_job("x.parquet", "name", "out", tiny_path)) == (
        "cannot read x.parquet: No such file or directory"
    )
    assert "list.txt is no Parquet file" in said(CorpusError, lambda: score_job("list.txt", "name", "out", tiny_path))
    assert not Path("out").exists()
    everything = "data/*/*.parquet"
    assert said(UsageError, lambda: score_job(everything, "name", "mine", tiny_path)) == (
        "the folder mine holds files that are no parts of a job; name an empty or a new one"
    )
    assert said(FileError, lambda: score_job(everything, "name", "list.txt", tiny_path)) == (
        "cannot use the folder list.txt: File exists"
    )


@pytest.mark.parametrize("on", ["spark", "ray=", "here=now", ""])
def test_a_job_runs_on_what_there_is(on):
    with pytest.raises(UsageError) as error:
        runner_of(on)
    assert str(error.value) == f'a job runs on "{on}"; it must be here, ray, or ray=ADDRESS such as ray=10.0.0.5:6379'


def test_the_folder_says_what_job_it_is_of(data, tiny_path):
    score_job("data/*/*.parquet", "name", "out", tiny_path, percentile=False).run(here)
    about = json.loads(Path("out/_job.json").read_text())
    assert about["what"] == "score"
    assert about["column"] == "name"
    assert [path for path, _, _ in about["inputs"]] == ["data/one/people.parquet", "data/two/people.parquet"]
    os.utime("data/one/people.parquet", (1, 1))
    with pytest.raises(UsageError, match="with other inputs"):
        score_job("data/*/*.parquet", "name", "out", tiny_path, percentile=False).run(here)
    assert np.isfinite(pq.read_table("out/one/people.parquet").column("log_likelihood")[0].as_py())
