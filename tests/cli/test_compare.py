"""`wavemore compare`: results on standard output, messages on standard error, exit codes, and what stays."""

import json
import re
import sys
from pathlib import Path

import pytest
from command_line import Said
from tiny import tiny_strings

from wavemore.progress import TrainingProgress

TINY = "[model]\ngroups = [2, 2]\nembedding = 4\nhidden = 8\n[train]\nsteps = 20\nbatch = 32\nevaluate_every = 10\n"


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> Said:
    """Run `wavemore compare` beside list.txt and tiny.toml; what it said on both streams."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(tiny_strings(200)))
    Path("tiny.toml").write_text(TINY)

    return lambda line, code=0: said(f"compare {line}", code)


def test_text_and_progress(said):
    out, err = said("list.txt tiny.toml ngram --seeds 2")
    header, *rows = out.split("\n\n")[0].split("\n")
    assert header.split() == ["parameters", "seconds", "validation", "validation", "unseen"]
    assert [re.split(r" {2,}", row.strip())[0] for row in rows] == [
        *("tiny", "2 seeds", "95 % interval", "ngram", "95 % interval")
    ]
    assert len({len(row) for row in rows}) == 1
    assert re.fullmatch(
        r"tiny, seed 0 \(1 of 3\)\n(step [12]0 .*\n){2}"
        r"wavemore: tiny, seed 0 \(1 of 3\): \d\.\d s, validation \d\.\d{4}\n"
        r"wavemore: ngram \(2 of 3\): \d\.\d s, validation \d\.\d{4}\n"
        r"tiny, seed 1 \(3 of 3\)\n(step [12]0 .*\n){2}"
        r"wavemore: tiny, seed 1 \(3 of 3\): \d\.\d s, validation \d\.\d{4}\n",
        err,
    )


def test_quiet_json_markdown_and_text_say_the_same(said):
    line = "list.txt tiny.toml --seeds 3 --keep kept -q"
    text, err = said(line)
    assert err == ""
    out, err = said(f"{line} --json --test")
    (record,) = map(json.loads, out.removesuffix("\n").split("\n"))
    assert err == ""
    assert [found["seed"] for found in record["runs"]] == [0, 1, 2]
    assert list(record["losses"]) == ["validation", "validation unseen", "test", "test unseen"]
    shown = f"{record['losses']['validation']['nats_per_character']:.4f}"
    assert shown in text
    markdown, _ = said(f"{line} --markdown")
    assert f"| {shown} (" in markdown
    assert "test" not in text.split("\n")[0]
    assert f"- command: `wavemore compare {line} --markdown`" in markdown


def test_lists_settings_seeds_and_names(said):
    Path("table.csv").write_text(
        "id,name\n" + "".join(f"{i},{s}\n" for i, s in enumerate(tiny_strings(200))) + "201,\n"
    )
    line = "table.csv --column name ours=tiny.toml --seed-list 7,5 --set data.split=lecture --set model.hidden=5 --json"
    out, err = said(line)
    assert err.startswith("wavemore: table: skipped 1: 1 blank (line 202)\n")
    record = json.loads(out)
    assert (record["row"], record["source"], record["split"]) == ("ours", "tiny.toml", "lecture")
    assert [found["seed"] for found in record["runs"]] == [7, 5]
    assert record["losses"]["validation"] != record["losses"]["validation unseen"]


def test_picture(said):
    said("list.txt tiny.toml ngram --seeds 1 -q --picture a.svg")
    assert ">ngram</text>" in Path("a.svg").read_text()
    out, err = said("list.txt nosuch.toml -q --picture b.svg", code=1)
    assert "nosuch  failed: cannot read the recipe nosuch.toml: No such file or directory" in out
    assert err == ""
    assert not Path("b.svg").exists()


def test_a_failed_row_is_exit_code_1(said):
    Path("wild.toml").write_text(TINY + 'optimizer = "sgd"\nrate = 1e9\n')
    out, err = said("list.txt wild.toml tiny.toml --seeds 1", code=1)
    assert re.search(r"^wild +failed: the (validation )?loss is .*lower the learning rate", out, flags=re.MULTILINE)
    assert re.search(r"^tiny +328 +\d", out, flags=re.MULTILINE)
    assert "wavemore: wild, seed 0 (1 of 2) failed: the " in err


def test_ctrl_c_says_what_is_kept(said, monkeypatch):
    def stop(self: TrainingProgress, record: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingProgress, "evaluated", stop)
    _, err = said("list.txt tiny.toml --keep kept -q", code=130)
    assert err == "wavemore: stopped; what was done is kept in kept, and the same command goes on with it\n"
    assert said("list.txt tiny.toml -q", code=130) == ("", "wavemore: stopped; nothing was written\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("list.txt", "Missing argument 'ROW...'; see: wavemore compare --help"),
        ("list.txt tiny.toml --seeds 0", "the number of seeds is 0; it must be 1 or more"),
        ("list.txt tiny.toml --seeds 2 --seed-list 1", "--seeds and --seed-list exclude each other; choose one"),
        ("list.txt tiny.toml --seed-list 1,x", '--seed-list is "1,x"; it must be whole numbers such as 0,1,2'),
        ("list.txt tiny.toml --seed-list 1,1", "the seed 1 is named twice; name it once"),
        ("list.txt tiny.toml tiny.toml", "tiny.toml is named twice among the rows; name it once"),
        ("list.txt tiny.toml --json --markdown", "--json and --markdown exclude each other; choose one"),
        ("list.txt tiny.toml --set model.hiden=3", 'tiny: unknown key "model.hiden" (did you mean "hidden"?)'),
        (
            "list.txt tiny.toml --on yarn",
            'a comparison runs on "yarn"; it must be here, ray, or ray=ADDRESS such as ray=10.0.0.5:6379',
        ),
        ("list.txt tiny.toml --picture a.pdf", "the picture is a.pdf; it must be a file that ends in .svg or .png"),
    ],
)
def test_wrong_usage(said, line, message):
    assert said(f"{line} --keep kept", code=2) == ("", f"wavemore: {message}\n")
    assert not Path("kept").exists()


def test_without_matplotlib_it_is_said_before_the_work(said, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert said("list.txt tiny.toml --keep kept --picture a.svg", code=1) == (
        "",
        "wavemore: drawing a picture needs matplotlib, which is not installed; "
        "install it with: pip install 'wavemore[plot]'\n",
    )
    assert not Path("kept").exists()


def test_without_ray_it_is_said_before_the_work(said, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    _, err = said("list.txt tiny.toml --keep kept --on ray", code=1)
    assert err == "wavemore: Ray needs ray, which is not installed; install it with: pip install 'wavemore[ray]'\n"
    assert not Path("kept").exists()
