"""Where a measured figure is from."""

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from wavemore._version import __version__

__all__ = ["measured", "place_of"]


def measured() -> dict[str, Any]:
    """Hardware, versions and date: what a figure measured now must name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").split("\n") if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    versions = {"wavemore": __version__, "Python": platform.python_version()}
    for package in ("torch", "numpy"):
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return {
        "hardware": f"{model or platform.machine()}, {os.cpu_count()} cores",
        "versions": versions,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def place_of(found: Mapping[str, Any]) -> str:
    """What `measured` says, in one line."""
    versions = " ".join(f"{name} {version}," for name, version in found["versions"].items())
    return f"{found['hardware']}; {versions} {found['date']}"
