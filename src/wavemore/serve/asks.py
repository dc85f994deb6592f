"""What requests may ask for, with the words of the command line and of Python; and a sentence for what is wrong.

An unknown word is refused, so that a misspelt condition is not silently left out.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from wavemore.settings.strict import suggestion

__all__ = ["Ask", "ExplainAsk", "InfoAsk", "SampleAsk", "ScoreAsk", "UnreadableError", "read", "sentence"]

_SHOWN = 60  # characters of a wrong value
_MOST = 10**12


class UnreadableError(ValueError):
    """A body that cannot be read, with the status and the sentence for it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("text without halves of surrogate pairs") from None
    return text


Text = Annotated[StrictStr, AfterValidator(_whole)]
Texts = Annotated[Text | list[Text], Field(description="A text, or several that all hold.")]
Several = Annotated[Text | list[Text], Field(description="A text or several.")]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Least = Annotated[StrictInt, Field(ge=0, le=_MOST)]


class _Words(BaseModel):
    """Words that a request may have, and no others."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, told: Any) -> Any:
        for name in told if isinstance(told, dict) else ():
            if name not in cls.model_fields:
                near = suggestion(name[:_SHOWN], cls.model_fields)
                raise ValueError(
                    f"{_shown(name)} is no word of this request{near}; see /openapi.json for those that are"
                )
        return told


class InfoAsk(_Words):
    """Of which model, and whether to draw samples."""

    model: str | None = Field(None, description="The name of a model of this server; without it, the first one.")
    memory: bool = Field(False, description="Draw samples to tell whether the model knows its list by heart.")


class Ask(_Words):
    """What all requests with a body may say."""

    model: Text | None = Field(None, description="The name of a model of this server; without it, the first one.")
    label: Text | list[Text] | None = Field(
        None, description='Strings with this label of the model: "it", "language=it", or of several kinds a list.'
    )


class SampleAsk(Ask):
    """How many strings, and what they must be like."""

    n: Least = Field(20, description="How many strings.")
    starts_with: Texts = []
    ends_with: Texts = []
    contains: Texts = []
    matches: Texts = Field([], description="A regular expression for the whole string, or several that all hold.")
    length: Least | Annotated[list[Least | None], Field(min_length=2, max_length=2)] | None = Field(
        None, description="In characters: a number, or [least, most], where null is no limit."
    )
    only: Text = Field("", description="The only characters that a string may have.")
    never: Text = Field("", description="Characters that no string has.")
    banned: Several = Field([], description="Words that stand nowhere in a string.")
    not_in: list[Text] = Field([], description="Strings that are refused.")
    new: StrictBool = Field(False, description="Whether strings of the list that the model was trained on are refused.")
    distance: Least = Field(0, description="The fewest edits from a string to one of that list or of not_in: 2 or 3.")
    like: list[Text] = Field([], description="Lean towards these strings: three or more favourites.")
    strength: Number = Field(1.0, description="How far: 0 not at all, 1 as is usual, 10 at most.")
    fold_case: StrictBool = Field(
        False, description="A character that the model does not know stands for its other case, if it knows that."
    )
    unique: StrictBool = Field(False, description="No string twice.")
    most_likely: StrictBool = Field(
        False, description="The likeliest strings in exact order, with their log-likelihoods, instead of samples."
    )
    mode: Literal["exact", "strict", "fast"] = Field("exact", description="How conditions are met.")
    faithful: StrictBool = Field(
        False, description="The model's own distribution, with what looks wrong; without, plausible strings alone."
    )
    temperature: Number | None = Field(None, description="Below 1 likelier strings, above 1 stranger ones.")
    top_k: StrictInt | None = Field(None, description="Only this number of characters at each step, the likeliest.")
    top_p: Number | None = Field(
        None, description="Only the likeliest characters that have this probability together, above 0 and at most 1."
    )
    seed: Annotated[StrictInt, Field(ge=0)] | None = Field(
        None, description="A whole number, for the same strings again."
    )

    @model_validator(mode="after")
    def _sensible(self) -> "SampleAsk":
        shaped = [name for name in ("temperature", "top_k", "top_p") if getattr(self, name) is not None]
        drawing = [*(name for name in ("faithful", "unique") if getattr(self, name)), *shaped]
        drawing += [*(["seed"] if self.seed is not None else []), *(["mode"] if self.mode != "exact" else [])]
        if self.most_likely and drawing:
            raise ValueError(f"most_likely draws nothing, so {drawing[0]} has no use; leave one of them out")
        if self.faithful and shaped:
            raise ValueError(f"faithful shapes nothing, and {shaped[0]} does; leave one of them out")
        if self.strength != 1 and not self.like:
            raise ValueError("strength has no use without like; leave it out")
        return self

    @property
    def texts(self) -> list[str]:
        """All texts of the conditions."""
        several = (self.starts_with, self.ends_with, self.contains, self.matches, self.banned)
        found = [text for texts in several for text in ([texts] if isinstance(texts, str) else texts)]
        return [*found, self.only, self.never]

    @property
    def quick(self) -> bool:
        """Whether strings come as the model makes them, so that they take no longer than their characters."""
        bound = (
            self.ends_with,
            self.contains,
            self.matches,
            self.banned,
            self.only,
            self.never,
            self.like,
            self.not_in,
        )
        rare = self.length is not None or self.distance or self.most_likely or self.unique or self.new
        return not any(bound) and not rare


class ScoreAsk(Ask):
    """The strings to score, and what else to say of them."""

    strings: list[Text] = Field(description="The strings to score.")
    percentile: StrictBool = Field(False, description="Add the share of held-out strings that are less likely.")
    guess_number: StrictBool = Field(
        False, description="Add how many strings are likelier, and the 95 % interval of that."
    )
    against: list[Text] = Field([], description="Names of models of this server to compare with.")
    posterior: StrictBool = Field(False, description="Add how probable each label is, or each model of against.")
    priors: dict[str, Number] | None = Field(
        None, description="With posterior and against: how probable each model is before."
    )
    unknown: Literal["zero", "floor", "ignore"] | None = Field(
        None,
        description='What becomes of strings with unknown characters; without it "zero", or with posterior "floor".',
    )
    fold_case: StrictBool = Field(
        False, description="A character that the model does not know stands for its other case, if it knows that."
    )


class ExplainAsk(Ask):
    """The strings to explain."""

    strings: list[Text] = Field(description="The strings to explain.")
    alternatives: Least = Field(5, description="How many alternatives to name at each place.")


def read(body: bytes) -> Any:
    """What a body of JSON says. Raises `UnreadableError` for one that is no JSON, or that names a word twice."""
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise UnreadableError(400, f"the body is no JSON: {error.msg}, at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise UnreadableError(400, f"the body is not in UTF-8: see its byte {error.start}") from None
    except RecursionError:
        raise UnreadableError(400, "the body is nested too deeply; no request needs that") from None
    except UnreadableError:
        raise
    except ValueError:
        most = sys.get_int_max_str_digits()
        raise UnreadableError(400, f"the body has a number of more than {most:,} digits") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UnreadableError(422, f"{_shown(name)} is in the body twice; name it once")
        found[name] = value
    return found


def sentence(errors: Sequence[Mapping[str, Any]]) -> str:
    """What a request has wrong: of the first field with an error, all of it."""
    name = _where(errors[0])[0]
    if name is None:
        if errors[0]["type"] == "value_error":
            return str(errors[0]["ctx"]["error"])
        return "the body must be a JSON object"
    same = [error for error in errors if _where(error)[0] == name]
    first = next((error for error in same if len(_where(error)) > 1), same[0])  # of a list the value that is wrong
    same = [error for error in same if _where(error) == _where(first)]
    shown = str(name) + "".join(f"[{number}]" for number in _where(first)[1:])
    if first["type"] == "missing":
        return f"{_shown(name)} is missing; it must be there"
    must = dict.fromkeys(map(_must, same))
    return f"{shown} is {_shown(first['input'])}; it must be {' or '.join(must)}"


def _where(error: Mapping[str, Any]) -> list[str | int | None]:
    """The field of an error, None where it is of the whole; and the places in its list, where it is of one value."""
    name, *rest = [part for part in error["loc"] if part not in ("body", "query")] or [None]
    return [name, *(part for part in rest if isinstance(part, int))]


def _must(error: Mapping[str, Any]) -> str:
    """What a value must be."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] in ("too_short", "too_long"):
        return f"a list of {error['ctx'].get('min_length') or error['ctx'].get('max_length')} values"
    said = error["msg"].removeprefix("Input should be ").removeprefix("Input should ")
    return said.replace("dictionary", "object")


def _shown(value: object) -> str:
    """A value of the request, short and in ASCII, whatever it holds: texts in quotes, the rest as JSON has it."""
    try:
        text = ascii(value) if isinstance(value, str) else json.dumps(value)
    except RecursionError:
        text = "nested too deeply"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
