"""`wavemore sample`: one string a line, or JSON; wishes that cannot be met; a reader that leaves."""

import errno
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import FAILED, KNOWN_LISTS, WRONG_USAGE, in_shell, records
from imported import imported_by

from wavemore.cli import run
from wavemore.models.plausible import Plausible
from wavemore.sampling.sample import Samples


def test_sample_prints_one_string_a_line(answer, tiny_path):
    out, err = answer("sample tiny.safetensors -n 7 --seed 1")
    assert re.fullmatch(r"([abdeklo]+\n){7}", out)
    assert err == ""
    assert answer("sample tiny.safetensors -n 0") == ("", "")


def test_sample_without_arguments_takes_the_model_in_the_package(answer):
    out, err = answer("sample")
    assert out.count("\n") == 20
    assert err == ""


def test_sample_seed_repeats_and_more_strings_begin_alike(answer, tiny_path):
    five, _ = answer("sample tiny.safetensors -n 5 --seed 1")
    nine, _ = answer("sample tiny.safetensors -n 9 --seed 1")
    other, _ = answer("sample tiny.safetensors -n 5 --seed 2")
    assert nine.startswith(five)
    assert other != five
    assert answer("sample tiny.safetensors -n 30") != answer("sample tiny.safetensors -n 30")


def test_sample_options_reach_the_model(answer, tiny_path, tiny_model):
    out, _ = answer("sample tiny.safetensors -n 9 --seed 1 --starts-with ba --temperature 1.5 --length -4")
    expected = tiny_model.sample(9, starts_with="ba", temperature=1.5, length=(None, 4), seed=1)
    assert out.split() == expected
    assert max(map(len, expected)) == 4


def test_sample_json(answer, tiny_path, tiny_model):
    plain, _ = answer("sample tiny.safetensors -n 3 --seed 1")
    out, _ = answer("sample tiny.safetensors -n 3 --seed 1 --json")
    strings = plain.split()
    scores = tiny_model.score_samples(strings).tolist()
    assert records(out) == [
        {"string": string, "log_likelihood": round(score, 6)} for string, score in zip(strings, scores, strict=True)
    ]


def test_sample_json_under_conditions(answer):
    out, err = answer("sample -n 40 --seed 1 --json --length 5")
    found = records(out)
    assert found[0].keys() == {"string", "log_likelihood", "share", "share_error", "clipped", "clipped_most"}
    share, error = found[-1]["share"], found[-1]["share_error"]
    assert abs(share - 0.24) < 4 * error < 0.2
    assert {record["clipped"] for record in found} == {0.0}
    assert err == "wavemore: about 20 % of the model's strings meet the conditions\n"  # of two digits one is known
    out, _ = answer("sample -n 9 --seed 1 --json --length 5 --mode fast")
    assert {record["share"] for record in records(out)} == {record["clipped"] for record in records(out)} == {None}


def test_a_distance_says_how_far_it_holds(answer, tiny_path, strings):
    Path("own.txt").write_text("\n".join(strings))
    out, err = answer("sample tiny.safetensors -n 5 --seed 1 --distance 2")
    told = "every string is at least 2 edits away from the model's own list, as its fingerprints tell"
    assert err == f"wavemore: {told}\n"
    source = f"the {len(set(strings))} strings that not_in has"
    given, err = answer("sample tiny.safetensors -n 5 --seed 1 --distance 2 --not-in own.txt --json")
    assert [record["string"] for record in records(given)] == out.split()
    assert {(record["distance"], record["distance_from"]) for record in records(given)} == {(2, source)}
    _, err = answer("sample tiny.safetensors -n 2 --distance 2 --not-in own.txt --most-likely")
    assert err == f"wavemore: every string is at least 2 edits away from {source}\n"


def test_favourites_from_a_file_or_a_pipe(answer, tiny_path, tiny_model, monkeypatch):
    liked = ["koko", "kobo", "kodo"]
    Path("liked.txt").write_text("\n".join([*liked, "", *liked]))
    out, err = answer("sample tiny.safetensors -n 9 --seed 1 --like liked.txt --strength 3 --json --faithful")
    leant = tiny_model.leaning(liked, 3)
    assert [record["string"] for record in records(out)] == leant.sample(9, seed=1)
    scores = leant.score_samples([record["string"] for record in records(out)])
    assert [record["log_likelihood"] for record in records(out)] == pytest.approx(scores.tolist(), abs=1e-6)
    assert err == "wavemore: liked: skipped 1: 1 blank (line 4)\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(liked).encode())))
    out, _ = answer("sample tiny.safetensors -n 2 --most-likely --like -")
    assert [line.split()[1] for line in out.splitlines()] == [s for s, _ in tiny_model.leaning(liked).most_likely(2)]


@pytest.mark.parametrize("n", [8, 20_000])
def test_all_unique_strings_are_printed_where_there_are_too_few(tiny_path, n, capsys):
    assert run(["sample", str(tiny_path), "-n", str(n), "--length", "1", "--unique", "--seed", "1"]) == FAILED
    out, err = capsys.readouterr()
    assert sorted(out.split()) == sorted("abdeklo")
    assert err == f"wavemore: only 7 such strings exist, and {n:,} are asked for\n"


def test_an_interrupt_keeps_what_was_printed(tiny_path, monkeypatch, capsys):
    def interrupted(self: Samples):
        yield from ["abe", "ode"]
        self.found = 2
        raise KeyboardInterrupt

    monkeypatch.setattr(Samples, "__iter__", interrupted)
    assert run(["sample", str(tiny_path), "-n", "5"]) == 130
    out, err = capsys.readouterr()
    assert out.split() == ["abe", "ode"]
    assert err == "wavemore: stopped; 2 of 5 strings were found\n"


def test_a_search_that_takes_too_long_prints_what_it_knows(monkeypatch, capsys):
    monkeypatch.setattr("wavemore.sampling.search._WORK", 8e8)
    monkeypatch.setattr("wavemore.sampling.search._FOR_A_STRING", 0)
    assert run(["sample", "-n", "300", "--most-likely"]) == FAILED
    out, err = capsys.readouterr()
    known = out.splitlines()
    assert 0 < len(known) < 300
    assert known[0] == " -8.018540  elia"
    assert err.startswith(f"wavemore: only {len(known)} of the 300 likeliest strings are known after")


def test_text_in_the_other_case(answer, tiny_path):
    for options in ("--starts-with BA", "--never A", "--matches 'B.*'"):
        plain = options.replace("B", "b").replace("A", "a")
        folded, _ = answer(f"sample tiny.safetensors -n 5 --seed 1 --fold-case {options}")
        assert folded == answer(f"sample tiny.safetensors -n 5 --seed 1 {plain}")[0]
    _, err = answer("sample tiny.safetensors -n 1 --never Aä")
    assert err.startswith("wavemore: never: no string has 'Aä' anyway, the model does not know it\n")
    _, err = answer("sample tiny.safetensors -n 1 -q --never A")
    assert err == ""


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
        ("--length 8-3", "the least length is 8 and the most is 3; the most must not be smaller"),
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
        ("--mode quick", "the mode is 'quick'; it must be exact, strict or fast"),
        ("--top-k 0", "top_k is 0; it must be a whole number of 1 or more"),
        (
            "--matches a{99999}",
            "'a{99999}' has 99,999 pieces when its counts are written out; they must be at most 10,000",
        ),
        (
            "--not-in nowhere.txt",
            f'there is no file "nowhere.txt" and no list of that name; lists are {KNOWN_LISTS}',
        ),
        ("--like letters.txt --strength 11", "the strength is 11.0; it must be a number from 0 to 10"),
        ("--strength 2", "--strength has no use without --like; leave it out"),
        ("--most-likely --seed 3", "--most-likely draws nothing, so --seed has no use; leave one of them out"),
        (
            "--length 1 --not-in letters.txt",
            "only 7 strings meet the conditions, and every one of them is refused; ask for other ones",
        ),
    ],
)
def test_conditions_that_cannot_be_met(refused, tiny_path, line: str, sentence: str):
    Path("letters.txt").write_text("\n".join("abdeklo") + "\n")
    code = FAILED if "nowhere" in line else WRONG_USAGE
    assert refused(code, "sample", "tiny.safetensors", *line.split()) == sentence


def test_characters_that_the_model_does_not_know(refused, tiny_path):
    assert refused(WRONG_USAGE, "sample", "tiny.safetensors", "--starts-with", "bax") == (
        "'x' (U+0078) in 'bax' is not among the 7 characters that the model knows: abdeklo"
    )
    Path("others.txt").write_text("xyz\nzyx\n")
    assert refused(FAILED, "evaluate", "-q", "tiny.safetensors", "others.txt") == (
        "none of the 2 strings is made of characters that the model knows, so there is no loss; "
        "evaluate it on a list in the alphabet it was trained on"
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


def test_a_plain_sample_imports_what_it_needs_alone():
    """Neither readers of lists, nor conditions, nor what only writing needs: each takes milliseconds."""
    modules = imported_by("-m", "wavemore", "sample", "-n", "1")
    assert {"wavemore.sampling.sample", "wavemore.models.modelfile", "numpy.random"} <= modules
    others = ("wavemore.lists.corpus", "wavemore.lists.streams", "wavemore.sampling.constraints", "wavemore.fitting")
    outside = ("importlib.resources", "safetensors.numpy", "shlex", "tempfile", "tomllib", "zipfile")
    assert modules & {*others, *outside, "concurrent.futures"} == set()


def test_samples_are_plausible_unless_told_otherwise(answer, tiny_path, tiny_model):
    plain = answer("sample tiny.safetensors -n 300 --seed 1")[0].split()
    assert plain == tiny_model.sample(300, seed=1, plausible=True)
    own = tiny_model.sample(300, seed=1)
    for options in ("--faithful", "--temperature 1", "--top-p 1", "--top-k 99"):
        assert answer(f"sample tiny.safetensors -n 300 --seed 1 {options}")[0].split() == own
    assert set(plain) < set(own) | set(tiny_model.sample(6000, seed=1)[300:])
    assert plain != own


def test_a_remark_says_how_many_are_not_plausible(answer, refused, tiny_path, tiny_model):
    limited = replace(tiny_model.file_, plausible=Plausible(0.01, 0.01))
    limited.save("limited.safetensors")
    out, err = answer("sample limited.safetensors -n 5 --seed 1 --starts-with k")
    assert len(out.split()) == 5
    assert err.startswith(
        "wavemore: 5 of the 5 strings are not plausible: hardly any that meets the conditions is (see --faithful)\n"
    )
    assert answer("sample limited.safetensors -n 5 --seed 1")[1] == ""  # no condition to blame
    assert answer("sample limited.safetensors -n 5 --seed 1 -q --json")[1] == ""
    assert answer("sample limited.safetensors -n 5 --faithful")[1] == ""
    sentence = refused(WRONG_USAGE, "sample", "tiny.safetensors", "--faithful", "--top-p", "0.9")
    assert sentence == "--faithful shapes nothing, and --top-p does; leave one of them out"
    sentence = refused(WRONG_USAGE, "sample", "--most-likely", "--faithful")
    assert sentence == "--most-likely draws nothing, so --faithful has no use; leave one of them out"
