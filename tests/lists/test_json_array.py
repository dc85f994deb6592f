"""JSON arrays of strings and of objects."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import refusal, rows, texts, written

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.corpus import read_corpus

strings = st.lists(st.text(max_size=8).filter(lambda text: text.strip() != ""), max_size=6)


@settings(deadline=None)
@given(strings, st.booleans(), st.sampled_from([None, 0, 2]), st.sampled_from(["", " ", "\n", "\r\n\t"]), st.booleans())
def test_the_strings_of_an_array(values: list[str], ascii_only: bool, indent: int | None, around: str, keyed: bool):
    elements = [{"id": 1, "name": value} for value in values] if keyed else values
    text = around + json.dumps(elements, ensure_ascii=ascii_only, indent=indent) + around
    expected = [value if value.encode("utf-8", "replace").decode() == value else "" for value in values]
    try:
        data = text.encode()
    except UnicodeEncodeError:  # a lone surrogate as it is
        return
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "list.json", data)
        found = rows(path, column="name" if keyed else None)
    assert [text for _, text, _ in found] == expected


def test_each_element_is_a_row_with_its_line(tmp_path: Path):
    path = written(tmp_path / "list.json", '[\n  "anna",\n  null, 3, "",\n  "bob\\n", ["x"],\n  "cleo"]')
    assert rows(path) == [
        (2, "anna", ""),
        (3, "", "missing"),
        (3, "", "not a string"),
        (3, "", "blank"),
        (4, "bob\n", ""),
        (4, "", "not a string"),
        (5, "cleo", ""),
    ]
    assert str(read_corpus(path).skipped) == (
        "skipped 5: 1 blank (line 3), 1 missing (line 3), 2 not a string (lines 3, 4), 1 with a line break (line 4)"
    )


def test_objects_want_a_key_and_strings_none(tmp_path: Path):
    path = written(tmp_path / "list.json", '[{"id": 1, "name": "anna"}, {"id": 2}]')
    assert rows(path, column="name") == [(1, "anna", ""), (1, "", "missing")]
    assert refusal(UsageError, path) == f"{path} holds objects; name the key that holds the strings: id, name"
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no key "nme" (did you mean "name"?); its keys are id, name'
    )
    path = written(tmp_path / "list.json", '["anna"]')
    assert refusal(UsageError, path, column="name") == (
        f"{path} holds strings, which have no keys; do not name one (name)"
    )


@pytest.mark.parametrize(
    "content", ['{"name": "anna"}\n{"name": "bob"}\n', '{"name": "anna"}', '\n{"name": "anna"}\n\n']
)
def test_a_json_file_of_lines_is_read_as_lines(tmp_path: Path, content: str):
    assert texts(written(tmp_path / "list.json", content), column="name")[:1] in (["anna"], [""])
    assert read_corpus(tmp_path / "list.json", column="name").strings[0] == "anna"


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        ("", 1, "an array of strings or of objects is expected"),
        ('{\n"names": ["anna"]}', 1, "an array of strings or of objects is expected"),
        ('"anna"', 1, "an array of strings or of objects is expected"),
        ('["anna"\n"bob"]', 2, 'a comma or "]" is expected'),
        ('["anna",\n]', 2, "Expecting value"),
        ('["anna"]\n\n["bob"]', 3, "something follows the array"),
        (
            "[\n\n" + "[" * 100_000,
            3,
            "maximum recursion depth exceeded",
        ),
        ('["anna", tru]', 1, "Expecting value"),
        ("['anna']", 1, "Expecting value"),
    ],
)
def test_what_is_no_such_array_is_one_sentence(tmp_path: Path, content: str, line: int, why: str):
    path = written(tmp_path / "list.json", content)
    message = refusal(CorpusError, path)
    assert message.startswith(f"line {line} of {path} is not right for a JSON array: {why[:40]}")
    assert message.endswith("; mend it")


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        ('["anna"', 1, 'a comma or "]" is expected'),
        ('["anna",\n "bob', 2, "Unterminated string"),
        ('["anna",\n', 2, "Expecting value"),
        ('["anna", tr', 1, "Expecting value"),
        ('[["anna"], {"name": ', 1, "Expecting value"),
    ],
)
def test_an_array_without_its_end_is_cut_short(tmp_path: Path, content: str, line: int, why: str):
    path = written(tmp_path / "list.json", content)
    assert refusal(CorpusError, path) == (
        f"the JSON array of {path} has no end (line {line}: {why}), so it is cut short; write or copy it again"
    )


def test_an_empty_array_has_no_rows(tmp_path: Path):
    for content in ("[]", " [ ] \n"):
        assert rows(written(tmp_path / "list.json", content)) == []


@pytest.mark.parametrize(("name", "options"), [("list.json.gz", {}), ("list", {"format": "json"})])
def test_an_array_in_other_places(tmp_path: Path, name: str, options: dict[str, Any]):
    import gzip

    data = json.dumps(["anna", "zoë"], ensure_ascii=False).encode("utf-16")
    path = written(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)
    assert texts(path, **options) == ["anna", "zoë"]


def test_unreadable_bytes_are_one_element(tmp_path: Path):
    path = written(tmp_path / "list.json", b'["anna", "b\xffb", "\\ud800", "cleo"]')
    assert rows(path) == [(1, "anna", ""), (1, "", "unreadable"), (1, "", "unreadable"), (1, "cleo", "")]
