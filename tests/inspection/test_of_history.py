"""The looks that a history holds, and histories that are none."""

import json

import pytest

from wavemore.errors import FileError
from wavemore.inspection import inspect_history
from wavemore.runs.history import is_history


def test_a_history_is_told_from_lists_and_models(trained, path, tmp_path, tiny_path):
    trained(steps=1)
    path.rename(tmp_path / "renamed")
    (tmp_path / "list.jsonl").write_text('{"name": "emma"}\n')
    assert is_history(tmp_path / "renamed")
    assert is_history("nosuch.history.jsonl")
    assert not is_history(tmp_path / "list.jsonl")
    assert not is_history(tiny_path)
    assert not is_history("nosuch")


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["levels"][0].pop("mean"),
        lambda record: record["levels"][0].update(activation="relu"),
        lambda record: record["levels"][0]["given"].update(shares=[]),
        lambda record: record["levels"].append(3),
        lambda record: record["parameters"][0].update(update=-1.0),
        lambda record: record["parameters"][0].update(weight=float("nan")),
        lambda record: record["parameters"][0].update(shape="3"),
        lambda record: record["norms"][0].update(shift=None),
        lambda record: record["norms"][0].update(scale=10**400),
        lambda record: record["levels"][0].update(level=float("inf")),
        lambda record: record["levels"][0].update(units=10**400),
        lambda record: record["levels"][0].update(units=0),
        lambda record: record["levels"][0].update(dead=[-3]),
        lambda record: record["levels"][0].update(dead=[16]),
        lambda record: record["parameters"][0].update(shape=[10**300, 10**300]),
        lambda record: record["parameters"][0].update(shape=[10**15] * 50),
        lambda record: record["parameters"][0].update(update=1e-300, weight=1e300),
        lambda record: record["parameters"][0].update(update=1e-300),
        lambda record: record["parameters"][0].update(gradient=1e200),
    ],
)
def test_unsound_records_are_refused(trained, path, change):
    trained(steps=1)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    (inside,) = (record for record in records if record["record"] == "inside")
    change(inside)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(FileError) as error:
        inspect_history(path)
    assert str(error.value) == f"the record of the inside at step 1 of {path} is not sound; remove its line"


@pytest.mark.parametrize("members", ["x", None, [2], 1.5])
def test_a_run_of_no_number_of_networks_is_refused(trained, path, members):
    trained(steps=1)
    about, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(about), "members": members}), *others, ""]))
    with pytest.raises(FileError) as error:
        inspect_history(path)
    assert str(error.value) == (
        f'a run in {path} has the members "{members}", which is no whole number; mend its record'
    )


def test_records_of_different_networks_are_refused(trained, path):
    trained(steps=2)
    one = path.read_text()
    trained(steps=40, model__groups=[2, 2, 2])
    path.write_text(one + "".join(f"{line}\n" for line in path.read_text().splitlines() if '"inside"' in line))
    with pytest.raises(FileError, match=r"^the records of the inside in .* are of different networks; remove the odd"):
        inspect_history(path)


def test_a_history_without_the_inside_is_refused(path):
    path.write_text('{"record": "run", "format": 1}\n{"record": "step", "step": 1}\n')
    with pytest.raises(FileError) as error:
        inspect_history(path)
    assert str(error.value) == (
        f"the history {path} has no record of the inside yet; look again when its run has taken a step, or train the "
        "model again if an earlier version wrote it"
    )
