"""The description at /openapi.json tells what the server does."""

import httpx
import pytest
from described import answers_conform
from in_process import Client
from schemathesis.core.failures import FailureGroup

PATHS = {"/v1/models", "/v1/info", "/v1/sample", "/v1/score", "/v1/explain", "/healthz", "/metrics"}


def test_answers_are_as_described(client: Client):
    assert answers_conform(client, examples=2) > 15


def test_every_answer_is_described(client: Client):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == PATHS
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            for status, answer in operation["responses"].items():
                assert answer["description"] not in ("", "Successful Response", "Validation Error"), (path, status)
    asked = described["paths"]["/v1/sample"]["post"]["responses"]
    assert set(asked) == {"200", "400", "401", "403", "404", "408", "413", "415", "422", "429", "503"}
    assert set(asked["200"]["content"]) == {"application/json", "application/x-ndjson"}


def test_every_word_is_described_and_none_that_the_command_has_is_missing(client: Client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name in ("SampleAsk", "ScoreAsk", "ExplainAsk"):
        for word, told in schemas[name]["properties"].items():
            assert told.get("description"), (name, word)
    from wavemore.sampling.wish import WishFields

    assert set(WishFields.__annotations__) - {"where"} <= set(schemas["SampleAsk"]["properties"])


def test_a_wrong_answer_would_be_found(client: Client, monkeypatch: pytest.MonkeyPatch):
    real = client.request

    def wrong(method: str, path: str, **options: object) -> httpx.Response:
        answer = real(method, path, **options)
        if "/v1/models" in path:
            answer.status_code = 418
        return answer

    monkeypatch.setattr(client, "request", wrong)
    with pytest.raises(FailureGroup, match="1 distinct failure"):
        answers_conform(client, examples=1)
