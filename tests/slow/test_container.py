"""The Dockerfile's own commands, run as a script: where there is a builder they build the image."""

import json
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "0123456789abcdef"
NOBODY = 65534


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile and what follows it."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def only(word: str) -> str:
    (found,) = (rest for each, rest in instructions() if each == word)
    return found


def kept(folder: Path) -> None:
    """Copy what .dockerignore leaves into a folder."""
    listed = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    names = [line[1:] for line in listed if line.startswith("!")]
    assert "*" in listed
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)


def test_what_the_file_says():
    assert only("FROM").startswith("python:3.")
    assert only("FROM").endswith("-slim")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER"))
    assert json.loads(only("ENTRYPOINT"))[1:4] == ["serve", "--address", "0.0.0.0"]
    words = [word for word, _ in instructions()]
    assert words.index("USER") > max(place for place, word in enumerate(words) if word == "RUN")
    assert only("HEALTHCHECK").partition("CMD ")[2].startswith("[")


def test_its_commands_make_a_server_that_runs_where_nothing_can_be_written(tmp_path: Path):
    place = tmp_path / "opt"
    place.mkdir()
    kept(place)
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "WAVEMORE_TOKEN": TOKEN}
    environment |= dict(word.split("=", 1) for word in shlex.split(only("ENV")))
    there = only("WORKDIR")
    for word, rest in instructions():
        if word == "RUN":
            command = rest.replace("python -m venv", f"{shlex.quote(sys.executable)} -m venv", 1)
            subprocess.run(command, shell=True, cwd=place, check=True, env=environment, timeout=600)
    for path in [*place.rglob("*"), place]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = contents(place)
    as_nobody = other_user(place / ".venv" / "bin" / "python", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])

    def moved(words: list[str]) -> list[str]:
        return [word.replace(there, str(place)).replace("8000", port) for word in words]

    serve = moved(json.loads(only("ENTRYPOINT")))
    healthy = moved(json.loads(only("HEALTHCHECK").partition("CMD ")[2]))
    with subprocess.Popen(serve, cwd=place, env=environment, stderr=subprocess.PIPE, text=True, **as_nobody) as server:
        try:
            assert server.stderr is not None
            assert server.stderr.readline().startswith("wavemore: names at http://127.0.0.1:")
            subprocess.run(healthy, check=True, env=environment, timeout=20, **as_nobody)
            assert asked(port, TOKEN) == 200
            assert asked(port, "another token, wrong") == 401
            begun = time.monotonic()
            server.terminate()
            assert server.wait(timeout=30) == 0
            assert time.monotonic() - begun < 20
        finally:
            server.kill()
    assert contents(place) == before
    assert subprocess.run(healthy, check=False, env=environment, capture_output=True, timeout=20).returncode != 0


def contents(place: Path) -> dict[str, float]:
    """All files of a folder, and when each was written."""
    return {str(path): path.lstat().st_mtime for path in place.rglob("*")}


def other_user(python: Path, folder: Path) -> dict[str, Any]:
    """For a process that is to run as nobody, where we may start one and it may read this Python."""
    if os.geteuid() != 0:
        return {}
    _open_way_to(folder)
    nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        subprocess.run([str(python), "-c", ""], check=True, capture_output=True, **nobody)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return nobody


def asked(port: str, token: str) -> int:
    """The status of a sample."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}/v1/sample", b'{"n": 3}', headers), timeout=20) as answer:
            assert len(json.load(answer)["strings"]) == 3
            return answer.status
    except HTTPError as error:
        error.close()
        return error.code


def _open_way_to(folder: Path) -> None:
    """Let other users come to a folder of pytest's, which are its own user's alone."""
    for path in [folder, *folder.parents]:
        if path.stat().st_uid != os.geteuid() or path == Path(path.anchor):
            break
        path.chmod(path.stat().st_mode | stat.S_IXOTH | stat.S_IXGRP)
