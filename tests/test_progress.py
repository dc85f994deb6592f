"""A line of numbers on a terminal, which moves while something takes long."""

import sys
import time

import pytest
from command_line import Terminal

from wavemore import progress
from wavemore.progress import watching


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in the test: pytest puts its own standard error in place after the fixtures."""
    monkeypatch.setattr(progress, "_AFTER", 0.05)
    monkeypatch.setattr(progress, "_REDRAWN", 0.02)
    monkeypatch.setattr(sys, "stderr", Terminal())
    return sys.stderr  # type: ignore[return-value]


def test_the_line_moves_though_nobody_says_anything(monkeypatch: pytest.MonkeyPatch):
    terminal = on_terminal(monkeypatch)
    with watching("sampling: {:,} drawn, {:,} found"):
        time.sleep(0.3)
    shown = terminal.getvalue()
    assert shown.count("\rsampling: 0 drawn, 0 found, 0 s") >= 3
    assert shown.endswith("\r")
    assert shown.split("\r")[-2].strip() == ""


def test_the_line_shows_the_latest_numbers_and_makes_room_for_what_is_printed(monkeypatch: pytest.MonkeyPatch):
    terminal = on_terminal(monkeypatch)
    with watching("{:,} drawn") as watch:
        assert watch is not None
        watch(1234)
        time.sleep(0.2)
        for item in watch.hidden(["a"]):
            assert terminal.getvalue().endswith("\r")
            assert item == "a"
    assert "1,234 drawn, 0 s" in terminal.getvalue()


def test_there_is_no_line_before_its_time_and_none_without_a_terminal(monkeypatch: pytest.MonkeyPatch):
    terminal = on_terminal(monkeypatch)
    with watching("{} drawn", quiet=True) as watch:
        assert watch is None
    monkeypatch.setattr(progress, "_AFTER", 60.0)
    with watching("{} drawn"):
        time.sleep(0.05)
    assert terminal.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", None)
    with watching("{} drawn") as watch:
        assert watch is None
