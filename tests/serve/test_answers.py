"""What the server answers is what Python's users get."""

import json

import pytest
from in_process import Client

from wavemore.estimator import StringModel, load
from wavemore.models.contents import contents


def asked(client: Client, do: str, **ask: object) -> list[dict[str, object]]:
    answer = client.post(f"/v1/{do}", json=ask)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    (records,) = answer.json().values()
    return records


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"starts_with": "b"},
        {"starts_with": ["b"], "ends_with": "a", "length": [3, None]},
        {"contains": ["ka", "bo"], "mode": "strict"},
        {"matches": "(ba|do).*", "never": "l", "unique": True},
        {"length": 4, "only": "bdaeo", "banned": "ba"},
        {"not_in": ["baba"], "new": True},
        {"temperature": 0.5, "top_k": 3, "top_p": 0.9},
        {"like": ["baba", "bada", "dada"], "strength": 2.0},
    ],
)
def test_samples_are_those_of_the_model(client: Client, tiny_model: StringModel, wish: dict[str, object]):
    faithful = "temperature" in wish
    expected = tiny_model.sample(7, seed=3, plausible=not faithful, **wish)  # type: ignore[arg-type]
    found = asked(client, "sample", n=7, seed=3, **wish)
    assert [record["string"] for record in found] == expected


def test_faithful_samples_are_those_of_the_distribution(client: Client, tiny_model: StringModel):
    found = asked(client, "sample", n=200, seed=3, faithful=True)
    assert [record["string"] for record in found] == tiny_model.sample(200, seed=3)
    scores = tiny_model.score_samples([str(record["string"]) for record in found])
    assert [record["log_likelihood"] for record in found] == pytest.approx(scores, abs=1e-6)


def test_records_of_a_condition_have_its_share(client: Client):
    found = asked(client, "sample", n=3, seed=1, ends_with="a")
    assert set(found[0]) == {"string", "log_likelihood", "share", "share_error", "clipped", "clipped_most"}
    assert 0 < float(str(found[0]["share"])) < 1
    assert set(asked(client, "sample", n=3, seed=1)[0]) == {"string", "log_likelihood"}


def test_the_likeliest_strings_are_those_of_the_model(client: Client, tiny_model: StringModel):
    found = asked(client, "sample", n=9, most_likely=True, starts_with="d")
    assert [(r["string"], r["log_likelihood"]) for r in found] == tiny_model.most_likely(9, starts_with="d")


def test_labels_are_those_of_the_model(client: Client, models):
    model = load(models["sides"])
    found = asked(client, "sample", model="sides", n=5, seed=2, label="left", faithful=True)
    assert [record["string"] for record in found] == model.sample(5, seed=2, label="left")
    scores = asked(client, "score", model="sides", strings=["ba", "le"], posterior=True)
    chances = model.predict_proba(["ba", "le"])
    assert [[record[f"posterior_{name}"] for name in model.classes_] for record in scores] == [
        pytest.approx(row, abs=1e-5) for row in chances
    ]
    listed = client.get("/v1/models").json()["models"]
    assert [(each["name"], each["labels"]) for each in listed] == [("tiny", {}), ("sides", {"side": ["left", "right"]})]


def test_scores_are_those_of_the_model(client: Client, tiny_model: StringModel):
    strings = ["baba", "", "xyz", "dokelo"]
    found = asked(client, "score", strings=strings, percentile=True, unknown="floor")
    columns = tiny_model.row_scores(percentile=True, unknown="floor").columns(strings)
    assert [list(record) for record in found] == [["string", *columns]] * 4
    for name in columns:
        assert [record[name] for record in found] == (
            columns[name] if name == "unknown" else pytest.approx(columns[name], rel=1e-5)  # type: ignore[arg-type]
        )
    assert asked(client, "score", strings=["xyz"])[0] == {
        "string": "xyz",
        "log_likelihood": None,
        "bits_per_character": None,
        "unknown": "xyz",
    }


def test_models_are_compared(client: Client):
    found = asked(client, "score", strings=["ba"], against=["sides"], posterior=True, priors={"tiny": 3, "sides": 1})
    assert set(found[0]) >= {"log_likelihood_sides", "log_ratio", "posterior_tiny", "posterior_sides", "best"}


def test_explanations_are_those_of_the_model(client: Client, tiny_model: StringModel):
    found = asked(client, "explain", strings=["ba", "x"], alternatives=2)
    assert found == [each.to_dict() for each in tiny_model.explain(["ba", "x"], alternatives=2)]


def test_info_is_what_the_file_holds(client: Client, tiny_model: StringModel):
    assert client.get("/v1/info").json() == json.loads(json.dumps(contents(tiny_model.file_)))


@pytest.mark.parametrize("do", ["sample", "score", "explain"])
def test_lines_have_the_same_records(client: Client, do: str):
    ask = {"n": 30, "seed": 1} if do == "sample" else {"strings": ["ba", "dé", "x\ny\u2028z"]}
    answer = client.post(f"/v1/{do}", json=ask, headers={"accept": "application/x-ndjson"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.endswith("\n")
    assert [json.loads(line) for line in answer.text[:-1].split("\n")] == asked(client, do, **ask)


def test_no_strings_are_no_records(client: Client):
    assert asked(client, "sample", n=0) == []
    assert asked(client, "score", strings=[]) == []
    assert asked(client, "explain", strings=[]) == []


def test_explanations_of_many_strings_come_in_order(client: Client):
    strings = ["ba", "do", "le"] * 100
    assert [record["string"] for record in asked(client, "explain", strings=strings, alternatives=0)] == strings


def test_a_head_is_answered_as_a_get(client: Client):
    for path, status in (("/", 200), ("/healthz", 200), ("/v1/sample", 405), ("/nothing", 404)):
        assert client.request("HEAD", path).status_code == status


def test_figures_count_requests(client: Client, service):
    def counted(path: str, status: str) -> float:
        labels = {"method": "GET", "path": path, "status": status}
        return service.metrics._registry.get_sample_value("wavemore_requests_total", labels) or 0.0

    before, others = counted("/healthz", "200"), counted("other", "404")
    assert client.get("/healthz").json() == {"status": "ok"}
    client.get("/nothing/here")
    assert counted("/healthz", "200") == before + 1
    assert counted("other", "404") == others + 1
    text = client.get("/metrics").text
    assert "wavemore_request_seconds_bucket" in text
    assert "/nothing/here" not in text
