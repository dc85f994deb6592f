"""What a file's name says of its form, and a model exported from Python."""

import gzip
from pathlib import Path

import pytest

from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.export.formats import format_for
from wavemore.export.onnx_file import onnx_bytes
from wavemore.page.one_file import page_html


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.html", None, "html"),
        ("a.HTM", None, "html"),
        ("a.b.onnx", None, "onnx"),
        ("a", "onnx", "onnx"),
        ("a.bin", "html", "html"),
        ("a.onnx", "onnx", "onnx"),
        ("a.onnx.gz", None, "onnx"),
        ("a.html.xz", "html", "html"),
    ],
)
def test_the_form_is_told_by_the_ending_or_by_name(name, format, expected):
    assert format_for(name, format) == expected


@pytest.mark.parametrize(
    ("name", "format", "sentence"),
    [
        ("a.html", "onnx", "a.html would hold onnx, and .html is for html; give it another ending"),
        ("a.html.gz", "onnx", "a.html.gz would hold onnx, and .html is for html; give it another ending"),
        (
            "a.txt",
            None,
            "a.txt does not say by its ending what to write; call it .html or .onnx, or name a format (--format html)",
        ),
        ("a.html", "pdf", 'the format is "pdf"; it must be html or onnx'),
    ],
)
def test_what_says_nothing_or_something_else_is_refused(name, format, sentence):
    with pytest.raises(UsageError) as refused:
        format_for(name, format)
    assert str(refused.value) == sentence


def test_a_model_is_exported_by_the_ending(tiny_model: StringModel, tmp_path: Path):
    tiny_model.export(tmp_path / "a.html")
    tiny_model.export(tmp_path / "a.bin", format="onnx")
    tiny_model.export(tmp_path / "b.onnx.gz")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == page_html(tiny_model.file_)
    assert (tmp_path / "a.bin").read_bytes() == onnx_bytes(tiny_model.file_)
    assert gzip.decompress((tmp_path / "b.onnx.gz").read_bytes()) == onnx_bytes(tiny_model.file_)


def test_a_model_that_leans_is_refused_and_nothing_is_written(tiny_model: StringModel, tmp_path: Path):
    with pytest.raises(UsageError) as refused:
        tiny_model.leaning(["baba", "bobo", "bebe"]).export(tmp_path / "a.html")
    assert str(refused.value) == (
        "a model that leans towards favourites is not exported; export the one that it came from"
    )
    assert not [*tmp_path.iterdir()]
