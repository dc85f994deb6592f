"""What the pages in docs/ show: their console blocks, with what the commands print.

python tests/documented.py docs/strings.md    writes the page again, with what they print now
"""

import os
import re
import subprocess
import sys
from pathlib import Path


def commands(page: str) -> list[str]:
    """The commands of a page's console blocks."""
    return [line[2:] for block in blocks(page, "console") for line in block.split("\n") if line.startswith("$ ")]


def blocks(page: str, language: str) -> list[str]:
    """The code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def printed(command: str, folder: Path) -> str:
    """What a command prints to standard output and standard error, in a folder; it has to succeed."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, check=False, shell=True, cwd=folder, env=environment, text=True, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stderr + done.stdout


def regenerated(page: str, folder: Path) -> str:
    """The page with what its commands print now."""

    def block(match: re.Match[str]) -> str:
        lines = [line for line in match[1].split("\n") if line.startswith("$ ")]
        shown = (f"{line}\n{printed(line[2:], folder)}" for line in lines)
        return "```console\n" + "".join(text.rstrip("\n") + "\n" for text in shown) + "```"

    return re.sub(r"```console\n(.*?)```", block, page, flags=re.DOTALL)


if __name__ == "__main__":
    import tempfile

    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            Path(name).write_text(regenerated(Path(name).read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")
