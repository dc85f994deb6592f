"""`wavemore train` on several ranks, as torchrun starts it: its result, Ctrl-C and --resume, and ranks that end."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ranked import started

from wavemore.models.modelfile import ModelFile

pytestmark = pytest.mark.slow

RECIPE = """
[model]
groups = [2, 2, 2]
embedding = 8
hidden = 32
[train]
form = "windowed"
optimizer = "adamw"
rate = 0.01
batch = 65
steps = {steps}
evaluate_every = 100
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "short.toml").write_text(RECIPE.format(steps=300))
    (tmp_path / "long.toml").write_text(RECIPE.format(steps=100_000))
    return tmp_path


def words(recipe: str, target: str = "made.safetensors", *more: str, source: str = "names") -> list[str]:
    return ["-m", "wavemore", "train", source, "--recipe", recipe, "-o", target, *more]


def torchrun(folder: Path, size: int, *command: str) -> subprocess.Popen[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(size)]
    return subprocess.Popen(
        [*launcher, *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def said(errors: str) -> list[str]:
    """What wavemore said, without what torchrun did."""
    return [line.removeprefix("wavemore: ") for line in errors.splitlines() if line.startswith("wavemore: ")]


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_torchrun_learns_what_one_process_learns_and_one_rank_says_it(folder: Path):
    losses, weights = [], []
    for size in (1, 2, 3):
        with torchrun(folder, size, *words("short.toml", f"{size}.safetensors")) as run:
            output, errors = run.communicate(timeout=300)
        assert run.returncode == 0, errors
        assert len(output.splitlines()) == 4
        assert errors.count("validation loss") == 3
        file = ModelFile.load(folder / f"{size}.safetensors")
        losses.append(file.provenance["losses"]["validation"])
        weights.append(file.weights)
    assert losses == pytest.approx([losses[0]] * 3, abs=0.002)
    assert losses[0] < 2.6
    for name, weight in weights[0].items():
        np.testing.assert_allclose(weights[1][name], weight, atol=0.01, err_msg=name)
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith("2.")) == [
        "2.history.jsonl",
        "2.safetensors",
    ]


def test_ctrl_c_keeps_the_run_and_another_number_of_ranks_goes_on_with_it(folder: Path):
    checkpoint = folder / "made.safetensors.checkpoint"
    for size, more in ((2, ()), (3, ("--resume",))):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        with torchrun(folder, size, *words("long.toml", "made.safetensors", *more)) as run:
            wait_for(checkpoint)
            while checkpoint.stat().st_mtime_ns == before:
                time.sleep(0.05)
            run.send_signal(signal.SIGINT)
            output, errors = run.communicate(timeout=120)
        assert said(errors) == [
            "stopped; the run is kept in made.safetensors.checkpoint, and the same command with --resume goes on with "
            "it"
        ], errors
        assert output == ""
        steps = [int(found) for found in re.findall(r"step +([\d,]+)  batch", errors.replace(",", ""))]
        assert steps[0] == 100 if size == 2 else steps[0] > 100


@pytest.mark.parametrize("killed", [0, 1])
def test_a_rank_that_is_killed_ends_the_other_with_a_sentence(killed: int, folder: Path):
    with started(words("long.toml"), 2, cwd=folder) as ranks:
        wait_for(folder / "made.safetensors.checkpoint")
        ranks[killed].kill()
        began = time.monotonic()
        output, errors = ranks[1 - killed].communicate(timeout=60)
        assert time.monotonic() - began < 20
    assert (ranks[1 - killed].returncode, output) == (1, "")
    (sentence,) = said(errors)
    kept = (
        "the run is kept in made.safetensors.checkpoint, and the same command with --resume goes on with it"
        if killed
        else "no model was written"
    )
    assert re.fullmatch(
        rf"another rank ended, or cannot be reached \([^()]+\), so that this one ends too; {kept}", sentence
    ), sentence
    assert "Traceback" not in errors


def test_what_is_wrong_on_one_rank_or_on_all_is_said_once(folder: Path):
    with started(words("long.toml", source="nonesuch.txt"), 2, cwd=folder) as ranks:
        ends = [rank.communicate(timeout=60) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [1, 1]
    assert [len(said(errors)) for _, errors in ends] == [1, 0]
    (folder / "made.safetensors").write_text("not a model")  # which rank 0 alone looks at
    with started(words("long.toml"), 2, cwd=folder) as ranks:
        ends = [rank.communicate(timeout=60) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [1, 1]
    assert said(ends[0][1]) == [
        "made.safetensors exists and is not a wavemore model, so it is left alone; choose another --output"
    ]
    assert ends[1][1] == ""


def test_standard_input_is_refused(folder: Path):
    with started(words("long.toml", source="-"), 2, cwd=folder) as ranks:
        ends = [rank.communicate(timeout=60) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [2, 2]
    assert said(ends[0][1]) == ["2 ranks cannot all read standard input; give each machine the list as a file"]
    assert ends[1][1] == ""


def test_what_is_wrong_on_another_rank_alone_is_said_by_that_one(folder: Path):
    """As where a machine lacks the list: here each rank has another working folder."""
    (folder / "list.txt").write_text("\n".join(f"string{number}" for number in range(100)))
    moved = "import os, sys\nif os.environ['RANK'] == '1': os.chdir('/')\nfrom wavemore.cli import main\nmain()"
    command = ["-c", moved, "train", "list.txt", "--recipe", str(folder / "long.toml"), "-o", "made.safetensors"]
    with started(command, 2, cwd=folder) as ranks:
        ends = [rank.communicate(timeout=60) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [1, 1]
    assert ends[0][1] == ""
    (sentence,) = said(ends[1][1])
    assert sentence.startswith('rank 1 of 2: there is no file "list.txt" and no list of that name; lists are ')
