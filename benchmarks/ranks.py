"""What several ranks cost and gain: one network trained by one process, and by 1, 2 and more under torchrun.

    python benchmarks/ranks.py [--ranks 1 2] [--steps 1000] [--results FOLDER]

On names.txt, with the lecture's network in its windowed form, a wider one whose steps take longer, and `fast`,
which without torchrun learns in NumPy. Steps a second are the median of the history's records; starting and evaluating
are left out. Every rank has one thread. Takes some minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import provenance

from wavemore.models.modelfile import ModelFile

CASES = {
    "`lecture`": ["--recipe", "lecture"],
    "`lecture`, 512 channels, batches of 512": [
        *("--recipe", "lecture", "--set", "model.hidden=512", "--set", "train.batch=512"),
        *("--set", "train.rate=0.03", "--set", "train.rate_steps=[]"),
    ],
    "`fast`": ["--recipe", "fast"],
}


def measured(case: list[str], ranks: int, steps: int, folder: Path) -> tuple[float, float]:
    """Steps a second, and the validation loss; with 0 ranks without torchrun."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)] if ranks else []
    target = folder / "model.safetensors"
    steps_of = ["--set", f"train.steps={steps}", "--set", f"train.evaluate_every={steps}", "--set", "train.threads=1"]
    command = [*launcher, "-m", "wavemore", "train", str(provenance.names_txt()), *case, *steps_of, "-o", str(target)]
    subprocess.run(
        [sys.executable, *command, "--force", "-q"],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    records = [json.loads(line) for line in (folder / "model.history.jsonl").read_text().splitlines()]
    rates = sorted(record["steps_per_second"] for record in records if record.get("steps_per_second"))
    return rates[len(rates) // 2], ModelFile.load(target).provenance["losses"]["validation"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--results", type=Path)
    chosen = parser.parse_args()
    rows = ["| network | started | steps/s | validation loss |", "| --- | --- | ---: | ---: |"]
    with tempfile.TemporaryDirectory() as folder:
        for name, case in CASES.items():
            for ranks in (0, *chosen.ranks):
                speed, loss = measured(case, ranks, chosen.steps, Path(folder))
                how = f"torchrun, {ranks}" if ranks else "without torchrun"
                rows.append(f"| {name} | {how} | {speed:,.1f} | {loss:.5f} |")
                print(rows[-1], flush=True)
    text = "\n".join(["# One network, several ranks", "", *rows, "", provenance.table(), ""])
    path = provenance.result("ranks") if chosen.results is None else chosen.results / "ranks.md"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
