"""`wavemore plot`: a table or JSON on standard output, a picture where one is asked for, exit codes."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from command_line import Said

from wavemore.cli import run

TINY = "[model]\ngroups = [2, 2]\nembedding = 4\nhidden = 8\n[train]\nsteps = 20\nbatch = 32\nevaluate_every = 10\n"


@pytest.fixture(scope="module")
def trained(strings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a.safetensors and b.safetensors, and what their training wrote down."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "list.txt").write_text("\n".join(strings))
    (folder / "tiny.toml").write_text(TINY)
    for name, seed in (("a", 1), ("b", 2)):
        words = ["train", f"{folder}/list.txt", "--recipe", f"{folder}/tiny.toml", "-q", "--seed", str(seed)]
        assert run([*words, "-o", f"{folder}/{name}.safetensors"]) == 0
    return folder


@pytest.fixture
def said(tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> Said:
    """Run `wavemore plot` beside a.safetensors and b.safetensors."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    return lambda line, code=0: said(f"plot {line}", code)


def test_a_table_alone(said):
    before = {*Path().iterdir()}
    out, err = said("a.safetensors b.history.jsonl")
    header, *rows = out.removesuffix("\n").split("\n")
    assert re.split(r" {2,}", header) == [
        *("run", "parameters", "steps", "passes", "seconds", "batch loss", "best validation", "at step", "last"),
        "steps/s",
    ]
    assert [re.split(r" {2,}", row)[:3] for row in rows] == [["a", "328", "20"], ["b", "328", "20"]]
    assert len({len(row) for row in (header, *rows)}) == 1
    assert err == ""
    assert {*Path().iterdir()} == before


def test_json_and_table_say_the_same(said):
    text, _ = said("a.safetensors")
    record = json.loads(said("a.safetensors --json")[0])
    assert (record["run"], record["seed"], record["steps"]) == ("a", 1, 20)
    row = re.split(r" {2,}", text.split("\n")[1])
    assert row[5:9] == [
        *(f"{record['smooth_loss']:.4f}", f"{record['best_validation_loss']:.4f}"),
        *(str(record["best_step"]), f"{record['last_validation_loss']:.4f}"),
    ]
    lines = [json.loads(line) for line in Path("a.history.jsonl").read_text().splitlines()[1:]]
    assert record["points"]["batch_loss"] == [line["batch_loss"] for line in lines if line["record"] != "inside"]


@pytest.mark.parametrize("over", ["step", "passes", "seconds"])
def test_picture(said, over):
    out, err = said(f"a.safetensors b.safetensors -o both.svg --over {over}")
    assert out == said("a.safetensors b.safetensors")[0]
    assert err == ""
    assert ">How training went: 2 runs</text>" in Path("both.svg").read_text()
    assert f">{over}" in Path("both.svg").read_text()


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("", 2, "Missing argument 'HISTORY...'; see: wavemore plot --help"),
        ("a.safetensors --over time", 2, '--over is "time"; it must be step, passes or seconds'),
        ("a.safetensors -o a.pdf", 2, "the picture is a.pdf; it must be a file that ends in .svg or .png"),
        ("a.safetensors a.history.jsonl", 2, "the history a.history.jsonl is named twice; name it once"),
        ("list.txt", 1, "list.txt is not the history of a run; give a file that training has recorded"),
        ("nosuch.safetensors", 1, "cannot read nosuch.history.jsonl: No such file or directory"),
        ("a.safetensors -o nosuch/a.svg", 1, "cannot write nosuch/a.svg: No such file or directory"),
    ],
)
def test_wrong_usage(said, line, code, message):
    assert said(line, code=code) == ("", f"wavemore: {message}\n")


def test_without_matplotlib_there_is_still_a_table(said, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert said("a.safetensors")[0].startswith("run  parameters")
    assert said("a.safetensors -o a.svg", code=1) == (
        "",
        "wavemore: drawing a picture needs matplotlib, which is not installed; "
        "install it with: pip install 'wavemore[plot]'\n",
    )
