"""Lines on standard error never keep a server from its work."""

import os
import sys

import pytest

from wavemore.progress import to_stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell whether a pipe is full")
def test_a_full_pipe_and_one_that_nobody_reads_stop_nobody(monkeypatch: pytest.MonkeyPatch):
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        for number in range(2000):  # a pipe holds 64 KiB
            to_stderr(f"{number:100}")
        assert os.read(reading, 101) == f"{0:100}\n".encode()
        os.close(reading)
        to_stderr("nobody reads this")
