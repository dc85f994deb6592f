"""What stands first: a model, a list or strings. What stands in the wrong place is told from what belongs there."""

import shlex
from pathlib import Path

import pytest
from command_line import FAILED, WRONG_USAGE

from wavemore.cli import run
from wavemore.estimator import load

A_LIST = "list.txt is a list and no model; train one first: wavemore train list.txt, or name the file of one"


def test_evaluate_alone_is_the_model_in_the_package_on_its_own_list(answer):
    out, _ = answer("evaluate")
    assert out == answer("evaluate names")[0]
    assert [line.split()[0] for line in out.split("\n\n")[0].splitlines()[1:]] == [
        "train",
        *2 * ["validation"],
        *2 * ["test"],
        "all",
    ]


def test_evaluate_takes_a_model_on_its_own_list(answer):
    load().save("mine.safetensors")
    assert answer("evaluate mine.safetensors") == answer("evaluate mine.safetensors names")


@pytest.mark.parametrize("command", ["evaluate", "inspect"])
def test_a_list_that_has_the_name_of_one_in_the_package_is_another_one(refused, tiny_path, strings, command):
    Path("towns.txt").write_text("\n".join(strings))
    assert run(["train", "towns.txt", "--recipe", "ngram", "-q"]) == 0
    assert refused(WRONG_USAGE, command, "towns.safetensors") == (
        'name a list for towns.safetensors: its own list, "towns", is not in the package, as in: '
        f"wavemore {command} towns.safetensors names"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("score", "name the list to score, as in: wavemore score names"),
        (
            "score tiny.safetensors",
            "name the list to score with tiny.safetensors, as in: wavemore score tiny.safetensors names",
        ),
        (
            "evaluate tiny.safetensors",
            'name a list for tiny.safetensors: its own list, "strings", is not in the package, as in: '
            "wavemore evaluate tiny.safetensors names",
        ),
        ("explain", "name a string to explain, as in: wavemore explain emma"),
        (
            "explain tiny.safetensors",
            "tiny.safetensors is a model; name a string to explain with it, as in: "
            "wavemore explain tiny.safetensors emma",
        ),
        ("trace notes", "notes is a recipe and no model, as in: wavemore trace --recipe notes"),
        *(
            (
                f"{command} list.txt tiny.safetensors",
                "tiny.safetensors is a model and list.txt is none; name the model first, as in: "
                f"wavemore {command} tiny.safetensors list.txt",
            )
            for command in ("score", "evaluate", "inspect")
        ),
        (
            "score tiny.safetensors tiny.safetensors",
            "tiny.safetensors and tiny.safetensors are models; name one, and the list to score with it, as in: "
            "wavemore score tiny.safetensors names",
        ),
        (
            "explain emma 'two words' tiny.safetensors",
            "tiny.safetensors is a model; name one alone, before the strings, as in: "
            "wavemore explain tiny.safetensors emma 'two words'",
        ),
        (
            "explain list.txt emma",
            "list.txt is a list, and strings are explained; name some, as in: wavemore explain emma, or score the "
            "list: wavemore score list.txt",
        ),
    ],
)
def test_what_is_missing_or_in_the_wrong_place(refused, tiny_path, line, message):
    assert refused(WRONG_USAGE, *shlex.split(line)) == message


@pytest.mark.parametrize("line", ["sample", "info", "trace", "score list.txt", "evaluate list.txt", "inspect list.txt"])
@pytest.mark.parametrize("name", ["list.txt", "list"])
def test_a_list_in_place_of_a_model(refused, line, name):
    command, *others = line.split()
    Path("list").write_bytes(Path("list.txt").read_bytes())
    shown = A_LIST.replace("list.txt", name)
    line = [command, name, *others]
    assert refused(FAILED, *line) == shown


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"a,b\n1,2\n"),
        ("t.jsonl", b'{"a": 1}\n'),
        ("t.csv.gz", b"\x1f\x8b\x08\0"),
        ("t.parquet", b"PAR1\0\0\0\0"),
        ("names", "zoé\nanna\n".encode()),
        ("wide.txt", "anna\n".encode("utf-16")),
    ],
)
def test_other_kinds_of_lists_in_place_of_a_model(refused, name, content):
    Path(name).write_bytes(content)
    assert refused(FAILED, "info", name).startswith(f"{name} is a list and no model; train one first: wavemore train ")


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0\0\0\0\0{}", b"x" * 50, b"\xff\xfe\xfd\n" * 9, b"a\0b\n"])
def test_what_is_neither(refused, content):
    Path("m").write_bytes(content)
    assert refused(FAILED, "info", "m").startswith("m is not a wavemore model, or is damaged or cut short (")


@pytest.mark.parametrize(
    "line", ["train tiny.safetensors -o new.safetensors", "odd tiny.safetensors", "sample --not-in tiny.safetensors"]
)
def test_a_model_in_place_of_a_list(refused, tiny_path, line):
    assert refused(FAILED, *line.split()) == (
        "tiny.safetensors is a model or another file of tensors and no list; name a list, such as names"
    )


def test_a_string_that_is_the_name_of_a_list_is_explained_with_a_named_model(answer, tiny_path):
    assert answer("explain tiny.safetensors list.txt")[0].startswith("list.txt  ")
    assert answer("explain list")[0].startswith("list  ")
