"""What a distance is kept from: strings that are given, a list in the package, or fingerprints alone."""

from dataclasses import replace
from itertools import product

import pytest
from edits import distance

from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.models.apart import Apart, list_in_package
from wavemore.models.modelfile import ModelFile

EVERY = ["".join(letters) for n in (1, 2, 3) for letters in product("abdeklo", repeat=n)]


@pytest.fixture(scope="module")
def file(tiny_model: StringModel) -> ModelFile:
    return tiny_model.file_


def test_fingerprints_alone_tell_two_edits(file: ModelFile, strings: list[str]):
    apart = Apart.of(2, file)
    assert apart.refused(EVERY).tolist() == [min(distance(s, t) for t in strings) < 2 for s in EVERY]
    assert apart.sentence == (
        "every string is at least 2 edits away from the model's own list, as its fingerprints tell"
    )
    assert Apart.of(1, file).refused(EVERY).tolist() == [s in strings for s in EVERY]


@pytest.mark.parametrize("edits", [1, 2, 3])
def test_the_list_itself_may_be_given(file: ModelFile, strings: list[str], edits: int):
    apart = Apart.of(edits, file, {*strings, "doblolko"})
    assert apart.fingerprints is None
    asked = [*EVERY, "dobloko", "blolkk", "ddbbllkk"]
    assert apart.refused(asked).tolist() == [min(distance(s, t) for t in [*strings, "doblolko"]) < edits for s in asked]
    count = len({*strings, "doblolko"})
    assert apart.source == f"the {count} strings that not_in has"


def test_strings_beside_the_list_count_too(file: ModelFile, strings: list[str]):
    apart = Apart.of(2, file, {"ololol"})
    refused = apart.refused(["olooll", "olool", *EVERY]).tolist()
    assert refused == [False, True, *(min(distance(s, t) for t in strings) < 2 for s in EVERY)]
    assert apart.source == "the model's own list, as its fingerprints tell, and from the 1 string that not_in has"


def test_a_list_in_the_package_is_known(file: ModelFile):
    packaged = StringModel.load().file_
    apart = Apart.of(3, packaged, {"xxxxxxxxxx", "emma"})
    assert apart.source == "the 17,154 strings of names and 1 more that not_in has"
    assert apart.refused(["emmmmma", "emmmma", "xxxxxxxx", "xxxxxxx"]).tolist() == [False, True, True, False]
    assert list_in_package(file) is None
    changed = {**packaged.provenance, "data": {**packaged.provenance["data"], "sha256": "0"}}
    assert list_in_package(replace(packaged, provenance=changed)) is None


@pytest.mark.parametrize(
    ("edits", "forgets", "sentence"),
    [
        (-1, False, "the distance is -1; it must be a whole number of 1 or more"),
        (4, False, "the distance is 4; it must be at most 3 edits"),
        (
            3,
            False,
            "the distance is 3, and from its list the model can keep 2 at most, since it has fingerprints of the "
            "strings alone; give the list itself as not_in, or ask for 2",
        ),
        (
            2,
            True,
            "this model does not know which strings were on its list (data.remember was false, or an older version "
            "made it), so it cannot keep a distance from them; give the list itself as not_in",
        ),
    ],
)
def test_what_cannot_be_told(file: ModelFile, edits: int, forgets: bool, sentence: str):
    with pytest.raises(UsageError) as raised:
        Apart.of(edits, replace(file, fingerprints=None) if forgets else file)
    assert str(raised.value) == sentence
    if forgets:
        assert Apart.of(edits, replace(file, fingerprints=None), {"abe"}).refused(["ab", "o"]).tolist() == [True, False]
