"""Plain lists and JSON lines are written again with columns added, every other byte as it was."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewriting import NAMES, portion_of, refusal, rewritten, written

from wavemore.errors import UsageError
from wavemore.lists.rows import tidied
from wavemore.tables.columns import LONGEST_STRING
from wavemore.tables.formats import open_table

# --- text


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff\n\r"), max_size=12), min_size=1, max_size=8
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le"]),
    st.booleans(),
)
def test_lines_stand_last_and_as_they_were(strings: list[str], end: str, encoding: str, ended: bool):
    before = "".join(string + end for string in strings)
    if strings and strings[-1] and not ended:
        before = before.removesuffix(end)
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "list", before.encode(encoding))
        out = rewritten(path, encoding=encoding, format="text").decode(encoding)
    head, *rows = out.removesuffix(end).split("\n") if strings else [out]
    assert head.removesuffix("\r").removesuffix("\n") == "log_likelihood\tunknown\tstring"
    assert "\n".join(row.split("\t", 2)[2] for row in rows) == before.removesuffix(end)
    assert out.endswith(end) == (not strings or before.endswith(end))
    expected = [f"{len(string):.6f}" if string.strip() else "" for string in strings]
    assert [row.split("\t")[0] for row in rows] == expected


def test_lines_of_bytes_that_are_not_of_the_encoding(tmp_path):
    path = written(tmp_path / "list", b"anna\n\xff\n\tx\ty\n")
    assert rewritten(path) == b"log_likelihood\tunknown\tstring\n4.000000\ta\tanna\n\t\t\xff\n4.000000\t\\t\t\tx\ty\n"


def test_an_unprintable_character_in_a_list_of_lines_is_shown(tmp_path):
    path = written(tmp_path / "list", "\u200bx\n")
    assert rewritten(path).decode().split("\n")[1] == "2.000000\t\\u200b\t\u200bx"


@pytest.mark.parametrize(("encoding", "data"), [("cp037", "José\n"), ("utf-7", "José\n"), ("shift_jis", "さくら\n")])
def test_other_encodings(tmp_path, encoding, data):
    raw = data.encode(encoding)
    head = "log_likelihood\tunknown\tstring\n".encode(encoding)
    values = f"{len(data) - 1:.6f}\t{data[0]}\t".encode(encoding)
    assert rewritten(written(tmp_path / "list", raw), encoding=encoding) == head + values + raw


def test_an_encoding_in_which_bytes_mean_the_same_is_refused(tmp_path):
    path = written(tmp_path / "list", "anna\n".encode("cp875"))
    assert refusal(UsageError, path, encoding="cp875") == (
        "text in cp875 cannot be written back as it was, since some of its bytes mean the same; "
        "convert the list to utf-8 first"
    )


def test_strings_given_one_by_one():
    with open_table(["anna", "", "b\udcff"], NAMES) as table:
        (portion,) = table.portions()
    assert portion.problems == {1: "blank", 2: "unreadable"}
    with pytest.raises(UsageError, match=r"^'an\\nna' has a line break, and strings stand on a line each"):
        rewritten(["an\nna"])  # type: ignore[arg-type]


# --- JSON lines


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.text(max_size=5).filter(lambda key: key not in NAMES), values, max_size=3),
            st.text(max_size=8),
            st.booleans(),
            st.sampled_from(["", " ", "\t"]),
            st.sampled_from(["\n", "\r\n"]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_values_go_before_the_last_brace(rows: list[Any], ended: bool, encoding: str):
    before, expected = "", []
    for place, (others, string, ascii_only, space, end) in enumerate(rows):
        record = {**others, "name": string}
        line = json.dumps(record, ensure_ascii=ascii_only)
        before += space + line[:-1] + space + "}" + space + (end if ended or place < len(rows) - 1 else "")
        expected.append((record, tidied(string, LONGEST_STRING)))
    try:
        data = before.encode(encoding)
    except UnicodeEncodeError:  # lone surrogates
        return
    with TemporaryDirectory() as folder:
        out = rewritten(written(Path(folder) / "list.jsonl", data), column="name", encoding=encoding).decode(encoding)
    lines = out.split("\n")
    for line, (record, (text, problem)) in zip(lines, expected, strict=False):
        found = json.loads(line)
        assert found.pop("log_likelihood") == (None if problem else len(text))
        assert found.pop("unknown") == text[:1]
        assert found == record
    for was, now in zip(before.split("\n"), lines, strict=True):
        place = was.rindex("}") if was.strip() else 0
        assert (now[:place], now[len(now) - len(was) + place :]) == (was[:place], was[place:])


def test_lines_that_are_no_object_stay_as_they_are(tmp_path):
    kept = ["", "[1]", '{"name": ', '{"name": "x"', "{}", "  "]
    path = written(tmp_path / "list.jsonl", "\n".join([*kept, '{"name": "anna"}', '{"id": 1}', '{"name": 3}']))
    *same, last, missing, number = rewritten(path, column="name").decode().split("\n")
    assert same == kept
    assert last == '{"name": "anna", "log_likelihood": 4.000000, "unknown": "a"}'
    assert missing == '{"id": 1, "log_likelihood": null, "unknown": ""}'
    assert number == '{"name": 3, "log_likelihood": null, "unknown": ""}'
    blank, unreadable, missing = "blank", "unreadable", "missing"
    assert portion_of(path, column="name").problems == {
        0: blank,
        1: unreadable,
        2: unreadable,
        3: unreadable,
        4: missing,
        5: blank,
        7: missing,
        8: "not a string",
    }


def test_a_key_that_no_record_has(tmp_path):
    path = written(tmp_path / "list.jsonl", '{"id": 1, "name": "anna"}\n')
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no key "nme" (did you mean "name"?); its keys are id, name'
    )
