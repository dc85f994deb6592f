"""What answers look like, for the description at /openapi.json."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LINES", "Explanations", "Health", "Info", "Models", "Problem", "Samples", "Scores", "responses"]

LINES = "application/x-ndjson"
"""The kind of an answer in lines of JSON, a record each, which comes piece by piece."""


class Problem(BaseModel):
    """What is wrong, in a sentence."""

    error: str


class Sample(BaseModel):
    """A string that was made. Under conditions, what was known of all when it was found."""

    model_config = ConfigDict(extra="forbid")

    string: str
    log_likelihood: float = Field(description="In nats.")
    share: float | None = Field(None, description="The share of the model's strings that meet the conditions.")
    share_error: float | None = Field(None, description="Its standard error.")
    clipped: float | None = Field(None, description="How far the strings' distribution is from the exact one.")
    clipped_most: float | None = Field(None, description="The upper end of its 95 % interval.")
    distance: int | None = Field(None, description="The edits to the nearest string of a list, at least.")
    distance_from: str | None = Field(None, description="Which strings that holds for.")


class Samples(BaseModel):
    """Strings that were made."""

    model_config = ConfigDict(extra="forbid")

    strings: list[Sample]


class Score(BaseModel):
    """A string and what is said of it; null where there is no number, as of minus infinity."""

    model_config = ConfigDict(extra="allow")

    string: str
    log_likelihood: float | None = Field(description="In nats; null for probability 0.")
    bits_per_character: float | None
    unknown: str = Field(description="The characters that the model does not know.")


class Scores(BaseModel):
    """Strings and their scores, in the order in which they came."""

    model_config = ConfigDict(extra="forbid")

    scores: list[Score]


class Alternative(BaseModel):
    """What could have followed."""

    character: str = Field(description="Empty for the end of the string.")
    probability: float


class Prediction(BaseModel):
    """A character of a string, or its end, and what the model expected there."""

    character: str = Field(description="Empty for the end of the string.")
    probability: float
    log_probability: float | None = Field(description="In nats.")
    bits: float | None
    rank: int | None
    alternatives: list[Alternative]


class Explanation(BaseModel):
    """What a model says of one string."""

    string: str
    log_likelihood: float | None = Field(description="In nats.")
    bits_per_character: float | None
    unknown: str | None = Field(description="The first character that the model does not know.")
    not_predicted: str = Field(description="What follows it.")
    predictions: list[Prediction]


class Explanations(BaseModel):
    """Strings and why they are likely or odd."""

    model_config = ConfigDict(extra="forbid")

    explanations: list[Explanation]


class Named(BaseModel):
    """A model of this server."""

    name: str
    kind: str
    parameters: int
    characters: str
    labels: dict[str, list[str]] = Field(description="Its labels by their kinds; empty where it has none.")


class Models(BaseModel):
    """The models of this server; a request that names none is for the first."""

    models: list[Named]


class Info(BaseModel):
    """What a model file holds."""

    parameters: int
    characters: str
    ngram_weight: float | None
    labels: dict[str, Any] | None
    recipe: dict[str, Any]
    provenance: dict[str, Any]
    gives_away: str
    remembers: dict[str, int]
    memory: dict[str, Any] | None = Field(None, description="What the model knows by heart, where that was asked for.")


class Health(BaseModel):
    """Whether the server works."""

    status: str


_PROBLEMS = {
    400: "The body is no JSON, or the Host header names another server.",
    401: "The token is missing or wrong.",
    403: "A page of another origin asks, and this server does not allow that.",
    404: "There is no model of this name, or nothing at this path.",
    408: "The request did not come whole in time.",
    413: "The body is larger than allowed.",
    415: "The body is not said to be application/json.",
    422: "Something asked for makes no sense, cannot be found, or is too much work; the sentence says which.",
    429: "Too many requests wait; Retry-After says when to ask again.",
    503: "No worker was free in time, or it ended; ask again.",
}
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def responses(*statuses: int, lines: str = "", done: str = "") -> dict[int | str, dict[str, Any]]:
    """The description of these answers; `lines` says what a line of JSON is, where an answer may come in lines, and
    `done` what the answer is where it does not."""
    found: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": _PROBLEMS[status]}
        | ({"headers": _RETRY} if status in (429, 503) else {})
        for status in statuses
    }
    if done:
        found[200] = {"description": done}
    if lines:
        found[200] = {
            "description": f"With Accept: {LINES} {lines} a line, as they are found; an error after the first "
            "lines is the last one.",
            "content": {LINES: {"schema": {"type": "string"}}},
        }
    return found
