"""Labels on the command line."""

import shlex
from pathlib import Path

import pytest
from command_line import in_shell, records

TABLE = "name,language,gender\n" + "".join(
    f"{body}{end},{language},{gender}\n"
    for language, letters in (("it", "lmr"), ("fr", "dgs"))
    for gender, end in (("f", "a"), ("m", "n"))
    for body in (f"{a}o{b}{v}" for a in letters for b in letters for v in "aei")
)
LABELS = [f"label {language}, {gender}" for language in ("fr", "it") for gender in "fm"]
TRAIN = (
    "train people.csv --column name --label language --label gender --set model.hidden=24 --set model.members=1 "
    "--set train.batch=16 --set train.epochs=20 --set train.threads=1 -o people.safetensors -q"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """What `TRAIN` writes."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "people.csv").write_text(TABLE)
    done = in_shell(f"wavemore {TRAIN}", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def people(trained, tmp_path, monkeypatch) -> str:
    for name in ("people.csv", "people.safetensors"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return "people.safetensors"


def test_samples_scores_and_reasons_under_a_label(people, answer):
    italian = answer(f"sample {people} -n 30 --label it --label gender=f --seed 1 -q")[0].split()
    assert sum(not {*name} & {*"dgs"} and name.endswith("a") for name in italian) > 20
    scored = {
        label: records(answer(f"score {people} -s lolaa --label {label} --json -q")[0])[0]["log_likelihood"]
        for label in ("it", "fr")
    }
    assert scored["it"] > scored["fr"] + 3
    [explained] = records(answer(f"explain {people} lolaa --label it --label f --json")[0])
    assert explained["log_likelihood"] > scored["it"]
    assert "labels language" in answer(f"info {people}")[0]
    assert records(answer(f"info {people} --json")[0])[0]["labels"]["counts"] != []


def test_a_label_is_inspected(people, answer):
    Path("names.txt").write_text("\n".join(line.split(",")[0] for line in TABLE.splitlines()[1:]))
    assert "level" in answer(f"inspect {people} names.txt --label it --label f -q")[0]


def test_a_table_says_which_label_each_string_has(people, answer):
    [row] = records(answer(f"score {people} -s dogan --posterior --json -q")[0])
    chances = {name: value for name, value in row.items() if name.startswith("posterior_")}
    assert list(chances) == [f"posterior_{language}, {gender}" for language in ("fr", "it") for gender in "fm"]
    assert sum(chances.values()) == pytest.approx(1, abs=1e-4)
    assert row["best"] == "fr, m"


def test_a_list_is_evaluated_label_by_label(people, answer):
    rows = records(answer(f"evaluate {people} people.csv --column name --by-label --json -q")[0])
    assert [row["part"] for row in rows] == [
        "label fr, f",
        "label fr, m",
        "label it, f",
        "label it, m",
        "labels known",
        "all",
    ]
    assert [row["strings"] for row in rows] == [27, 27, 27, 27, 108, 108]
    known = sum(row["nats_per_character"] * row["predictions"] for row in rows[:4]) / rows[4]["predictions"]
    assert rows[4]["nats_per_character"] == pytest.approx(known, abs=1e-5)
    assert rows[4]["nats_per_character"] < rows[5]["nats_per_character"] - 0.05


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sample people.safetensors --label es", "there is no label 'es'"),
        ("sample --label it", "has no labels, or one was chosen already"),
        ("evaluate people.safetensors people.csv --column name --by-label --label it", "--by-label goes with neither"),
        ("evaluate --by-label", "the model has no labels"),
        ("inspect people.safetensors list.txt", "is inspected under one of them"),
        ("train people.csv --column name --label langage -o a.safetensors", 'no column "langage"'),
        ("train people.csv --column name --label language --counts gender -o a.safetensors", "either counts or labels"),
        ("train people.csv --column name --label language --recipe ngram -o a.safetensors", "cannot have labels"),
        ("train names --label language -o a.safetensors", "a column (language) was named"),
        ("score people.safetensors -s a --posterior --prior it=1", "priors are of models"),
        ("score people.safetensors -s a --label it --label f --posterior", "posteriors are of several models"),
    ],
)
def test_wrong_labels_get_one_sentence(people, refused, command, message):
    assert message in refused(2, *shlex.split(command))
    assert not Path("a.safetensors").exists()
