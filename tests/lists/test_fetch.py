"""Lists from the net: fetched once, checked, kept. The net is a server on this machine."""

import gc
import hashlib
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from wavemore.errors import FetchError, MissingExtraError
from wavemore.lists.corpus import read_corpus
from wavemore.lists.fetch import FETCHED, FetchedList, fetched_path

# pooch leaves a response that is an error to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

LIST = b"emma\nolivia\nava\n"


class _Server(HTTPServer):
    """Sends `body` under `status`, with `length` as the length it claims, and counts how often it was asked."""

    body = LIST
    status = 200
    length = len(LIST)
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.length))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    """A server that has the list `makemore-names`, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        wanted = FetchedList(f"http://127.0.0.1:{server.server_port}/names.txt", hashlib.sha256(LIST).hexdigest(), "")
        monkeypatch.setitem(FETCHED, "makemore-names", wanted)
        yield server
        server.shutdown()
        thread.join()
    gc.collect()  # while the warning is ignored


def cached(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_list_is_fetched_once_and_kept_in_the_cache(server, tmp_path):
    path = fetched_path("makemore-names")
    assert path == tmp_path / "wavemore" / "makemore-names.txt"
    assert path.read_bytes() == LIST
    assert fetched_path("makemore-names") == path
    assert server.asked == 1
    assert cached(tmp_path) == ["wavemore/makemore-names.txt"]


def test_name_works_where_a_file_does(server):
    corpus = read_corpus("makemore-names")
    assert (corpus.name, corpus.strings) == ("makemore-names", ["emma", "olivia", "ava"])


def test_file_of_that_name_comes_first(server, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("makemore-names").write_text("anna\n")
    assert read_corpus("makemore-names").strings == ["anna"]
    assert server.asked == 0


def test_cache_serves_offline(server, monkeypatch):
    path = fetched_path("makemore-names")
    closed = FETCHED["makemore-names"]._replace(url="http://127.0.0.1:1/names.txt")
    monkeypatch.setitem(FETCHED, "makemore-names", closed)
    assert fetched_path("makemore-names") == path


def test_spoiled_cache_is_fetched_again(server):
    path = fetched_path("makemore-names")
    path.write_bytes(LIST[:-3])
    assert fetched_path("makemore-names").read_bytes() == LIST
    assert server.asked == 2


def test_another_list_is_refused_and_not_kept(server, tmp_path):
    server.body = LIST.replace(b"ava", b"eve")
    with pytest.raises(FetchError) as raised:
        fetched_path("makemore-names")
    assert str(raised.value) == (
        f"what {FETCHED['makemore-names'].url} sent is not the makemore-names expected (its SHA-256 differs); "
        "download the file by hand, look at it, and give its path"
    )
    assert cached(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "length", "kind"),
    [(404, len(LIST), "HTTPError"), (500, len(LIST), "HTTPError"), (200, len(LIST) + 10, "ChunkedEncodingError")],
)
def test_server_error_is_one_sentence(server, tmp_path, status, length, kind):
    """The last kind is a connection that ends before the list does."""
    server.status, server.length = status, length
    with pytest.raises(FetchError) as raised:
        fetched_path("makemore-names")
    assert str(raised.value) == (
        f"cannot fetch makemore-names from {FETCHED['makemore-names'].url} ({kind}); "
        "go online once, or download the file by hand and give its path"
    )
    assert cached(tmp_path) == []


def test_closed_port_is_one_sentence(server, monkeypatch):
    closed = FETCHED["makemore-names"]._replace(url="http://127.0.0.1:1/names.txt")
    monkeypatch.setitem(FETCHED, "makemore-names", closed)
    with pytest.raises(FetchError) as raised:
        fetched_path("makemore-names")
    assert str(raised.value) == (
        "cannot fetch makemore-names from http://127.0.0.1:1/names.txt (ConnectionError); "
        "go online once, or download the file by hand and give its path"
    )


def test_cache_that_cannot_be_made_is_one_sentence(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(FetchError) as raised:
        fetched_path("makemore-names")
    assert str(raised.value) == (
        f"cannot keep makemore-names in the cache {tmp_path / 'file' / 'wavemore'}: Not a directory"
    )


def test_cache_that_may_not_be_written_is_one_sentence(server, tmp_path, monkeypatch):
    """Root may write any folder, so pooch's complaint is put in its mouth; it has no error number."""
    import pooch

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError("[Errno 13] Permission denied | Pooch could not create data cache folder")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    with pytest.raises(FetchError) as raised:
        fetched_path("makemore-names")
    assert str(raised.value) == f"cannot keep makemore-names in the cache {tmp_path / 'wavemore'}: Permission denied"


def test_absent_pooch_says_how_to_install_it(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError) as raised:
        fetched_path("makemore-names")
    assert str(raised.value) == (
        "fetching makemore-names needs pooch, which is not installed; install it with: pip install 'wavemore[fetch]'"
    )


def test_public_list_is_pinned():
    wanted = FETCHED["makemore-names"]
    assert wanted.url.startswith("https://")
    assert len(bytes.fromhex(wanted.sha256)) == 32


def test_public_list_is_the_one_of_the_published_numbers(names_txt):
    assert hashlib.sha256(names_txt.read_bytes()).hexdigest() == FETCHED["makemore-names"].sha256
