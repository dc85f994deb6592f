"""`wavemore study`: verdicts on standard output, how far it is on standard error, and what stays in the folder."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import Said
from tiny import tiny_strings

from wavemore.study import pool


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> Said:
    """Run `wavemore study` beside list.txt, in this process; what it said on both streams."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "cores", lambda: 1)
    Path("list.txt").write_text("\n".join(tiny_strings(60)))

    return lambda line, code=0: said(f"study {line}", code)


LINE = "list.txt --quick --claims information --set train.steps=2"


def test_text_json_and_the_folder_say_the_same(said):
    out, err = said(f"{LINE} -o here")
    first, second, last = out.removesuffix("\n").split("\n")
    assert first.split(":")[0] == "information"
    assert "what permuting costs (2, 2, 2), minus what it costs (8,): " in second
    assert last == "the report is here/study.html"
    assert err.endswith("wavemore: 40 of 40 runs\n")
    assert sorted(path.name for path in Path("here").iterdir()) == ["runs", "study.html", "study.json", "study.md"]
    out, err = said(f"{LINE} -o here --json")
    assert err == "wavemore: 40 of 40 runs are taken from here\n"
    record = json.loads(out)
    assert record["verdict"] in first.lower()
    assert record["findings"] == json.loads(Path("here/study.json").read_text())["claims"][0]["findings"]
    assert f"command: wavemore study {LINE} -o here --json" in Path("here/study.md").read_text()
    assert said(f"{LINE} -o here -q")[1] == ""


def test_ctrl_c_says_what_is_kept(said, monkeypatch):
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pool.Workplace, "measure", stop)
    _, err = said(f"{LINE} -o here", code=130)
    assert err == "wavemore: stopped; what was done is kept in here, and the same command goes on with it\n"


def test_ctrl_c_reaches_no_run_under_way(tmp_path):
    """A terminal sends it to all processes at once."""
    (tmp_path / "list.txt").write_text("\n".join(tiny_strings(60)))
    words = ["study", "list.txt", "--quick", "--claims", "information", "--set", "train.steps=20", "-o", "here"]
    program = subprocess.Popen(
        [sys.executable, "-m", "wavemore", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    runs = tmp_path / "here" / "runs"
    until = time.monotonic() + 60
    while len(list(runs.glob("*.json"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    before = len(list(runs.glob("*.json")))
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (130, ""), err
    *remarks, last = err.removesuffix("\n").split("\n")
    assert all(" of 40 runs, about " in remark for remark in remarks)  # on a slow machine
    assert last == "wavemore: stopped; what was done is kept in here, and the same command goes on with it"
    assert before < len(list(runs.glob("*.json"))) < 40


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "list.txt --on yarn",
            'a study runs on "yarn"; it must be here, ray, or ray=ADDRESS such as ray=10.0.0.5:6379',
        ),
        ("list.txt --seeds 3", "the number of seeds is 3; it must be 5 or more"),
        ("list.txt --set data.splt=lecture", 'unknown key "data.splt" (did you mean "split"?)'),
        ("list.txt --set model.hidden=4", "model.hidden is what the study itself sets; leave it out of the settings"),
    ],
)
def test_wrong_usage(said, line, message):
    assert said(f"{line} -o here", code=2) == ("", f"wavemore: {message}\n")
    assert not Path("here").exists()


def test_without_ray_it_is_said_before_the_work(said, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    _, err = said("list.txt -o here --on ray", code=1)
    assert err == "wavemore: Ray needs ray, which is not installed; install it with: pip install 'wavemore[ray]'\n"
    assert not Path("here").exists()
