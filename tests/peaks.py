"""How much memory scoring takes above what the process has once the model is loaded and has scored a string. A program,
since a process's peak is the whole process's:

    python tests/peaks.py core FILE          the column "name" of a Parquet file, by a `Scorer`
    python tests/peaks.py job FILE FOLDER    a job of this file, in this process

It prints JSON: "peak", bytes by which the process's resident memory grew at most, as Linux counts it (VmHWM), and
"batch", bytes of the batch's columns in Arrow, those that are read and those that are added. One thread for each
library, as workers have them."""

import json
import os
import sys
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def told(name: str) -> int:
    """Bytes, as Linux tells them of this process."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from wavemore.scale.jobs import here, score_job
    from wavemore.scale.scorer import Scorer
    from wavemore.threads import use_cores

    use_cores(1)
    import pyarrow
    import pyarrow.parquet as pq

    pyarrow.set_cpu_count(1)
    scorer = Scorer()
    found: Any = scorer(pyarrow.array(["anna", None, "é"]))
    way, file = sys.argv[1:3]
    if way == "core":
        column = pq.read_table(file).column("name").combine_chunks()
        before, batch = told("VmRSS"), column.nbytes
        CLEAR.write_text("5")  # the peak begins anew
        found = scorer(column)
        batch += found.nbytes
    else:
        job = score_job(file, "name", sys.argv[3])
        before, batch = told("VmRSS"), 0
        CLEAR.write_text("5")
        job.run(here)
    sys.stdout.write(json.dumps({"peak": told("VmHWM") - before, "batch": batch}))


if __name__ == "__main__":
    main()
