"""Work over a second shows that it goes on, and Ctrl-C says what was written."""

import sys
import threading
import time
from pathlib import Path

import pytest
from command_line import Terminal, contents, error_terminal

from wavemore import progress
from wavemore.cli import run


@pytest.mark.parametrize("work", [0.0, 0.3])
def test_work_of_unknown_length_says_that_it_goes_on(monkeypatch, work):
    terminal = error_terminal(monkeypatch)
    monkeypatch.setattr(progress, "_AFTER", 0.1)
    with progress.waiting("reading"):
        time.sleep(work)
    assert ("\rreading: 0 s" in terminal.getvalue()) == (work > 0)
    assert terminal.getvalue()[-1:] in ("", "\r")
    with progress.waiting("reading", quiet=True):
        time.sleep(work)
    assert terminal.getvalue().count("reading") == (work > 0)


@pytest.mark.parametrize(
    ("line", "shows"),
    [
        ("score tiny.safetensors list.txt -o scored.tsv", "scoring"),
        ("score tiny.safetensors list.txt --odd 3", "scoring"),
        ("score tiny.safetensors list.txt --guess-number -o scored.tsv", "sampling for guess numbers"),
        ("score tiny.safetensors list.txt --guess-number -o scored.tsv", "scoring these samples"),
        ("odd list.txt", "learning what is usual"),
        ("odd list.txt --all -o odd.tsv", "scoring"),
        ("evaluate tiny.safetensors list.txt", "evaluating all"),
        ("evaluate tiny.safetensors list.txt --samples 50", "sampling"),
        ("info tiny.safetensors --memory", "drawing samples"),
        ("inspect tiny.safetensors list.txt", "looking inside"),
        ("sample tiny.safetensors --ends-with a -n 3", "sampling: "),
        ("sample tiny.safetensors --most-likely -n 3", "searching"),
        ("train list.txt --recipe tiny.toml", "reading the list"),
        ("train list.txt --recipe tiny.toml", "learning"),
        ("train list.txt --recipe tiny.toml", "evaluating what was learned"),
        ("train list.txt --recipe tiny.toml", "sampling"),
        ("train list.txt --recipe ngram", "learning"),
        ("compare list.txt ngram tiny.toml", "evaluating what was learned"),
        ("explain tiny.safetensors kolo bax dede", "explaining"),
    ],
)
def test_every_command_shows_that_it_works(answer, tiny_path, monkeypatch, line, shows):
    """Also where its results go to a terminal."""
    terminal = error_terminal(monkeypatch)
    monkeypatch.setattr(progress, "_EVERY", 0.1)  # a bar for each of 100,000 samples takes long
    monkeypatch.setattr("sys.stdout", Terminal())
    answer(line)
    assert shows in terminal.getvalue()


@pytest.mark.parametrize(
    ("line", "at", "says"),
    [
        (
            "score tiny.safetensors list.txt -o new.tsv",
            "wavemore.judging.scored_table.ScoredTable.write",
            "new.tsv was not written",
        ),
        ("odd list.txt -o new.tsv.gz", "wavemore.judging.scored_table.ScoredTable.write", "new.tsv.gz was not written"),
        (
            "score tiny.safetensors list.txt",
            "wavemore.judging.scored_table.ScoredTable.write",
            "what was printed is not all",
        ),
        ("sample tiny.safetensors", "wavemore.cli.sample._marked", "0 of 20 strings were found"),
        ("sample tiny.safetensors --json", "wavemore.cli.sample._records", "0 of 20 strings were found"),
        ("evaluate tiny.safetensors list.txt", "wavemore.judging.report.evaluate", "nothing was written"),
        ("explain anna", "wavemore.judging.explanation.explain", "nothing was written"),
        ("info tiny.safetensors --memory", "wavemore.judging.memorisation.estimated", "nothing was written"),
        ("inspect tiny.safetensors list.txt", "wavemore.inspection.inspect", "nothing was written"),
        ("train list.txt --recipe ngram", "wavemore.fitting.fit_model", "no model was written"),
        ("sample --most-likely", "wavemore.sampling.wish.Wish.most_likely", "what was printed is not all"),
    ],
)
def test_ctrl_c_says_what_was_written(answer, tiny_path, monkeypatch, capfd, line, at, says):
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(at, interrupt)
    before = contents(Path())
    assert run(line.split()) == 130
    _, err = capfd.readouterr()
    assert err == f"wavemore: stopped; {says}\n"
    assert contents(Path()) == before


def test_a_log_gets_the_lines_of_a_training_alone(monkeypatch, capfd):
    """Older versions of rich write a blank line where a bar that was never drawn is stopped."""
    monkeypatch.setattr("rich.progress.Progress.stop", lambda self: sys.stderr.write("\n"))
    with progress.TrainingProgress() as bar:
        bar.begin(1, "what it is")
        bar.step(1, 0.5)
    assert capfd.readouterr() == ("", "what it is\n")


def test_between_two_trainings_each_display_ends_before_the_next(monkeypatch):
    """A teacher and its pupil: the bar of one, what follows it, the bar of the other."""
    terminal = error_terminal(monkeypatch)
    with progress.TrainingProgress() as bar:
        for run in ("teacher", "pupil"):
            time.sleep(0.05)
            bar.begin(2, run)
            bar.step(1, 0.5)
            bar.step(2, 0.5)
            bar.end()
        time.sleep(0.05)
    shown = terminal.getvalue()
    order = ["learning", "teacher", "2/2 steps", "evaluating what was learned", "pupil", "2/2 steps", "evaluating what"]
    place = 0
    for text in order:
        place = shown.index(text, place) + len(text)
    assert "steps" not in shown[place:]
    assert shown.endswith("\r")
    assert [thread.name for thread in threading.enumerate() if "show" in thread.name] == []
