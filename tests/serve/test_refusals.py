"""What is wrong with a request is said in one sentence, with the status that fits."""

import base64

import pytest
from in_process import Client

from wavemore.errors import UsageError
from wavemore.serve.guards import Access

SAMPLE, SCORE, EXPLAIN = "/v1/sample", "/v1/score", "/v1/explain"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (SAMPLE, "{", 400, "the body is no JSON: Expecting property name enclosed in double quotes, at character 1"),
        (SAMPLE, "[" * 50_000, 400, "the body is nested too deeply; no request needs that"),
        (SAMPLE, '{"n": ' + "[" * 500 + "]" * 500 + "}", 422, "n is [[[[[["),
        (SAMPLE, '{"n": ' + "9" * 5000 + "}", 400, "the body has a number of more than 4,300 digits"),
        (SAMPLE, '{"n": ' + "9" * 4299 + "}", 422, "9999...; it must be less than or equal to 1000000000000"),
        (SAMPLE, '{"length": ' + "9" * 4299 + "}", 422, "9999...; it must be less than or equal to 1000000000000"),
        (SAMPLE, b'{"n": \xff}', 400, "the body is not in UTF-8: see its byte 6"),
        (SAMPLE, '{"n": 1, "n": 2}', 422, "'n' is in the body twice; name it once"),
        (SAMPLE, "[]", 422, "the body must be a JSON object"),
        (SAMPLE, "", 422, "the body must be a JSON object"),
        (
            SAMPLE,
            '{"starts_whit": "a"}',
            422,
            "'starts_whit' is no word of this request (did you mean \"starts_with\"?); see",
        ),
        (SAMPLE, '{"\\ud800": "a"}', 422, "'\\ud800' is no word of this request; see /openapi.json for those that are"),
        (SAMPLE, '{"n": -1}', 422, "n is -1; it must be greater than or equal to 0"),
        (SAMPLE, '{"n": 1.5}', 422, "n is 1.5; it must be a valid integer"),
        (SAMPLE, '{"n": true}', 422, "n is true; it must be a valid integer"),
        (SAMPLE, '{"starts_with": 5}', 422, "starts_with is 5; it must be a valid string or a valid list"),
        (SAMPLE, '{"starts_with": "\\ud800"}', 422, "starts_with is '\\ud800'; it must be text without halves of"),
        (SAMPLE, '{"temperature": NaN}', 422, "temperature is NaN; it must be a finite number"),
        (SAMPLE, '{"temperature": -1}', 422, "the temperature is -1"),
        (SAMPLE, '{"mode": "slow"}', 422, "mode is 'slow'; it must be 'exact', 'strict' or 'fast'"),
        (SAMPLE, '{"matches": "(a"}', 422, "(a"),
        (SAMPLE, '{"starts_with": "x"}', 422, "'x'"),
        (SAMPLE, '{"length": [5, 2]}', 422, "5"),
        (SAMPLE, '{"only": "b", "length": [2, 3], "ends_with": "a"}', 422, "no string"),
        (SAMPLE, '{"n": 5000, "starts_with": "ba", "length": 2}', 200, ""),
        (SAMPLE, '{"n": 50, "starts_with": "ba", "length": 2, "unique": true}', 422, "only 1 such strings exist"),
        (SAMPLE, '{"most_likely": true, "seed": 1}', 422, "most_likely draws nothing, so seed has no use"),
        (SAMPLE, '{"faithful": true, "top_k": 1}', 422, "faithful shapes nothing, and top_k does; leave one of them"),
        (SAMPLE, '{"strength": 2}', 422, "strength has no use without like; leave it out"),
        (SAMPLE, '{"like": ["ba"]}', 422, "give 3 or more that have in common what you want"),
        (SAMPLE, '{"label": "left"}', 422, "the model tiny has no labels"),
        (SAMPLE, '{"model": "sides", "label": "up"}', 422, "up"),
        (SAMPLE, '{"n": 100000}', 422, "this asks for work of 1,"),
        (SAMPLE, '{"n": 100, "length": 900}', 422, "it must be at most 20,000 in one request"),
        (SAMPLE, '{"model": "nobody"}', 404, "there is no model 'nobody'; there are tiny, sides"),
        (SCORE, "{}", 422, "'strings' is missing; it must be there"),
        (SCORE, '{"strings": "ba"}', 422, "strings is 'ba'; it must be a valid list"),
        (SCORE, '{"strings": ["ba", null]}', 422, "strings[1] is null; it must be a valid string"),
        (SAMPLE, '{"starts_with": ["a", 5]}', 422, "starts_with[1] is 5; it must be a valid string"),
        (SAMPLE, '{"length": [1]}', 422, "length is [1]; it must be a valid integer or a list of 2 values"),
        (SAMPLE, '{"length": [1, 2, 3]}', 422, "length is [1, 2, 3]; it must be a valid integer or a list of 2 values"),
        (SAMPLE, '{"length": [1, "x"]}', 422, "length[1] is 'x'; it must be a valid integer"),
        (SCORE, '{"strings": ["ba"], "priors": []}', 422, "priors is []; it must be a valid object"),
        (SCORE, '{"strings": ["ba", "\\udc00"]}', 422, "strings[1] is '\\udc00'; it must be text without halves of"),
        (SCORE, '{"strings": [], "against": ["nobody"]}', 404, "there is no model 'nobody'"),
        (SCORE, '{"strings": ["ba"], "posterior": true}', 422, "posteriors are of several models"),
        (SCORE, '{"strings": ["ba"], "unknown": "drop"}', 422, "unknown is 'drop'; it must be 'zero', 'floor' or"),
        (EXPLAIN, '{"strings": ["ba"], "alternatives": -1}', 422, "alternatives is -1; it must be greater than"),
    ],
)
def test_wrong_requests(client: Client, path: str, body: str | bytes, status: int, said: str):
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    if status != 200:
        assert list(answer.json()) == ["error"]
        assert said in answer.json()["error"]


@pytest.mark.parametrize("path", [SCORE, EXPLAIN])
def test_work_is_counted_in_characters(client: Client, path: str):
    answer = client.post(path, json={"strings": ["ba" * 150] * 80})
    assert answer.status_code == 422
    assert "it must be at most 20,000 in one request" in answer.json()["error"]


def test_other_methods_and_paths(client: Client):
    answer = client.request("DELETE", SAMPLE)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == {"error": "DELETE is not what this path takes; it takes POST"}
    assert client.get("/v2/sample").status_code == 404
    assert client.get("/models/nobody").json() == {"error": "there is no model 'nobody'; there are tiny, sides"}
    assert client.get("/v1/info?memory=perhaps").json()["error"].startswith("memory is 'perhaps'; it must be")
    assert client.get("/v1/info?modle=a").json()["error"].startswith("'modle' is no word of this request (did you mean")
    answer = client.post(f"{SAMPLE}?n=1", json={})
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "this path takes no words after a question mark; write them into the body",
    )
    assert client.post("/v1/score/", json={"strings": []}).status_code == 404  # not sent on to elsewhere


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_must_be_said_to_be_json(client: Client, kind: str | None):
    """Else a page elsewhere could post without the browser asking first."""
    answer = client.post(SAMPLE, content="{}", headers={} if kind is None else {"content-type": kind})
    assert answer.status_code == 415
    assert answer.json()["error"].endswith("it must be application/json")
    assert (
        client.post(SAMPLE, content="{}", headers={"content-type": "Application/JSON; charset=utf-8"}).status_code
        == 200
    )


def test_large_bodies_are_refused(client: Client):
    answer = client.post(SCORE, json={"strings": ["b" * 60_000]})
    assert answer.status_code == 413
    assert answer.json() == {"error": "the body is larger than 50,000 bytes, the most that one request may have"}
    pieces = (b'"' + b"a" * 10_000 + b'"' for _ in range(6))
    answer = client.post(SCORE, content=pieces, headers={"content-type": "application/json"})  # chunked
    assert answer.status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::2]", ""])
def test_other_hosts_are_refused(client: Client, host: str):
    answer = client.get("/healthz", headers={"host": host})
    assert answer.status_code == 400
    assert "--host-name" in answer.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000"])
def test_this_machine_is_known_by_its_names(client: Client, host: str):
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_pages_of_other_origins_are_refused(client: Client):
    for origin in ("https://evil.example", "null", "http://localhost:1"):
        answer = client.post(SAMPLE, json={}, headers={"origin": origin})
        assert answer.status_code == 403
        assert "--allow-origin" in answer.json()["error"]
        assert "access-control-allow-origin" not in answer.headers
    assert client.post(SAMPLE, json={"n": 1}, headers={"origin": "http://localhost"}).status_code == 200


@pytest.mark.parametrize("name", ["", "https://example.org", "example.org:80", "a b", "::1"])
def test_names_of_hosts_that_nobody_sends_are_refused(name: str):
    with pytest.raises(UsageError, match=r'^the host name is ".*"; it must be a name or an address alone'):
        Access(frozenset({name}))


@pytest.mark.parametrize(
    "origin", ["*", "null", "example.org", "https://example.org/", "https://Example.org", "https://*"]
)
def test_origins_that_nobody_sends_are_refused(origin: str):
    with pytest.raises(UsageError, match=r'^the origin is ".*"; it must be http:// or https:// and a name'):
        Access(origins=(origin,))
    assert Access(origins=("http://localhost:1", "https://[::1]:8", "https://a.example"))


class TestWithToken:
    """A server that others can reach. Its workers are those of the other one."""

    TOKEN = "a token of sixteen"

    @pytest.fixture
    def guarded(self, service, portal) -> Client:
        access = Access(frozenset({"names.example.org"}), ("https://page.example.org",), self.TOKEN)
        return Client(service, access, portal, "http://names.example.org")

    @pytest.mark.parametrize(
        "path", ["/", "/models/sides", "/v1/models", "/v1/info", "/openapi.json", "/metrics", "/no"]
    )
    def test_nothing_is_told_without_it(self, guarded: Client, path: str):
        basic = base64.b64encode(b"user:wrong").decode()
        for given in (None, "Bearer", "Bearer wrong", f"Digest {self.TOKEN}", f"Basic {basic}", "Basic é", "Basic !!"):
            headers = {} if given is None else {"authorization": given.encode("latin-1")}
            answer = guarded.get(path, headers=headers)
            assert answer.status_code == 401
            challenges = answer.headers.get_list("www-authenticate")  # in one header Chromium asks for no password
            assert [challenge[:6] for challenge in challenges] == ["Basic ", "Bearer"]
            assert self.TOKEN not in answer.text

    def test_both_ways_to_give_it_are_taken(self, guarded: Client):
        basic = base64.b64encode(f"user:{self.TOKEN}".encode()).decode()
        for given in (f"Bearer {self.TOKEN}", f"bearer {self.TOKEN}", f"Basic {basic}"):
            assert guarded.get("/v1/models", headers={"authorization": given}).status_code == 200

    def test_whether_it_works_is_told_without(self, guarded: Client):
        assert guarded.get("/healthz").status_code != 401

    def test_an_origin_that_is_named_may_ask(self, guarded: Client):
        origin = {"origin": "https://page.example.org"}
        asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
        preflight = guarded.request("OPTIONS", SAMPLE, headers=origin | asks)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://page.example.org"
        answer = guarded.get("/v1/models", headers=origin | {"authorization": f"Bearer {self.TOKEN}"})
        assert answer.headers["access-control-allow-origin"] == "https://page.example.org"
        assert guarded.get("/v1/models", headers={"origin": "https://other.example.org"}).status_code == 403
