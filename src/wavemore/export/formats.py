"""The forms that a model can be exported in, and which of them a file's name asks for."""

from pathlib import Path
from typing import Literal, cast, get_args

from wavemore.errors import UsageError
from wavemore.lists.compression import without_ending
from wavemore.models.modelfile import ModelFile

__all__ = ["FORMATS", "Format", "exported", "format_for", "opening"]

Format = Literal["html", "onnx"]
FORMATS: tuple[Format, ...] = get_args(Format)

_ENDINGS = {".html": "html", ".htm": "html", ".onnx": "onnx"}
_OPENING = {
    "html": "open it in a browser; it needs no internet",
    "onnx": "any runtime of ONNX runs it: ids in, log_likelihood and logits out",
}


def format_for(name: str | Path, format: str | None = None) -> Format:
    """The form that is asked for, or else the one that the ending of a file's name tells. Raises `UsageError` for
    another form, and for an ending that tells none or another one. An ending such as .gz stands behind the other."""
    if format is not None and format not in FORMATS:
        raise UsageError(f'the format is "{format}"; it must be {" or ".join(FORMATS)}')
    ending = Path(without_ending(str(name))).suffix
    told = _ENDINGS.get(ending.lower())
    if format is None and told is None:
        raise UsageError(
            f"{name} does not say by its ending what to write; call it .html or .onnx, or name a format (--format html)"
        )
    if format is not None and told not in (None, format):
        raise UsageError(f"{name} would hold {format}, and {ending} is for {told}; give it another ending")
    return cast(Format, format or told)


def exported(file: ModelFile, format: Format) -> bytes:
    """A model file in this form: a page of HTML in UTF-8, or an ONNX file. Raises `UsageError` for a baseline that
    PyTorch runs, `ModelFileError` for unsound counts, and for ONNX `MissingExtraError` without onnx."""
    if format == "html":
        from wavemore.page.one_file import page_html

        return page_html(file).encode("utf-8")
    from wavemore.export.onnx_file import onnx_bytes

    return onnx_bytes(file)


def opening(format: Format) -> str:
    """How such a file is opened, in words."""
    return _OPENING[format]
