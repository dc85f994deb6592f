"""The server with what takes longer: many requests made up from its own description, guess numbers, memory."""

import json
from collections.abc import Iterator

import pytest
from described import answers_conform
from in_process import Client, working

from wavemore.estimator import StringModel
from wavemore.serve.guards import Access
from wavemore.serve.limits import Limits
from wavemore.serve.service import Service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tiny_model: StringModel, tmp_path_factory: pytest.TempPathFactory) -> Service:
    path = tmp_path_factory.mktemp("served") / "tiny.safetensors"
    tiny_model.save(path)
    return Service({"tiny": str(path)}, Limits(workers=2, characters=20_000))


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[Client]:
    with working(service.crew) as portal:
        yield Client(service, Access(), portal, "http://localhost")


def test_guess_numbers_and_memory_are_those_of_the_model(client: Client, tiny_model: StringModel):
    strings = ["baba", "xyz"]
    found = client.post("/v1/score", json={"strings": strings, "guess_number": True}).json()["scores"]
    columns = tiny_model.row_scores(guess_number=True).columns(strings)
    for name in ("guess_number", "guess_number_low", "guess_number_high"):
        assert found[0][name] == pytest.approx(columns[name][0], rel=1e-5)
    memory = client.get("/v1/info", params={"memory": True}).json()["memory"]
    assert memory == json.loads(json.dumps(tiny_model.memorisation().to_dict()))


def test_answers_are_as_described(client: Client):
    assert answers_conform(client, examples=200) > 1000
