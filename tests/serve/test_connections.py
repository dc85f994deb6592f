"""What only real connections show: slow clients, large bodies, many at once, work that is stopped, and the end."""

import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from served import Served, answer, request, serving

SECONDS, PATIENCE = 4.0, 3.0
"""Long enough for honest work where a machine is ten times slower than usual."""
LONG = 60.0
"""Seconds in which what must happen at some time has happened anywhere."""
HEAVY = {"n": 1, "matches": "(.*q.*x.*j.*z.*){3}", "mode": "strict"}
"""A condition that takes longer than any deadline here."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = {"seconds": SECONDS, "patience": PATIENCE, "workers": 2, "waiting": 40}
    with serving({"names": None}, tmp_path_factory.mktemp("served"), **limits) as served:
        yield served
        assert served.end(signal.SIGINT) == 0  # as Ctrl-C does


def trickled(connection: socket.socket, data: bytes, until: float) -> None:
    """A byte every tenth of a second, until the other side has said something or the time is over."""
    connection.setblocking(False)
    for number in range(len(data)):
        try:
            connection.send(data[number : number + 1])
            time.sleep(0.1)
            connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            if time.monotonic() > until:
                break
        else:
            break
    connection.setblocking(True)
    connection.settimeout(20)


def test_a_slow_header_and_a_slow_body_are_answered_and_others_meanwhile(served: Served):
    whole = request("/v1/score", {"strings": ["emma"] * 100})
    head, body = whole.split(b"\r\n\r\n")
    begun, found = time.monotonic(), {}

    def slow(name: str, quick: bytes, rest: bytes) -> None:
        with served.connect() as connection:
            connection.sendall(quick)
            trickled(connection, rest, begun + LONG)
            found[name] = (*answer(connection), time.monotonic() - begun)

    clients = [
        threading.Thread(target=slow, args=("header", b"", head)),
        threading.Thread(target=slow, args=("body", head + b"\r\n\r\n", body)),
    ]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        assert served.ask("/v1/score", {"strings": ["emma"]})[0] == 200
        time.sleep(0.1)
    assert found["header"][:2] == (408, {"error": "the header did not come whole within 3 s; send it faster"})
    assert found["body"][:2] == (408, {"error": "the body did not come whole within 3 s; send it faster"})
    assert all(PATIENCE - 0.1 < seconds < LONG for *_, seconds in found.values())


def test_a_connection_that_says_nothing_is_closed(served: Served):
    with served.connect() as connection:
        assert connection.recv(1) == b""


def test_a_second_request_has_the_same_deadline(served: Served):
    with served.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        came = b""
        while not came.endswith(b'{"status":"ok"}'):
            came += connection.recv(1 << 16)
        assert came.startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HT")
        assert answer(connection)[0] == 408


def test_what_is_no_http_is_said_so(served: Served):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, b"GET /\r\n\r\n"):
        with served.connect() as connection:
            connection.sendall(data)
            assert answer(connection) == (400, {"error": "this is no request of HTTP/1.1, or its header is too long"})


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_is_answered(served: Served, chunked: bool):
    """The client sends all of it before it reads, as most do."""
    kind = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 10485760"
    head = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + kind + b"\r\n\r\n"
    piece = b"a" * (1 << 20)
    with served.connect() as connection:
        connection.sendall(head)
        for _ in range(10):
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            connection.sendall(b"0\r\n\r\n")
        status, said = answer(connection)
    assert status == 413
    assert said["error"] == "the body is larger than 1,048,576 bytes, the most that one request may have"


@pytest.mark.parametrize(("wrong", "status"), [("Content-Type: text/plain", 415), ("Origin: null", 403)])
def test_a_refusal_reaches_a_client_that_sends_all_of_its_body_first(served: Served, wrong: str, status: int):
    """Its connection is not closed while the body still comes: that would throw the answer away."""
    head = f"POST /v1/score HTTP/1.1\r\nHost: localhost\r\n{wrong}\r\nContent-Length: 3145728\r\n\r\n"
    with served.connect() as connection:
        connection.sendall(head.encode())
        for _ in range(3):
            connection.sendall(b"a" * (1 << 20))
        assert answer(connection)[0] == status


def test_a_broken_body_does_no_harm(served: Served):
    with served.connect() as connection:
        head = request("/v1/score", {}, Transfer_Encoding="chunked").replace(b"Content-Length: 2\r\n", b"")
        connection.sendall(head.replace(b"{}", b"") + b"zz\r\n")
        assert answer(connection)[0] == 400
    assert served.ask("/healthz") == (200, {"status": "ok"})


def test_endless_work_is_stopped_and_others_are_served_meanwhile(served: Served):
    found, begun = [], time.monotonic()
    clients = [threading.Thread(target=lambda: found.append(served.ask("/v1/sample", HEAVY))) for _ in range(1)]
    for client in clients:
        client.start()
    quick = []
    while any(client.is_alive() for client in clients):
        start = time.monotonic()
        assert served.ask("/v1/score", {"strings": ["emma"] * 100})[0] == 200
        quick.append(time.monotonic() - start)
        time.sleep(0.05)
    assert time.monotonic() - begun < LONG
    assert [status for status, _ in found] == [422]
    assert all(said["error"].startswith("the work took longer than 4 s and was stopped") for _, said in found)
    assert sorted(quick)[len(quick) // 2] < SECONDS / 2
    until = time.monotonic() + LONG
    while served.ask("/v1/sample", {"n": 2, "ends_with": "a"})[0] != 200:  # until the workers are there again
        assert time.monotonic() < until
    assert b"wavemore_workers_restarted 1.0" in served.ask("/metrics")[1]


def test_an_answer_that_nobody_takes_is_given_up(served: Served):
    """The server closes its side, though the client never does."""
    files = Path(f"/proc/{served.process.pid}/fd")
    if not files.exists():
        pytest.skip("this system does not tell which files a process has open")
    before = settled(files)
    with served.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(request("/v1/explain", {"strings": ["emmaemmaemma"] * 4000}, Connection="keep-alive"))
        assert settled(files) == before + 1
        until = time.monotonic() + LONG
        while len(list(files.iterdir())) > before:
            assert time.monotonic() < until
            time.sleep(0.2)


def settled(files: Path) -> int:
    """How many files are open, once that has been the same for a second: earlier connections linger for as long."""
    counts = [0]
    while len(counts) < 20 or len(set(counts[-20:])) > 1:
        time.sleep(0.06)
        counts.append(len(list(files.iterdir())))
    return counts[-1]


def test_a_long_answer_that_is_taken_slowly_comes_whole(served: Served):
    """It takes longer than the deadline, in which it must only be taken further."""
    begun, came = time.monotonic(), 0
    with served.connect() as connection:
        connection.sendall(request("/v1/explain", {"strings": ["emmaemmaemma"] * 600, "alternatives": 27}))
        head = connection.recv(4096)
        length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
        came = len(head.partition(b"\r\n\r\n")[2])
        while data := connection.recv(1 << 16):
            came += len(data)
            time.sleep(max(0.0, begun + 3 * PATIENCE * came / length - time.monotonic()))
    assert came == length
    assert time.monotonic() - begun > 2 * PATIENCE


def test_many_clients_at_once_get_an_answer_each(served: Served):
    """500 connections are open before the first of them asks."""
    ask = request("/v1/score", {"strings": ["emma", "olivia"] * 50})
    connections = [served.connect() for _ in range(500)]
    for connection in connections:
        connection.sendall(ask)
    answers = []
    for connection in connections:
        with connection:
            answers.append(answer(connection))
    counted = Counter(status for status, _ in answers)
    assert set(counted) <= {200, 429, 503}
    assert sum(counted.values()) == 500
    assert counted[200]
    assert all(len(said["scores"]) == 100 for status, said in answers if status == 200)


def test_many_waiting_requests_are_sent_away_with_a_time_to_come_again(served: Served):
    connections = [served.connect() for _ in range(60)]
    for connection in connections:
        connection.sendall(request("/v1/sample", HEAVY | {"n": 2}))
    first = b""
    with connections[-1] as last:
        first = last.recv(1 << 16)
    assert first.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nretry-after: 1\r\n" in first.lower()
    for connection in connections[:-1]:
        connection.close()
    until = time.monotonic() + LONG
    while served.ask("/v1/sample", {"n": 1, "ends_with": "a"})[0] != 200:  # those who left are not worked for
        assert time.monotonic() < until
        time.sleep(0.2)


def test_each_request_has_its_line(served: Served):
    served.ask("/nothing\x1b[31m".replace("\x1b", "%1b"))
    lines = served.log.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"wavemore: names at http://127.0.0.1:{served.port}/  (Ctrl-C ends it)"
    line = next(line for line in lines if "/nothing" in line)
    assert " 127.0.0.1 GET /nothing\\x1b[31m 404 " in line
    assert not any("Traceback" in line for line in lines)
    assert any(" - 408 " in line for line in lines)


def until_refused(served: Served) -> None:
    """Until no connection is taken any more."""
    with suppress(OSError):
        while True:
            served.connect().close()
            time.sleep(0.05)


def test_the_server_ends_when_all_are_answered(tmp_path: Path):
    with serving({"names": None}, tmp_path, seconds=2.0, workers=2) as served, served.connect() as open_one:
        with served.connect() as asking:
            asking.sendall(request("/v1/sample", HEAVY))
            while b"\nwavemore_requests_open 2.0\n" not in served.ask("/metrics")[1]:
                time.sleep(0.05)
            served.process.terminate()
            until_refused(served)
            status, said = answer(asking)
        assert (status, "was stopped" in said["error"]) == (422, True)
        assert open_one.recv(1) == b""
        assert served.process.wait(timeout=LONG) == 0
        assert "Traceback" not in served.log.read_text(encoding="utf-8")
