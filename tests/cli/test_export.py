"""`wavemore export`: one file that opens without wavemore."""

import shlex
import sys
from pathlib import Path

import onnx
import pytest
from command_line import FAILED, WRONG_USAGE

from wavemore.cli import run
from wavemore.estimator import load
from wavemore.export.onnx_file import onnx_bytes
from wavemore.page.one_file import page_html


def test_the_model_in_the_package_becomes_a_page_named_after_it(answer):
    out, err = answer("export")
    page = page_html(load().file_)
    assert Path("names.html").read_text(encoding="utf-8") == page
    assert out == ""
    size = len(page.encode())
    assert err == f"wavemore: wrote names.html, {size:,} bytes; open it in a browser; it needs no internet\n"


def test_a_model_becomes_an_onnx_file(answer, tiny_path):
    _, err = answer("export tiny.safetensors -o a.onnx")
    assert Path("a.onnx").read_bytes() == onnx_bytes(load("tiny.safetensors").file_)
    assert err == (
        f"wavemore: wrote a.onnx, {Path('a.onnx').stat().st_size:,} bytes; any runtime of ONNX runs it: ids in, "
        "log_likelihood and logits out\n"
    )
    assert answer("export tiny.safetensors --format onnx -q") == ("", "")
    assert Path("tiny.onnx").read_bytes() == Path("a.onnx").read_bytes()


def test_the_demonstration_may_run_twice(answer, tiny_path):
    """As the Makefile ends with it, and it says how to open the page."""
    makefile = (Path(__file__).resolve().parents[2] / "Makefile").read_text(encoding="utf-8")
    demo = makefile[makefile.index("\ndemo:") :].split("\n\n")[0].splitlines()
    last = shlex.split(demo[-1].replace("$(BIN)/", ""))
    assert last == ["wavemore", "export", "demo.safetensors", "-o", "demo.html"]
    Path("demo.safetensors").write_bytes(tiny_path.read_bytes())
    for _ in range(2):
        assert "wrote demo.html, " in (said := answer(shlex.join(last[1:]))[1])
        assert "open it in a browser" in said


def test_to_standard_output(capfdbinary, tiny_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["export", "tiny.safetensors", "-o", "-"]) == 0
    out, err = capfdbinary.readouterr()
    assert out.decode() == page_html(load("tiny.safetensors").file_)
    assert err == b""
    assert run(["export", "tiny.safetensors", "-o", "-", "--format", "onnx"]) == 0
    assert capfdbinary.readouterr()[0] == onnx_bytes(load("tiny.safetensors").file_)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.safetensors"]


def test_one_label_of_a_model(answer):
    Path("labelled.csv").write_text("name,kind\n" + "".join(f"{c}{c}a,{c}\n" for c in "bdkl" for _ in range(9)))
    answer("train labelled.csv --column name --label kind --recipe tiny.toml -q")
    answer("export labelled.safetensors --label b -o b.onnx")
    answer("export labelled.safetensors -o all.onnx")
    one, every = (onnx.load(name) for name in ("b.onnx", "all.onnx"))
    assert Path("b.onnx").read_bytes() == onnx_bytes(load("labelled.safetensors").given("b").file_)
    assert [out.name for out in one.graph.output] == ["log_likelihood", "logits"]
    assert [out.name for out in every.graph.output] == ["log_joint", "log_likelihood", "logits"]


def test_a_compressed_page(answer, tiny_path):
    import gzip

    answer("export tiny.safetensors -o a.html.gz")
    assert gzip.decompress(Path("a.html.gz").read_bytes()).decode() == page_html(load("tiny.safetensors").file_)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "-o a.txt",
            "a.txt does not say by its ending what to write; call it .html or .onnx, or name a format (--format html)",
        ),
        ("-o a.html --format onnx", "a.html would hold onnx, and .html is for html; give it another ending"),
        ("--format pdf", 'the format is "pdf"; it must be html or onnx'),
        (
            "-o tiny.safetensors --format onnx",
            "tiny.safetensors is the file tiny.safetensors, which is read; write to another file",
        ),
        (
            "-o other.safetensors --format html",
            "other.safetensors is a model; add --force to replace it, or name another file with --output",
        ),
        ("--label b", "the model tiny.safetensors has no labels, or one was chosen already; train one with --label"),
    ],
)
def test_what_is_wrong(refused, tiny_path, line, sentence):
    Path("other.safetensors").write_bytes(tiny_path.read_bytes())
    assert refused(WRONG_USAGE, "export", "tiny.safetensors", *shlex.split(line)).startswith(sentence)


def test_a_model_is_replaced_when_asked(answer, tiny_path):
    Path("other.safetensors").write_bytes(tiny_path.read_bytes())
    answer("export tiny.safetensors --format onnx -o other.safetensors --force")
    assert Path("other.safetensors").read_bytes() == onnx_bytes(load("tiny.safetensors").file_)


def test_a_list_in_place_of_a_model(refused):
    assert refused(FAILED, "export", "list.txt", "-o", "a.onnx") == (
        "list.txt is a list and no model; train one first: wavemore train list.txt, or name the file of one"
    )


def test_without_onnx_a_sentence_names_the_extra(refused, tiny_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert refused(FAILED, "export", "tiny.safetensors", "-o", "a.onnx") == (
        "ONNX needs onnx, which is not installed; install it with: pip install 'wavemore[onnx]'"
    )
