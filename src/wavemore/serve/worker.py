"""A worker: a process of its own that loads the models and does one request after the other.

It reads a line of JSON a request from its standard input, and answers in frames: a letter, the length in four bytes,
and so many bytes.

    r    ready; of each model how long its strings are
    p    a portion of the answer, whole lines of JSON
    e    an error: its status and its sentence
    d    done

It ends when its input does, in the midst of work too. Pressing Ctrl-C reaches the server alone, which drains: a worker
is in a session of its own, and takes no notice of SIGTERM.
"""

import gc
import json
import os
import select
import signal
import sys
import threading
import traceback
from typing import IO, Any

from wavemore.errors import WavemoreError
from wavemore.serve.work import DONE_BY, Work, typical_length
from wavemore.threads import blas_on_one_thread

__all__ = ["BEGIN", "DONE", "ERROR", "PART", "READY", "serve"]

BEGIN = """import json, os, sys
answers = os.dup(1)
os.dup2(2, 1)  # what anything else prints, imports among it, goes to standard error
sys.path[:] = json.loads(sys.argv[1])
from wavemore.serve.worker import serve
serve(answers)"""
"""What a worker's Python runs, with the places of modules as its argument."""

READY, PART, ERROR, DONE = b"r", b"p", b"e", b"d"


def serve(answers: int) -> None:
    """Answer requests at a file descriptor until standard input ends. The first line names the models."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    lines = sys.stdin.buffer
    with open(answers, "wb") as out, blas_on_one_thread():  # the workers share the cores
        setup = json.loads(lines.readline())
        if setup["gently"] and hasattr(os, "nice"):
            os.nice(5)  # small requests have a worker of their own, and come first
        try:
            work = Work.of(setup["models"])
        except WavemoreError as error:
            _send(out, ERROR, _told(500, str(error)))
            return
        _send(out, READY, json.dumps({name: typical_length(model) for name, model in work.models.items()}).encode())
        gc.freeze()  # the models stay, and need not be looked through again and again
        while (line := lines.readline()).endswith(b"\n"):  # the server may end in the midst of one
            _answer(work, json.loads(line), out)


def _answer(work: Work, request: dict[str, Any], out: IO[bytes]) -> None:
    try:
        for part in DONE_BY[request["do"]](work, request["ask"]):
            _send(out, PART, part.encode(), at_once=not request["small"])  # a small one's parts go with its end
    except WavemoreError as error:
        _send(out, ERROR, _told(422, str(error)))
    except MemoryError:
        _send(out, ERROR, _told(422, "there is not enough memory for this; ask for less in one request"))
    except BrokenPipeError:
        os._exit(0)  # nobody waits for an answer any more
    except Exception:  # a bug: the worker goes on, and who asked is told so
        traceback.print_exc()
        _send(out, ERROR, _told(500, "the server made a mistake; its log says more"))
    _send(out, DONE, b"")


def _end_with_the_server() -> None:
    """Wait until nobody can write requests any more, without reading those that come."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # which reports that the other end is closed, and nothing else
    poll.poll()
    os._exit(0)


def _send(out: IO[bytes], kind: bytes, data: bytes, *, at_once: bool = True) -> None:
    out.write(kind + len(data).to_bytes(4) + data)
    if at_once:
        out.flush()


def _told(status: int, sentence: str) -> bytes:
    return json.dumps({"status": status, "error": sentence}).encode()
