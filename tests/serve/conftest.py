"""A server in process, with the tiny model, and one that has labels."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from in_process import Client, working

from wavemore.estimator import StringModel
from wavemore.serve.guards import Access
from wavemore.serve.limits import Limits
from wavemore.serve.service import Service
from wavemore.settings.config import Recipe

LIMITS = Limits(body=50_000, characters=20_000, seconds=20.0, workers=2)


@pytest.fixture(scope="session")
def models(
    tiny_model: StringModel, tiny_recipe: Recipe, strings: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Model files by their names on the server."""
    folder = tmp_path_factory.mktemp("models")
    labelled = StringModel(tiny_recipe, settings={"train.steps": 5, "train.form": "shared"})
    labelled.fit(strings, labels={"side": ["left" if string[0] in "bd" else "right" for string in strings]})
    paths = {"tiny": folder / "tiny.safetensors", "sides": folder / "sides.safetensors"}
    tiny_model.save(paths["tiny"])
    labelled.save(paths["sides"])
    return paths


@pytest.fixture(scope="session")
def service(models: dict[str, Path]) -> Service:
    return Service({name: str(path) for name, path in models.items()}, LIMITS)


@pytest.fixture(scope="session")
def portal(service: Service) -> Iterator[BlockingPortal]:
    with working(service.crew) as portal:
        yield portal


@pytest.fixture(scope="session")
def client(service: Service, portal: BlockingPortal) -> Client:
    return Client(service, Access(), portal, "http://localhost")
