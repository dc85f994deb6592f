"""Requests made up from a server's own description, sound and unsound ones, and whether answers are as it says."""

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from in_process import Client
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]

_ANY = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example]


def answers_conform(client: Client, *, examples: int) -> int:
    """Ask all operations with so many requests of each kind. How many were asked."""
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # pyright: ignore[reportAttributeAccessIssue]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.NEGATIVE and operation.path not in _WITH_INPUT:
                continue

            @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=_ANY)
            @given(case=operation.as_strategy(generation_mode=mode))
            def conforms(case: schemathesis.Case) -> None:
                nonlocal asked
                request = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
                headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
                answer = client.request(str(request.method), str(request.url), content=request.body, headers=headers)
                case.validate_response(answer, checks=CHECKS)
                asked += 1

            conforms()
    return asked


_WITH_INPUT = {"/v1/sample", "/v1/score", "/v1/explain", "/v1/info"}
