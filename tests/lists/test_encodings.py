"""A list that is read in the wrong encoding is told which one it seems to have."""

from pathlib import Path

import pytest
from rows import refusal, written

from wavemore.errors import CorpusError, WavemoreError
from wavemore.lists.corpus import read_corpus
from wavemore.lists.encodings import looks_like

WESTERN = ["José", "Zoë", "François", "Müller", "Søren", "Åse", "Núñez", "Gößweinstein", "Évreux"]
CENTRAL = ["Łódź", "Kraków", "Gdańsk", "Świętochłowice", "Częstochowa", "Žďár", "Plzeň", "České"]
RUSSIAN = ["Анна", "Мария", "Иван", "Сергей", "Екатерина", "Москва", "Владивосток"]
JAPANESE = ["さくら", "東京", "田中", "スズキ", "横浜"]
SAMPLES = {
    "latin-1": WESTERN,
    "cp1252": [*WESTERN, "L’Été"],
    "mac-roman": WESTERN,
    "cp850": WESTERN,
    "cp1250": [*CENTRAL, "Győr", "Kőszeg"],
    "iso8859-2": CENTRAL,
    "cp1254": ["İstanbul", "Eskişehir", "Çağlar", "Gökçe", "Şırnak"],
    "cp1251": RUSSIAN,
    "koi8-r": RUSSIAN,
    "cp866": RUSSIAN,
    "iso8859-5": RUSSIAN,
    "cp1253": ["Αθήνα", "Θεσσαλονίκη", "Πάτρα", "Γιώργος", "Μαρία"],
    "cp1255": ["תל אביב", "ירושלים", "חיפה"],
    "cp1256": ["محمد", "فاطمة", "القاهرة"],
    "shift_jis": JAPANESE,
    "euc_jp": JAPANESE,
    "gb18030": ["小明", "北京", "上海", "王伟", "李娜"],
    "big5": ["台北", "高雄", "王小明", "陳美麗"],
    "euc_kr": ["서울", "부산", "김민준", "이서연"],
    "utf-8": ["José", "東京", "Анна"],
}


@pytest.mark.parametrize("encoding", SAMPLES)
def test_the_encoding_of_a_few_names_is_told(encoding: str):
    said = looks_like([name.encode(encoding) for name in SAMPLES[encoding]])
    assert said.startswith("it looks like ")
    named = said.split()[-1]
    assert [name.encode(encoding).decode(named) for name in SAMPLES[encoding]] == SAMPLES[encoding]


def test_nothing_is_told_of_bytes_that_are_no_text():
    assert looks_like([]) == ""
    assert looks_like([bytes(range(128, 256))]) == ""


def test_a_list_of_which_most_is_unreadable_is_refused_with_the_option(tmp_path: Path):
    path = written(tmp_path / "list.txt", "\n".join(WESTERN).encode("latin-1"))
    assert refusal_of_corpus(path) == (
        f"9 rows of {path} cannot be read (the first is line 1); it looks like Latin-1: --encoding latin-1"
    )
    path = written(tmp_path / "image", bytes([0x89, 0xFF, 0xD8, 0x0A]) * 10)
    assert refusal_of_corpus(path).endswith("(the first is line 1); name the encoding and format it has")


def refusal_of_corpus(path: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        read_corpus(path)
    return str(caught.value)


def test_a_list_of_which_little_is_unreadable_is_read_and_the_option_said(tmp_path: Path):
    path = written(tmp_path / "list.txt", "\n".join(["anna"] * 10 + ["José", "Zoë"]).encode("latin-1"))
    found = read_corpus(path)
    assert (len(found.strings), found.notes) == (10, ("it looks like Latin-1: --encoding latin-1",))
    assert read_corpus(path, encoding="latin-1").notes == ()


@pytest.mark.parametrize(
    "encoding",
    ["utf-9", "hex", "rot13", "", "\0", "é", "x" * 5000, "base64", "undefined", "zip", "idna"],
)
def test_an_encoding_that_is_unknown_or_not_of_text_is_one_sentence(tmp_path: Path, encoding: str):
    message = refusal(WavemoreError, written(tmp_path / "list.txt", "anna\n"), encoding=encoding)
    assert message.startswith('unknown encoding "')
    assert message.endswith("; name one that Python knows, such as utf-8 or cp1252")
    assert len(message) < 200


def test_every_encoding_of_python_reads_or_refuses_in_one_sentence(tmp_path: Path):
    from encodings.aliases import aliases

    path = written(tmp_path / "list.txt", b"anna\nbob\xff\xfe\x81\n+-~{\n")
    for encoding in [*sorted(set(aliases.values())), "idna", "punycode", "unicode_escape", "raw_unicode_escape"]:
        try:
            read_corpus(path, encoding=encoding)
        except WavemoreError as error:
            assert "\n" not in str(error)  # noqa: PT017 - any error of the family will do


@pytest.mark.parametrize("string", ["さくら", "王小明", "Ωμέγα", "дорога", "forêt, été"])
def test_rows_of_utf_8_that_are_cut_are_not_taken_for_another_encoding(string: str):
    raw = string.encode()
    assert (
        looks_like([raw[:-1], raw[:-1] + b"\r\n"])
        == "it looks like UTF-8 that is cut within a character; mend these rows"
    )
    assert "cut" not in looks_like([raw[:-1], "zoé".encode("latin-1")])
    assert "cut" not in looks_like([raw])


def test_one_letter_beyond_ascii_at_the_end_is_of_another_encoding():
    assert looks_like(["zoé".encode("latin-1")]) == "it looks like Latin-1: --encoding latin-1"
