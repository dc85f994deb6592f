"""The page that a server sends is that of the model's file, under the page's own policy."""

from pathlib import Path

import pytest
from chromium import chromium
from in_process import Client
from served import serving

from wavemore.estimator import StringModel, load
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.page.one_file import page_html
from wavemore.serve.pages import Page
from wavemore.settings.config import Recipe


def test_the_pages_are_those_of_the_models(client: Client, models: dict[str, Path]):
    for path, name in (("/", "tiny"), ("/models/tiny", "tiny"), ("/models/sides", "sides")):
        page = client.get(path)
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.text == page_html(load(models[name]).file_)


def test_a_page_may_run_its_own_scripts_alone(client: Client):
    page = client.get("/")
    policy = page.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert policy[-1] == "frame-ancestors 'none'"
    (scripts,) = (rule for rule in policy if rule.startswith("script-src"))
    assert "'sha256-" in scripts
    assert "unsafe-inline" not in scripts
    assert f'content="{"; ".join(policy[:-1])}"' in page.text
    assert page.headers["x-content-type-options"] == "nosniff"


def test_a_model_that_no_page_can_run_says_so():
    recipe = Recipe.from_dict({"model": {"kind": "gru", "embedding": 4, "hidden": 8}})
    page = Page.of("<gru>", ModelFile(recipe, Vocabulary("abc"), {}))
    assert "<h1>&lt;gru&gt;</h1>" in page.html.decode()
    assert "There is no page to click in: " in page.html.decode()
    assert page.policy == "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@pytest.mark.slow
def test_a_browser_runs_it_and_gives_the_token_as_a_password(tiny_model: StringModel, tmp_path: Path):
    tiny_model.save(tmp_path / "tiny.safetensors")
    models: dict[str, str | None] = {"tiny": str(tmp_path / "tiny.safetensors")}
    with serving(models, tmp_path, token="a-token-of-sixteen", workers=2) as served, chromium() as browser:
        asking = browser.new_context(http_credentials={"username": "anybody", "password": "a-token-of-sixteen"})
        page = asking.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://127.0.0.1:{served.port}/")
        page.wait_for_selector("main li", timeout=20_000)
        browser.close()
    assert [text for text in said if "401" not in text] == []  # which it says before it asks for the password
    assert {url for url in asked if not url.startswith("blob:")} == {f"http://127.0.0.1:{served.port}/"}
