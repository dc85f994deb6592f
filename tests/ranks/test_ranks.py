"""Two ranks over gloo learn what one process learns; and what is said where ranks cannot train."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from ranked import RECIPES, STRINGS, all_steps, alone, one_step, started

import wavemore
from wavemore.errors import CheckpointError, ConfigError, UsageError
from wavemore.estimator import StringModel
from wavemore.models.modelfile import ModelFile
from wavemore.ranks.place import Place, place_of
from wavemore.ranks.together import Ranks
from wavemore.ranks.world import World
from wavemore.settings.config import Recipe, load_recipe
from wavemore.train.forms import runs_of

MEETING = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two ranks wrote, which were started once for all of these tests."""
    folder = tmp_path_factory.mktemp("ranks")
    import ranked

    with started([ranked.__file__, str(folder)], 2) as ranks:
        for rank in ranks:
            _, said = rank.communicate(timeout=120)
            assert (rank.returncode, said) == (0, "")
    return folder


def told(folder: Path, rank: int) -> dict:
    return json.loads((folder / f"{rank}.json").read_text())


@pytest.mark.parametrize("name", RECIPES)
def test_loss_gradients_and_running_statistics_are_those_of_one_process_on_the_whole_batch(name: str, folder: Path):
    expected = one_step(alone(RECIPES[name]), RECIPES[name])
    found = np.load(folder / f"{name}.0.npz")
    assert found.files == [*expected]
    for part, array in expected.items():
        np.testing.assert_allclose(found[part], array, rtol=1e-9, atol=1e-9, err_msg=part)
        assert found[part].dtype == np.float64
    other = np.load(folder / f"{name}.1.npz")
    for part in other.files:  # rank 0 alone has the sum of the gradients
        assert part.startswith("gradient.") or np.array_equal(other[part], found[part])


@pytest.mark.parametrize("name", RECIPES)
def test_weights_are_equal_on_both_ranks_after_every_step(name: str, folder: Path):
    first, second = (told(folder, rank)[name] for rank in (0, 1))
    assert first == second
    assert len(set(first["digests"])) == RECIPES[name].train.steps  # each step moves them


@pytest.mark.parametrize("name", RECIPES)
def test_losses_are_those_of_one_process(name: str, folder: Path):
    expected = all_steps(runs_of, RECIPES[name])  # strings are shared in NumPy
    found = told(folder, 0)[name]
    for part in ("evaluations", "losses"):
        np.testing.assert_allclose(found[part], expected[part], atol=1e-4)
    assert found["evaluations"][-1] < found["evaluations"][0]


def test_in_python_all_ranks_have_the_model_and_the_first_alone_writes(folder: Path):
    first, second = (ModelFile.load(folder / f"{rank}.safetensors") for rank in (0, 1))
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert {path.name for path in folder.iterdir()} >= {"0.checkpoint", "0.jsonl"}
    assert not {path.name for path in folder.iterdir()} & {"1.checkpoint", "1.jsonl"}
    alone = StringModel(RECIPES["windowed"]).fit(STRINGS)
    np.testing.assert_allclose(
        wavemore.load(folder / "0.safetensors").score_samples(STRINGS), alone.score_samples(STRINGS), atol=1e-3
    )


def test_ranks_that_are_given_other_lists_say_so(folder: Path):
    for rank in (0, 1):
        assert told(folder, rank)["other lists"] == (
            "UsageError: the 2 ranks have not the same list or split; give all of them the same list and settings"
        )


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"WORLD_SIZE": "4"}, None),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        ({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", **MEETING}, Place(3, 4, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2", **MEETING}, Place(1, 2, 1)),
    ],
)
def test_the_environment_says_which_rank_this_is(environment: dict[str, str], found: Place | None):
    assert place_of(environment) == found


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"RANK": "2", "WORLD_SIZE": "2"},
            'the environment says RANK = "2"; it must be a whole number from 0 to 1',
        ),
        (
            {"RANK": "0", "WORLD_SIZE": "two"},
            'the environment says WORLD_SIZE = "two"; it must be a whole number of 1 or more',
        ),
        (
            {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"},
            "WORLD_SIZE = 2 names 2 ranks, and MASTER_PORT does not say where they meet; start them with torchrun, or "
            "unset WORLD_SIZE to train in this process alone",
        ),
    ],
)
def test_an_environment_that_cannot_be_is_refused(environment: dict[str, str], sentence: str):
    with pytest.raises(UsageError) as caught:
        place_of(environment)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        (
            load_recipe("gru"),
            'model.kind = "gru", and several ranks train a "wavenet" only; start this without torchrun',
        ),
        (
            Recipe().with_settings({"model.members": 3}),
            "model.members = 3, and several ranks train one network only, as a teacher too; take a recipe of one "
            "network, such as fast or lecture, or start this without torchrun",
        ),
        (
            Recipe().with_labels((2,)),
            "the list has labels, and several ranks train a network without labels only; start this without torchrun",
        ),
        (
            Recipe().with_settings({"train.device": "cuda:1"}),
            'train.device = "cuda:1" is one device, and there are 3 ranks; to give each its own, write "cuda"',
        ),
        (
            Recipe().with_settings({"train.batch": 2}),
            "a batch has 2 items, and 3 ranks need one each; raise train.batch, or start fewer ranks",
        ),
    ],
)
def test_what_ranks_do_not_train_is_refused(recipe: Recipe, sentence: str):
    with pytest.raises(ConfigError) as caught, Ranks(World(Place(0, 3, 0))).runs_of(recipe, *_parts()):
        pass
    assert str(caught.value) == sentence


def test_the_commands_of_the_page_on_ranks_are_not_refused():
    page = (Path(__file__).parents[2] / "docs/how-to/train-on-several-machines.md").read_text(encoding="utf-8")
    commands = re.findall(r"^torchrun (?:.*\\\n)*.*", page, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        (name,) = re.findall(
            r"--recipe (\S+)", command
        )  # without one, a list of some size is learned by several networks
        Ranks(World(Place(0, 3, 0))).check(load_recipe(name))


def _parts():
    from ranked import PARTS

    return PARTS


def test_shares_are_all_rows_once():
    for size in (2, 3, 7):
        for rows in (7, 8, 100):
            shares = [World(Place(rank, size, rank)).share(rows) for rank in range(size)]
            assert [row for share in shares for row in range(rows)[share]] == [*range(rows)]
            lengths = [share.stop - share.start for share in shares]
            assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(
    ("stopped", "gone_on", "how", "other"), [("cpu", "cpu:0", "without", "with"), ("cpu:0", "cpu", "with", "without")]
)
def test_a_run_in_numpy_is_not_gone_on_with_by_ranks_nor_the_other_way(stopped, gone_on, how, other):
    """Ranks learn in PyTorch, as a process does on the device "cpu:0"."""
    checkpoints = []
    for device in (stopped, gone_on):
        with runs_of(RECIPES["shared"].with_settings({"train.device": device}), *_parts()) as (run,):
            if checkpoints:
                with pytest.raises(CheckpointError) as caught:
                    run.restore(checkpoints[0])
                assert str(caught.value) == (
                    f"the stopped run was started {how} torchrun's ranks, and this one is {other} them; with "
                    f'train.form = "shared" go on as it was started, {how} torchrun, or start the run anew'
                )
            checkpoints.append(run.checkpoint({}))
