"""The tables in the package, as commands read them by their names."""

from pathlib import Path

from command_line import records

from wavemore.lists.corpus import read_corpus
from wavemore.lists.embedded import embedded, embedded_lists
from wavemore.models.modelfile import ModelFile


def test_the_commands_read_the_names_of_a_table_in_the_package(answer):
    answer("train places --recipe ngram -o places.safetensors -q")
    places = read_corpus("places")
    data = ModelFile.load("places.safetensors").provenance["data"]
    assert (data["name"], data["sha256"]) == ("places", places.fingerprint)

    table = answer("score places.safetensors places -q")[0].split("\n")
    assert table[0] == "name,country,log_likelihood,bits_per_character,unknown"
    assert [line.rsplit(",", 3)[0] for line in table[1:-1]] == lines_of("places")

    evaluated = answer("evaluate places.safetensors -q --json")[0]  # by the name that the model has kept
    assert records(evaluated)[-1]["strings"] == len(places.strings)


def test_odd_reads_the_names_of_a_table_in_the_package_and_groups_them_by_a_label(answer):
    head, *rows = answer("odd surnames -n 5 -q --group language")[0].split("\n")[:-1]
    assert head == "name,language,oddness,one_in,reasons"
    assert len(rows) == 5
    assert {",".join(row.split(",")[:2]) for row in rows} <= set(lines_of("surnames"))


def test_a_file_of_that_name_goes_before_a_table_in_the_package(answer):
    Path("people").write_text("anna,b\nemma,c\n")
    assert [row["string"] for row in records(answer("score people --format text --json -q")[0])] == ["anna,b", "emma,c"]


def test_the_help_of_train_names_every_list_in_the_package(answer):
    told = " ".join(answer("train --help")[0].split())
    assert f"in the package: {', '.join(embedded_lists())}." in told


def lines_of(name: str) -> list[str]:
    """The rows of a table in the package as they stand, without its header."""
    return embedded(name).path.read_text(encoding="utf-8").split("\n")[1:-1]
