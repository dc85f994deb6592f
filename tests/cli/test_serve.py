"""`wavemore serve`: which models it serves where, and what is refused before it begins."""

from pathlib import Path
from typing import Any

import pytest
from command_line import FAILED, WRONG_USAGE, Refused, without

from wavemore.cli import run
from wavemore.cli.serve import command
from wavemore.serve import server
from wavemore.serve.guards import Access
from wavemore.serve.service import Service

TOKEN = "0123456789abcdef"


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, folder: Path, tiny_path: Path) -> list[tuple[Service, Access, Any, bool]]:
    """What is served, in place of serving it."""
    found: list[tuple[Service, Access, Any, bool]] = []

    def served(service: Service, access: Access, listening: Any, *, quiet: bool) -> None:
        found.append((service, access, listening.getsockname(), quiet))

    monkeypatch.setattr(server, "run", served)
    monkeypatch.delenv("WAVEMORE_TOKEN", raising=False)
    return found


def test_without_words_the_model_in_the_package_on_this_machine(begun):
    assert run(["serve", "--port", "0"]) == 0
    ((service, access, (address, port, *_), quiet),) = begun
    assert (list(service.files), address, access.token, quiet) == (["names"], "127.0.0.1", None, False)
    assert port > 0
    assert access.names == {"localhost", "127.0.0.1", "[::1]"}
    assert service.limits.processes >= 2


def test_models_have_names(begun):
    assert run(["serve", "tiny.safetensors", "other=tiny.safetensors", "--port", "0", "-q"]) == 0
    ((service, *_, quiet),) = begun
    assert (list(service.files), quiet) == (["tiny", "other"], True)


def test_limits_and_access_are_as_said(begun, monkeypatch):
    Path("token.txt").write_text(TOKEN + "\n")
    monkeypatch.setenv("WAVEMORE_TOKEN", "fedcba9876543210")
    words = "--address 0.0.0.0 --port 0 --host-name Names.example --allow-origin https://a.example"
    limits = "--token-file token.txt --workers 3 --seconds 2.5 --most-characters 5 --most-bytes 6 --most-waiting 7"
    assert run(["serve", *words.split(), *limits.split()]) == 0
    ((service, access, (address, *_), _),) = begun
    assert address == "0.0.0.0"
    assert access.names == {"localhost", "127.0.0.1", "[::1]", "names.example"}
    assert (access.token, access.origins) == (TOKEN, ("https://a.example",))
    asked = service.limits
    assert (asked.processes, asked.seconds, asked.characters, asked.body, asked.waiting) == (3, 2.5, 5, 6, 7)


def test_the_environment_has_a_token(begun, monkeypatch):
    monkeypatch.setenv("WAVEMORE_TOKEN", TOKEN)
    assert run(["serve", "--port", "0"]) == 0
    assert begun[0][1].token == TOKEN


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--address 0.0.0.0", WRONG_USAGE, "at 0.0.0.0 others can reach this server, so it needs a token"),
        ("--address ::", WRONG_USAGE, "at :: others can reach this server, so it needs a token"),
        ("--token-file short.txt", WRONG_USAGE, "the token of short.txt must be 16 characters or more"),
        ("--token-file none.txt", FAILED, "cannot read the token none.txt: No such file or directory"),
        ("none.safetensors", FAILED, "cannot read the model none.safetensors: No such file or directory"),
        ("list.txt", FAILED, "list.txt is a list and no model"),
        (
            "tiny.safetensors tiny=tiny.safetensors",
            WRONG_USAGE,
            "two models are called tiny; name one of them",
        ),
        ("a/b=tiny.safetensors", WRONG_USAGE, "a/b=tiny.safetensors must be a model file, or NAME=FILE with a name"),
        ("--workers 1", WRONG_USAGE, "the number of workers is 1; it must be 2 or more"),
        ("--seconds 0", WRONG_USAGE, "the limit seconds is 0.0; it must be above 0"),
        ("--most-waiting 0", WRONG_USAGE, "the limit waiting is 0; it must be"),
        ("--port 99999", WRONG_USAGE, "the port is 99999; it must be from 0 to 65535"),
        ("--address nowhere.invalid --token-file long.txt", WRONG_USAGE, "nowhere.invalid is no address to listen at"),
    ],
)
def test_what_is_refused(begun, refused: Refused, words: str, code: int, said: str):
    Path("short.txt").write_text("short")
    Path("long.txt").write_text(TOKEN)
    assert said in refused(code, "serve", *words.split())
    assert begun == []


def test_a_port_that_is_taken_is_said(begun, refused: Refused):
    with server.bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        said = refused(FAILED, "serve", "--port", str(port))
    assert said == f"cannot listen at 127.0.0.1, port {port}: Address already in use; choose another --port"


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "prometheus_client"])
def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path, package: str):
    done = without(package, tmp_path, "serve")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"wavemore: wavemore serve needs {package}, which is not installed; install it with: "
        "pip install 'wavemore[serve]'\n"
    )


def test_its_help_imports_nothing_of_it():
    assert command.__doc__ is not None
    assert "SIGTERM or Ctrl-C" in command.__doc__
