"""Whatever is wrong with the input: one sentence on standard error, the right exit code, and files as they were."""

import errno
import gzip
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from wavemore.cli import run
from wavemore.errors import FileError
from wavemore.lists import fetch
from wavemore.models.modelfile import ModelFile
from wavemore.settings.config import recipe_names

Refused = Callable[..., str]

FAILED, WRONG_USAGE = 1, 2


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file under a folder, hidden ones included, and None for a folder."""
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


def sentence(out: str, err: str) -> str:
    """The one message on standard error, where that is all there is."""
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.startswith("wavemore: ")
    return err.removeprefix("wavemore: ").removesuffix("\n")


@pytest.fixture
def refused(tmp_path: Path, strings: list[str], monkeypatch: pytest.MonkeyPatch, capfd) -> Refused:
    """Run a command line beside a sound `list.txt`: it must be refused with this code; returns the sentence."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))

    def refused(code: int, *arguments: str) -> str:
        before = contents(tmp_path)
        capfd.readouterr()
        assert run(arguments) == code
        assert contents(tmp_path) == before
        return sentence(*capfd.readouterr())

    return refused


@pytest.fixture
def refused_in_shell(tmp_path: Path, strings: list[str]) -> Refused:
    """The same in a process of its own, started by a shell; `wavemore` in the script stands for the command."""
    (tmp_path / "list.txt").write_text("\n".join(strings))

    def refused(code: int, script: str) -> str:
        before = contents(tmp_path)
        done = in_shell(script, tmp_path)
        assert done.returncode == code, done.stderr
        assert contents(tmp_path) == before
        return sentence(done.stdout, done.stderr)

    return refused


def in_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("there is no sh")
    script = f'wavemore() {{ {shlex.quote(sys.executable)} -m wavemore "$@"; }}\n{script}'
    return subprocess.run([shell, "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A folder in which nothing can be made. Root may write anywhere but in the kernel's own."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if not os.access(folder, os.W_OK):
        return folder
    if not Path("/sys").is_dir():
        pytest.skip("root may write everywhere here")
    return Path("/sys")


# The twenty kinds.


def test_missing_file(refused):
    assert refused(FAILED, "train", "nosuch.txt") == (
        'there is no file "nosuch.txt" and no list of that name; lists are dinosaurs, names, towns, makemore-names'
    )
    assert refused(FAILED, "info", "nosuch.safetensors") == (
        "cannot read the model nosuch.safetensors: No such file or directory"
    )


def test_directory(refused):
    Path("folder").mkdir()
    assert refused(FAILED, "train", "folder") == "cannot read folder: Is a directory"
    assert refused(FAILED, "train", "list.txt", "-o", "folder") == "cannot write folder: Is a directory"
    assert refused(FAILED, "info", "folder") == "cannot read the model folder: Is a directory"


def test_binary(refused):
    Path("program").write_bytes(b"\x7fELF\x02\x01\x01\0\0\0\0")
    assert refused(FAILED, "train", "program") == (
        "program has a zero byte at position 7, so it is not utf-8 text; "
        "give a text file, or name its encoding if it is utf-16 or utf-32"
    )
    Path("image").write_bytes(bytes([0x89, 0xFF, 0xD8, 0x0A]) * 1000)
    assert refused(FAILED, "train", "image") == (
        "1,000 rows of image cannot be read (the first is line 1); name the encoding and format it has"
    )


def test_utf_16(refused):
    Path("wide.txt").write_text("anna\nemma\n", encoding="utf-16")
    assert refused(FAILED, "train", "wide.txt") == (
        "wide.txt begins as UTF-16 text does, not utf-8; name its encoding: utf-16"
    )


def test_empty(refused):
    Path("empty.txt").touch()
    assert refused(FAILED, "train", "empty.txt") == "empty.txt holds no strings; give one string a line"
    Path("blank.txt").write_text("\n \n")
    assert refused(FAILED, "train", "blank.txt") == (
        "blank.txt holds no strings (skipped 2: 2 blank (lines 1, 2)); give one string a line"
    )


def test_one_string(refused):
    Path("one.txt").write_text("anna\n")
    assert re.fullmatch(
        "one has 1 strings?, and a split needs at least 20; add strings, or give a validation list of its own",
        refused(FAILED, "train", "one.txt"),
    )


def test_line_of_100_mb(tmp_path, monkeypatch, capfd):
    """Such a line is never whole in memory."""
    monkeypatch.chdir(tmp_path)
    with Path("long.txt").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    code = run(["train", "long.txt"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert code == FAILED
    assert sentence(*capfd.readouterr()) == (
        "long.txt holds no strings (skipped 1: 1 too long (line 1)); give one string a line"
    )
    assert peak < 20_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["long.txt"]


def test_lone_surrogate(refused):
    Path("list.jsonl").write_text(r'{"name": "anna"}' "\n" r'{"name": "em\ud800"}')
    assert refused(FAILED, "train", "list.jsonl", "--column", "name") == (
        r"line 2 of list.jsonl holds a lone surrogate, which no text may: 'em\ud800'; mend or remove it"
    )


def test_wrong_column(refused):
    Path("table.csv").write_text("id,name\n1,anna\n")
    assert refused(WRONG_USAGE, "train", "table.csv", "--column", "nmae") == (
        'table.csv has no column "nmae" (did you mean "name"?); its columns are id, name'
    )
    assert refused(WRONG_USAGE, "train", "table.csv", "--column", "3") == (
        "table.csv has no column 3; its rows have 2 columns at most"
    )
    Path("table.jsonl").write_text('{"id": 1, "name": "anna"}\n')
    assert refused(WRONG_USAGE, "train", "table.jsonl", "--column", "nmae") == (
        'table.jsonl has no key "nmae" (did you mean "name"?); its keys are id, name'
    )


def test_table_without_a_column_and_column_without_a_table(refused):
    Path("table.csv").write_text("id,name\n1,anna\n")
    assert refused(WRONG_USAGE, "train", "table.csv") == (
        "table.csv is read as csv, which has columns; name the one that holds the strings"
    )
    assert refused(WRONG_USAGE, "train", "list.txt", "--column", "name") == (
        "a column (name) was named, but list.txt is read as plain text; name the format csv, tsv or jsonl"
    )


def test_a_header_without_end_is_not_shown_whole(refused):
    Path("wide.csv").write_text(",".join(f"column{i}" for i in range(100_000)))
    message = refused(WRONG_USAGE, "train", "wide.csv", "--column", "name")
    assert message.startswith('wide.csv has no column "name"; its columns are column0, column1, ')
    assert message.endswith("...")
    assert len(message) < 300


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.01, 0.5, 0.999])
def test_truncated_model(refused, tiny_path, keep):
    data = tiny_path.read_bytes()
    tiny_path.write_bytes(data[: int(keep * len(data))])
    message = refused(FAILED, "sample", "tiny.safetensors")
    assert message.startswith("tiny.safetensors is not a wavemore model, or is damaged or cut short (")
    assert message.endswith("); train it or copy it again")


def respoiled(path: Path, spoil: Callable[[dict[str, np.ndarray], dict[str, Any]], object]) -> None:
    """Write a model file again, its tensors and metadata changed by `spoil`."""
    with safetensors.safe_open(path, framework="np") as file:
        about = json.loads((file.metadata() or {})["wavemore"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    spoil(arrays, about)
    path.write_bytes(safetensors.numpy.save(arrays, {"wavemore": json.dumps(about)}))


def test_nan_model(refused, tiny_path):
    respoiled(tiny_path, lambda arrays, about: arrays["head.linear.weight"].fill(np.nan))
    assert refused(FAILED, "sample", "tiny.safetensors") == (
        "the model tiny.safetensors holds numbers in head.linear.weight that are not finite (NaN or infinity); "
        "train it again"
    )


def test_unknown_recipe(refused):
    assert refused(WRONG_USAGE, "train", "list.txt", "--recipe", "lectrue") == (
        'unknown recipe "lectrue" (did you mean "lecture"?); '
        f"recipes are auto, {', '.join(recipe_names())}, or a file that ends in .toml"
    )


def test_unknown_key(refused):
    assert refused(WRONG_USAGE, "train", "list.txt", "--set", "train.stps=100") == (
        'unknown key "train.stps" (did you mean "steps"?)'
    )
    assert refused(WRONG_USAGE, "train", "list.txt", "--set", "stps=100") == (
        'unknown setting "stps"; settings are written table.key'
    )
    Path("odd.toml").write_text("[modle]\nhidden = 8\n")
    assert refused(WRONG_USAGE, "train", "list.txt", "--recipe", "odd.toml") == (
        'the recipe odd.toml: unknown key "modle" (did you mean "model"?)'
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sample -n many", """Invalid value for '-n': "many" is not a whole number; see: wavemore sample --help"""),
        ("sample -n 1.5", """Invalid value for '-n': "1.5" is not a whole number; see: wavemore sample --help"""),
        (
            "sample --temperature hot",
            """Invalid value for '--temperature': "hot" is not a number; see: wavemore sample --help""",
        ),
        ("sample --temperature 0", "the temperature is 0.0, and it is a finite number above 0; 1 is the model's own"),
        ("sample --temperature nan", "the temperature is nan, and it is a finite number above 0; 1 is the model's own"),
        ("train list.txt --set train.steps=many", 'train.steps = "many" cannot be: it is a whole number'),
        ("train list.txt --set train.patience=-1", "train.patience = -1 cannot be: 0 or more"),
        ("train list.txt --set model.groups=[2,0]", "model.groups = [2, 0] cannot be: each group is 1 or more"),
        ("trace --recipe notes --batch 0", "the batch is 0, and it is from 1 to 1000000"),
        ("trace --recipe notes --vocabulary 1", "the vocabulary is 1, and it is from 2 to 1000000"),
    ],
)
def test_bad_number(refused, line, message):
    assert refused(WRONG_USAGE, *line.split()) == message


def test_no_write_permission(refused, locked):
    message = refused(FAILED, "train", "list.txt", "-o", f"{locked}/new.safetensors")
    assert message.removeprefix(f"cannot write {locked}/new.safetensors: ") in (
        "Permission denied",
        "Read-only file system",
    )


def test_read_only_model_is_not_replaced(refused, tiny_path, monkeypatch):
    """The folder may be written and the file not; root may write any file, so the answer is put in its mouth."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert refused(FAILED, "train", "list.txt", "-o", "tiny.safetensors") == (
        "cannot write tiny.safetensors: Permission denied"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk(refused, refused_in_shell, tiny_path):
    quick = ["-q", "--set", "train.steps=2", "--set", "model.hidden=4"]
    assert refused(FAILED, "train", "list.txt", *quick, "-o", "/dev/full") == (
        "cannot write /dev/full: No space left on device"
    )
    assert not Path("/dev/full.checkpoint").exists()
    assert refused_in_shell(FAILED, "wavemore sample tiny.safetensors > /dev/full") == (
        "cannot write the results to standard output: No space left on device"
    )
    assert refused_in_shell(FAILED, "wavemore --help > /dev/full") == (
        "cannot write to standard output: No space left on device"
    )


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """A file that grows beyond it stops half way, as on a disk that fills up."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_leaves_the_old_model(refused, tiny_path, tiny_model):
    before = contents(tiny_path.parent)
    assert tiny_path.stat().st_size > 2000
    with file_size_limit(2000):
        with pytest.raises(FileError, match=r"^cannot write tiny\.safetensors: File too large$"):
            tiny_model.save(tiny_path.name)
        assert contents(tiny_path.parent) == before
        line = ["train", "list.txt", "-q", "--no-record", "--set", "train.steps=2", "-o", "tiny.safetensors"]
        assert refused(FAILED, *line) == "cannot write tiny.safetensors.checkpoint: File too large"


def test_model_that_cannot_be_saved_keeps_the_run(tmp_path, strings, monkeypatch, capfd):
    """What was learned is not lost: once there is room, --resume ends the run without another step."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))
    Path("two.toml").write_text("[model]\nhidden = 4\n[train]\nsteps = 2\n")
    line = ["train", "list.txt", "-q", "--recipe", "two.toml"]

    def save(self: ModelFile, path: object) -> None:
        raise FileError(f"cannot write {path}: No space left on device")

    with monkeypatch.context() as full:
        full.setattr(ModelFile, "save", save)
        assert run(line) == FAILED
    assert sentence(*capfd.readouterr()) == (
        "cannot write list.safetensors: No space left on device; the run is kept in list.safetensors.checkpoint, "
        "and the same command with --resume goes on with it"
    )
    assert run([*line, "--resume"]) == 0
    assert ModelFile.load("list.safetensors").provenance["step"] == 2
    assert not Path("list.safetensors.checkpoint").exists()


@pytest.mark.parametrize("line", ["sample tiny.safetensors", "--help", "--version", "train list.txt"])
def test_closed_standard_output(refused_in_shell, tiny_path, line):
    assert refused_in_shell(FAILED, f"wavemore {line} >&-") == (
        "standard output is closed, so nothing can be written to it; open it, or send it to /dev/null"
    )


def test_reader_that_leaves(tmp_path, tiny_path):
    """`head` has what it wants: no word about it."""
    done = in_shell("(wavemore sample tiny.safetensors -n 20000; echo $? >&2) | head -n 1", tmp_path)
    assert done.stdout.count("\n") == 1
    assert done.stderr == "1\n"


def test_reader_that_leaves_is_no_exception(tiny_path, monkeypatch):
    """For a caller of `run` it is an exit code as any other."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, text)

    monkeypatch.setattr("sys.stdout", Gone())
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert run(["sample", str(tiny_path)]) == FAILED


def without(package: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command line where a package is not installed."""
    code = f"import sys; sys.modules[{package!r}] = None; from wavemore.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(("line", "purpose"), [("train list.txt", "training"), ("trace --recipe notes", "wavemore.nn")])
def test_torch_absent(tmp_path, strings, line, purpose):
    (tmp_path / "list.txt").write_text("\n".join(strings))
    done = without("torch", tmp_path, *line.split())
    assert done.returncode == FAILED
    assert sentence(done.stdout, done.stderr) == (
        f"{purpose} needs PyTorch, which is not installed; install it with: pip install 'wavemore[train]'"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_offline(refused, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}/names.txt"
    monkeypatch.setitem(fetch.FETCHED, "makemore-names", fetch.FetchedList(url, "0" * 64, ""))
    assert refused(FAILED, "train", "makemore-names") == (
        f"cannot fetch makemore-names from {url} (ConnectionError); "
        "go online once, or download the file by hand and give its path"
    )


def test_negative_count(refused, tiny_path):
    assert refused(WRONG_USAGE, "sample", "tiny.safetensors", "-n", "-1") == (
        "the number of strings is -1, and it is a whole number of 0 or more"
    )


# Further kinds.


def test_damaged_gzip(refused, strings):
    data = gzip.compress("\n".join(strings).encode())
    Path("cut.txt.gz").write_bytes(data[:-20])
    assert refused(FAILED, "train", "cut.txt.gz") == (
        "cut.txt.gz is a damaged gzip file: Compressed file ended before the end-of-stream marker was reached; "
        "fetch or pack it again"
    )
    Path("flipped.txt.gz").write_bytes(data[:30] + bytes([data[30] ^ 0xFF]) + data[31:])
    message = refused(FAILED, "train", "flipped.txt.gz")
    assert message.startswith("flipped.txt.gz is a damaged gzip file: ")
    assert message.endswith("; fetch or pack it again")


@pytest.mark.parametrize("name", ["nosuch", "base64", "rot13"])
def test_unknown_encoding(refused, name):
    assert refused(WRONG_USAGE, "train", "list.txt", "--encoding", name) == (
        f'unknown encoding "{name}"; name one that Python knows, such as utf-8 or cp1252'
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the list has an empty name; give a file or a list's name"),
        ("list.txt --format xml", 'unknown format "xml"; choose text, csv, tsv, jsonl'),
        ("list.txt --set train.steps", '--set train.steps has no "="; write it as key=value, such as train.steps=1000'),
        ("list.txt --recipe odd.toml", "the recipe odd.toml is not a TOML file: Invalid value (at end of document)"),
        ("list.txt -o -", '--output is "-", and a model is written to a file; name one'),
        ("list.txt -o ", '--output is "", and a model is written to a file; name one'),
        ("- --validation -", "only one list can be read from standard input; give a file for the others"),
        ("list.txt --test list.txt", "a test list of its own needs a validation list of its own; give both or neither"),
        ("list.txt --resume --restart", "--resume and --restart exclude each other; choose one"),
        (
            "list.txt --resume",
            "there is no stopped run to resume: list.safetensors.checkpoint does not exist; leave out --resume",
        ),
    ],
)
def test_train_arguments_that_make_no_sense(refused, line, message):
    Path("odd.toml").write_text("x = [")
    assert refused(WRONG_USAGE, "train", *line.split(" ")) == message


def test_stopped_run_is_not_discarded_unasked(refused):
    Path("list.safetensors.checkpoint").write_bytes(b"kept")
    assert refused(WRONG_USAGE, "train", "list.txt") == (
        "list.safetensors.checkpoint holds a stopped run; add --resume to go on with it, or --restart to discard it"
    )
    message = refused(FAILED, "train", "list.txt", "--resume")
    assert message.startswith("list.safetensors.checkpoint is not a sound checkpoint (")


def test_counts_go_on_with_no_stopped_run(refused):
    Path("list.safetensors.checkpoint").write_bytes(b"kept")
    assert refused(WRONG_USAGE, "train", "list.txt", "--recipe", "ngram", "--resume") == (
        "an n-gram model is counted at once, so there is no stopped run to resume; start it anew"
    )


def test_a_stopped_run_outlives_a_restart_that_is_refused(refused):
    Path("list.safetensors.checkpoint").write_bytes(b"kept")
    Path("short.txt").write_text("a\nb\n")
    Path("wild.toml").write_text('[train]\nform = "windowed"\noptimizer = "sgd"\nrate = 1e9\nsteps = 20\n')
    line = ["train", "list.txt", "--restart"]
    assert refused(WRONG_USAGE, *line, "--resume") == "--resume and --restart exclude each other; choose one"
    line += ["-o", "list.safetensors", "--no-record"]
    assert refused(FAILED, "train", "lst.txt", *line[2:]).startswith('there is no file "lst.txt"')
    assert "a split needs at least 20" in refused(FAILED, "train", "short.txt", *line[2:])
    assert refused(FAILED, *line, "--recipe", "wild.toml").endswith("lower the learning rate (train.rate is 1e+09)")


def test_counts_that_cannot_be_saved_name_no_run(refused, monkeypatch):
    """There is none to go on with."""

    def save(self: ModelFile, path: object) -> None:
        raise FileError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(ModelFile, "save", save)
    message = refused(FAILED, "train", "list.txt", "--recipe", "ngram")
    assert message == "cannot write list.safetensors: No space left on device"


def test_output_that_is_no_model(refused):
    assert refused(FAILED, "train", "list.txt", "-o", "list.txt") == (
        "list.txt exists and is not a wavemore model, so it is left alone; choose another --output"
    )


def test_output_in_no_folder(refused):
    assert refused(FAILED, "train", "list.txt", "-o", "nosuch/new.safetensors") == (
        "cannot write nosuch/new.safetensors: No such file or directory"
    )


def test_names_that_are_too_long(refused):
    name = "x" * 300
    assert refused(FAILED, "train", name, "-o", "new.safetensors") == f"cannot read {name}: File name too long"
    assert refused(FAILED, "train", "list.txt", "-o", name) == f"cannot write {name}: File name too long"


def test_newer_model_format(refused, tiny_path):
    respoiled(tiny_path, lambda arrays, about: about.update(format=2))
    assert refused(FAILED, "sample", "tiny.safetensors") == (
        "the model tiny.safetensors has format 2, written by a newer wavemore than this one, which reads up to 1; "
        "upgrade with: pip install -U wavemore"
    )


def test_wrong_shapes(refused, tiny_path):
    def transpose(arrays: dict[str, np.ndarray], about: object) -> None:
        arrays["embedding.weight"] = np.ascontiguousarray(arrays["embedding.weight"].T)

    respoiled(tiny_path, transpose)
    assert refused(FAILED, "sample", "tiny.safetensors") == (
        "the model tiny.safetensors holds embedding.weight as float32 of shape (4, 8), and its settings need float32 "
        "of shape (8, 4); train it or copy it again"
    )


def test_wrong_keys(refused, tiny_path):
    respoiled(tiny_path, lambda arrays, about: arrays.pop("head.linear.bias"))
    assert refused(FAILED, "sample", "tiny.safetensors") == (
        "the model tiny.safetensors lacks head.linear.bias; train it or copy it again"
    )


def test_list_in_place_of_a_model(refused):
    message = refused(FAILED, "sample", "list.txt")
    assert message.startswith("list.txt is not a wavemore model, or is damaged or cut short (")


def test_model_in_place_of_a_list(refused, tiny_path):
    assert refused(WRONG_USAGE, "evaluate", "tiny.safetensors") == (
        "tiny.safetensors is a model; name the list to evaluate it on, as in: wavemore evaluate tiny.safetensors names"
    )


def test_characters_that_the_model_does_not_know(refused, tiny_path):
    assert refused(WRONG_USAGE, "sample", "tiny.safetensors", "--starts-with", "bax") == (
        "'x' (U+0078) in 'bax' is not among the 7 characters that the model knows: abdeklo"
    )
    Path("others.txt").write_text("xyz\nzyx\n")
    assert refused(FAILED, "evaluate", "-q", "tiny.safetensors", "others.txt") == (
        "none of the 2 strings is made of characters that the model knows, so there is no loss; "
        "evaluate it on a list in the alphabet it was trained on"
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "--starts-with ba --never a",
            "no string that the model can make starts with 'ba' and has none of the characters 'a'; it makes strings "
            "of one character or more, of 'abdeklo'",
        ),
        (
            "--length 0",
            "no string that the model can make has exactly 0 characters; it makes strings of one character or more, of "
            "'abdeklo'",
        ),
        ("--length 8-3", "the least length is 8 and the most is 3, and no string has both"),
        (
            "--length few",
            "Invalid value for '--length': \"few\" is no length; write 5, 3-8, 3- or -8; see: wavemore sample --help",
        ),
        ("--length 3 --length 5", "the length is given 2 times, 3 and 5; give it once, such as 3-8"),
        (
            "--starts-with a --starts-with b",
            "no string that the model can make starts with 'a' and starts with 'b'; it makes strings of one character "
            "or more, of 'abdeklo'",
        ),
        ("--mode quick", "the mode is 'quick', and it is exact or fast"),
        ("--top-k 0", "top_k is 0, and it is a whole number of 1 or more"),
        ("--matches a{9999}", "'a{9999}' repeats something more than 1,000 times, which is too often"),
        (
            "--not-in nowhere.txt",
            'there is no file "nowhere.txt" and no list of that name; lists are '
            "dinosaurs, names, towns, makemore-names",
        ),
        ("--most-likely --seed 3", "--most-likely searches and draws nothing, so --seed has no use"),
        (
            "--length 1 --not-in letters.txt",
            "only 7 strings meet the conditions, and every one of them is refused; ask for less",
        ),
        ("--length 1 --unique -n 8", "only 7 strings meet the conditions, and 8 different ones are asked for"),
    ],
)
def test_conditions_that_cannot_be_met(refused, tiny_path, line: str, sentence: str):
    Path("letters.txt").write_text("\n".join("abdeklo") + "\n")
    code = FAILED if "nowhere" in line else WRONG_USAGE
    assert refused(code, "sample", "tiny.safetensors", *line.split()) == sentence


def test_a_list_in_place_of_a_model(refused):
    assert refused(FAILED, "sample", "towns") == (
        "towns is a list and no model; train one first: wavemore train towns, or name the file of one"
    )


def test_a_regular_expression_without_the_package_for_it(refused, tiny_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "outlines_core", None)
    assert refused(FAILED, "sample", "tiny.safetensors", "--matches", "a+") == (
        "matching a regular expression needs outlines-core, which is not installed; install it with: "
        "pip install 'wavemore[regex]'"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trian", "No such command 'trian'. Did you mean 'train', 'trace'?"),
        ("train", "Missing argument 'LIST'; see: wavemore train --help"),
        ("train list.txt more.txt", "Got unexpected extra argument(s) (more.txt); see: wavemore train --help"),
        ("sample --bogus", "No such option: --bogus; see: wavemore sample --help"),
        ("sample -n", "Option '-n' requires an argument"),
        ("evaluate", "name the list to evaluate on, as in: wavemore evaluate names"),
        (
            "trace tiny.safetensors --recipe notes",
            "trace either the model tiny.safetensors or the recipe notes, not both",
        ),
        (
            "trace tiny.safetensors --set model.hidden=3",
            "--set and --vocabulary go with --recipe: a model file has its own settings and characters",
        ),
        ("trace --recipe ngram", 'the recipe ngram is of kind "ngram", and only a "wavenet" has layers to trace'),
    ],
)
def test_command_lines_that_make_no_sense(refused, line, message):
    assert refused(WRONG_USAGE, *line.split()) == message


def test_closed_standard_input(refused_in_shell):
    assert refused_in_shell(FAILED, "wavemore train - <&-") == (
        "standard input is closed, so no strings can be read from it; give a file"
    )


def test_more_memory_than_there_is(refused_in_shell):
    """PyTorch's own way to say it is a RuntimeError with the trace of its allocator."""
    assert refused_in_shell(
        FAILED, "ulimit -v 8000000; wavemore trace --recipe notes --set model.hidden=65536 --batch 2"
    ) == ("there is not enough memory for this; try smaller settings or a smaller list")
