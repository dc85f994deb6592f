"""What a fresh process has imported."""

import os
import subprocess
import sys


def imported_by(*arguments: str) -> set[str]:
    """The modules that a fresh Python with these arguments imports before it ends."""
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, env=environment)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def heavy(modules: set[str]) -> set[str]:
    """Those of the modules that the light world does without."""
    return modules & {
        "torch",
        "wavemore.nn",
        "wavemore.train.in_torch",
        "safetensors.torch",
        "pooch",
        "rich",
        "matplotlib",
        "pyarrow",
        "pydantic",  # as typer does from 0.29 on
    }
