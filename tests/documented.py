"""What the pages in docs/ show: their code blocks, with what they print.

    console          commands and what they print, from the model in the package or from counting: exactly, but for
                     the seventh digit of figures, which rounding on another processor may change
    shell-session    commands and what they may print: figures and strings of a model trained on the spot are others on
                     another processor, so lines are compared without them
    shell            commands that are run, what they print is not shown
    python           run in the same folder; a text block right after it shows what it may print

python tests/documented.py docs/strings.md    writes the page again, with what they print now
"""

import contextlib
import io
import math
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from wavemore.cli import run

BLOCK = re.compile(r"```(console|shell-session|shell|python)\n(.*?)```(\n\n```text\n.*?```)?", re.DOTALL)
FIGURE = re.compile(r"(-?\d+\.\d+)")
NUMBER = re.compile(r"[-+<]?\d[\d,.]*(e[-+]?\d+)?%?")


def commands(page: str) -> list[str]:
    """The commands of a page's blocks whose output is shown."""
    return [line[2:] for match in BLOCK.finditer(page) for line in match[2].split("\n") if line.startswith("$ ")]


def printed(command: str, folder: Path, *, steps: int | None = None) -> str:
    """What a command prints, standard error first: see `streams`."""
    out, err = streams(command, folder, steps=steps)
    return err + out


def streams(command: str, folder: Path, *, steps: int | None = None) -> tuple[str, str]:
    """What a command prints to standard output and to standard error, in a folder; it has to succeed.

    One that is nothing but a call of wavemore runs in this process, which has imported PyTorch already. `steps` are
    those of its training, if it trains, where they are not to be those of its recipe.
    """
    if command.startswith("wavemore ") and not _for_a_shell(command):
        words = shlex.split(command)[1:]
        if steps is not None and words[0] == "train":
            words += ["--set", f"train.steps={steps}"]
        with in_folder(folder), capture() as (out, err):
            code = run(words)
        out, err = (stream.getvalue().decode("utf-8") for stream in (out, err))
    else:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command, check=False, shell=True, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True
        )
        code, out, err = done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    assert code == 0, f"{command}\n{err}"
    return out, err


def _for_a_shell(command: str) -> bool:
    """Whether it has a pipe, a redirection or the like, outside of quotes."""
    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    return any(set(word) <= set("();<>|&") for word in words)


def said(code: str, folder: Path) -> str:
    """What Python code prints, in a folder."""
    with in_folder(folder), capture() as (out, _):
        exec(compile(code, "page", "exec"), {})
    return out.getvalue().decode("utf-8")


@contextlib.contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """The working directory meanwhile."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def capture() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Standard output and standard error meanwhile, as the bytes that a pipe would get."""
    streams = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True) for stream in streams)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield streams
    out.detach()  # else closing it would close the bytes
    err.detach()


def regenerated(page: str, folder: Path, *, steps: int | None = None) -> str:
    """The page with what its blocks print now. They run in their order in one folder. `steps` are those of every
    training by a command whose output is shown, where they are not to be as the page has them."""

    def block(match: re.Match[str]) -> str:
        language, text, shown = match.groups()
        if language == "python":
            out = said(text, folder)
            assert out, text
            return f"```python\n{text}```" + (f"\n\n```text\n{out}```" if shown else "")
        if language == "shell":
            for line in re.sub(r"\\\n", "", text).split("\n"):
                if line and not line.startswith(("#", "pip install")):
                    printed(line, folder)
            return match[0]
        lines = [line for line in text.split("\n") if line.startswith("$ ")]
        outputs = (f"{line}\n{printed(line[2:], folder, steps=steps)}" for line in lines)
        return f"```{language}\n" + "".join(text.rstrip("\n") + "\n" for text in outputs) + "```" + (shown or "")

    return BLOCK.sub(block, page)


def without_luck(page: str) -> str:
    """The page without what depends on the processor: figures, and strings alone in a line or in quotes."""

    def block(match: re.Match[str]) -> str:
        if match[1] not in ("shell-session", "python"):
            return match[0]
        shown = match[2] if match[1] == "shell-session" else match[3] or ""
        lines = [line if line.startswith("$ ") else _line(line) for line in shown.split("\n")]
        return "\n".join(lines) if match[1] == "shell-session" else match[2] + "\n".join(lines)

    return BLOCK.sub(block, page)


def same(one: str, other: str) -> bool:
    """Whether two texts are the same, but for figures with a decimal point that differ by rounding alone: sums of
    float32 numbers differ between processors from the seventh digit on."""
    words, others = FIGURE.split(one), FIGURE.split(other)
    return len(words) == len(others) and all(a == b or _close(a, b) for a, b in zip(words, others, strict=True))


def _close(one: str, other: str) -> bool:
    if not (FIGURE.fullmatch(one) and FIGURE.fullmatch(other)):
        return False
    return math.isclose(float(one), float(other), rel_tol=2e-6, abs_tol=2e-6)


def _line(line: str) -> str:
    if re.fullmatch(r"\S+( \S+)?", line) and not re.search(r"\d", line):
        return "a string"
    return " ".join(NUMBER.sub("#", re.sub(r"'[^']*'", "'...'", line)).split())


if __name__ == "__main__":
    import tempfile

    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            Path(name).write_text(regenerated(Path(name).read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")
