"""Encodings: their names, and which one lines have that another one cannot read: a guess that names the option.

Each candidate is tried, and its text judged letter by letter: a letter that an encoding other than ASCII adds stands
among letters of its own script, is no capital within a word, and in Latin script stands among plain letters.
"""

import codecs
import io
import unicodedata
from collections.abc import Sequence
from functools import cache

from wavemore.errors import UsageError

__all__ = ["codec_of", "looks_like"]

_CANDIDATES = {
    "utf-8": "UTF-8",
    "latin-1": "Latin-1",
    "cp1252": "Windows-1252",
    "shift_jis": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "euc_kr": "EUC-KR",
    "big5": "Big5",
    "gb18030": "GB 18030",
    "cp1250": "Windows-1250",
    "iso8859-2": "ISO 8859-2",
    "cp1254": "Windows-1254",
    "cp1251": "Windows-1251",
    "koi8-r": "KOI8-R",
    "cp866": "DOS 866",
    "iso8859-5": "ISO 8859-5",
    "cp1253": "Windows-1253",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "mac-roman": "Mac OS Roman",
    "cp850": "DOS 850",
}
"""From the commonest: the first of several that fit alike is named."""

_CASED = {"LATIN", "CYRILLIC", "GREEK"}
_JAPANESE = {"HIRAGANA", "KATAKANA"}
_EAST_ASIAN = {"CJK", *_JAPANESE}
_COMMON = "оеаинтсрвлαοιετσνηρςיוהלאמרתבש"
"""Where letters alone do not decide, the commonest ones of their language do."""
_MARKS = "’‘“”–—·ー々"
_LEAST = 0.6


def codec_of(encoding: str) -> str:
    """Python's own name of a text encoding. Raises `UsageError`."""
    try:
        codec = codecs.lookup(encoding).name
        io.TextIOWrapper(io.BytesIO(), codec)  # refuses codecs that are not of text, such as hex
        "\na,\ufeff".encode(codec, "ignore")  # and those that have no way to leave characters out, such as idna
    except (LookupError, ValueError) as error:
        raise UsageError(
            f'unknown encoding "{encoding[:40]}"; name one that Python knows, such as utf-8 or cp1252'
        ) from error
    return codec


def looks_like(raws: Sequence[bytes]) -> str:
    """In words and with the option, as "it looks like Latin-1: --encoding latin-1"; "" where none fits."""
    if _is_cut(raws):
        return "it looks like UTF-8 that is cut within a character; mend these rows"
    data = b"\n".join(raws)
    best, name = _LEAST, ""
    for candidate in _CANDIDATES:
        try:
            fit = _fit(data.decode(candidate), candidate)
        except UnicodeDecodeError:
            continue
        if fit > best + 1e-9:
            best, name = fit, candidate
    return f"it looks like {_CANDIDATES[name]}: --encoding {name}" if name else ""


def _is_cut(raws: Sequence[bytes]) -> bool:
    """Whether the rows are UTF-8 whose last character is not whole, with whole ones beyond ASCII before it."""
    for raw in raws:
        reader = codecs.getincrementaldecoder("utf-8")()
        try:
            text = reader.decode(raw.rstrip(b"\r\n"))
        except UnicodeDecodeError:
            return False
        if text.isascii() or not reader.getstate()[0] or _fit(text, "utf-8") < _LEAST:
            return False
    return bool(raws)


def _fit(text: str, codec: str) -> float:
    """How well the text's letters beyond ASCII fit, up to 1."""
    fits = [_letter(text, place, codec) for place, character in enumerate(text) if not character.isascii()]
    return sum(fits) / len(fits) if fits else 0.0


def _letter(text: str, place: int, codec: str) -> float:
    character = text[place]
    if not character.isalpha():
        return 0.5 if character in _MARKS else -1.0
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    script, around = _script(character), [c for c in (before, after) if c.isalpha()]
    fit = 1.0 + 0.1 * (character.lower() in _COMMON)
    for neighbour in around:
        if _script(neighbour) != script and not {script, _script(neighbour)} <= _EAST_ASIAN:
            fit -= 0.7
    if before.isalpha() and before.islower() and character.isupper():
        fit -= 1.0
    if script == "LATIN":
        fit -= 0.5 * sum(not c.isascii() for c in around) + 0.2 * (character in "ðýþÐÝÞ")
    if script in _JAPANESE and codec not in ("shift_jis", "euc_jp", "utf-8"):
        fit -= 0.6
    if script == "CJK":
        fit -= 0.1 + 0.1 * sum(not _has(character, other) for other in ("shift_jis", "gb2312", "big5"))
    return fit


@cache
def _script(character: str) -> str:
    return unicodedata.name(character, "?").split()[0]


def _has(character: str, codec: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True
