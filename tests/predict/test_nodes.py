"""The cache of nodes against nodes that are computed anew."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from models_at_random import ABC, KINDS, network

from wavemore.predict import steps as module
from wavemore.predict.network import Child, Network
from wavemore.predict.nodes import NodeCache, Nodes, State


def cached(cache: NodeCache, codes: list[int], most: int = 100) -> tuple[np.ndarray, list[int]]:
    """Find chunks, each of whose nodes is its code. Returns what their rows say, and the codes that were missing."""
    these, missing = np.array(codes, dtype=np.int64), []

    def fill(some: tuple[Nodes, ...], places: np.ndarray) -> None:
        some[0].products[0][:] = these[places, None]
        missing.extend(these[places].tolist())

    rows, (nodes,) = cache.find(these, most, fill)
    return nodes.products[0][rows, 0], missing


def room(n: int) -> tuple[Nodes, ...]:
    return (Nodes([np.empty((n, 2), np.float32)], None, None),)


@pytest.mark.parametrize("most", [1, 3, 4, 100])
def test_a_row_says_its_own_chunk_and_only_what_is_missing_is_asked_for(most):
    cache, draw = NodeCache(50, room), np.random.default_rng(most)
    for _ in range(40):
        codes = draw.integers(0, 50, draw.integers(0, 9)).tolist()
        found, new = cached(cache, codes, most)
        assert found.tolist() == codes
        assert len(set(new)) == len(new)
        if most == 100:
            assert cached(cache, codes, most)[1] == []


def test_a_cache_without_room_begins_anew_and_leaves_the_arrays_of_before_alone():
    cache = NodeCache(50, room)
    assert cached(cache, [7, 8, 7], most=3)[1] == [7, 8]
    (before,) = cache.find(np.array([7, 8]), 3, lambda some, places: None)[1]
    assert cached(cache, [8, 9, 10], most=3)[1] == [8, 9, 10]
    assert before.products[0][:2, 0].tolist() == [7, 8]
    assert cached(cache, [7, 8], most=3)[1] == [7, 8]
    assert cached(cache, list(range(20)), most=3)[1] == list(range(20))  # these alone are more than it may hold


def test_nodes_that_could_not_be_computed_are_computed_when_they_are_asked_for_again():
    cache = NodeCache(50, room)

    def fail(some: tuple[Nodes, ...], places: np.ndarray) -> None:
        raise MemoryError

    for most in (3, 1):
        with pytest.raises(MemoryError):
            cache.find(np.array([7, 8]), most, fail)
        assert cached(cache, [8, 7, 9], most=3)[0].tolist() == [8, 7, 9]


def test_states_of_one_start_may_be_stepped_from_in_many_threads():
    model = network(0, ABC, groups=(2, 2, 2), hidden=24)
    start = model.start(1)

    def walked(seed: int, first: State) -> list[np.ndarray]:
        draw, state, found = np.random.default_rng(seed), first.rearranged(np.zeros(400, dtype=np.int64)), []
        for _ in range(10):
            state = model.step(state, np.arange(400), draw.integers(1, 4, 400))
            found.append(state.logits[state.context_of])
        return found

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: walked(seed, start), range(12)))
    for seed, found in enumerate(together):
        assert all(map(np.array_equal, found, walked(seed, model.start(1))))


def walk(kind: str, strings: int, branches: int) -> list[np.ndarray]:
    """Logits of strings in the making: of random walks from one start, one after the other."""
    model, found = KINDS[kind](), []
    start = model.start(1)
    for branch in range(branches):
        draw, state = np.random.default_rng(branch), start.rearranged(np.zeros(strings, dtype=np.int64))
        for _ in range(12):
            state = model.step(state, np.arange(strings), draw.integers(1, 4, strings))
            found.append(state.logits[state.context_of])
    return found


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith(("network", "ensemble", "mixture"))])
@pytest.mark.parametrize(
    "limits",
    [
        {"_FEW": 1000},  # no caches for so few strings
        {"_CACHED_NODES": 3},  # caches that begin anew at every step
        {"_CACHED_CHUNKS": 0, "_CACHED_CHUNKS_OF_MANY": 0},  # no caches
        {"_CACHED_CHUNKS": 0, "_CACHED_CHUNKS_OF_MANY": 0, "_CODES": 3},  # chunks numbered by their children
        {"_CACHED_CHUNKS": 0, "_MANY": 250},  # caches for many strings alone, of nodes without their products
    ],
)
def test_what_is_said_is_the_same_to_the_bit_with_any_cache_and_without(kind, limits, monkeypatch):
    usual = walk(kind, 300, 3)
    for name, limit in limits.items():
        monkeypatch.setattr(module, name, limit)
    assert all(map(np.array_equal, usual, walk(kind, 300, 3)))


def test_a_chunk_that_comes_again_is_not_computed_again(monkeypatch):
    computed = {0: 0, 1: 0, 2: 0}
    fill = Network.fill

    def counting(self: Network, i: int, room: Nodes, children: Sequence[tuple[Nodes, Child]], labels: None) -> Nodes:
        computed[i] += len(children[0][1].rows)
        return fill(self, i, room, children, labels)

    monkeypatch.setattr(Network, "fill", counting)
    monkeypatch.setitem(KINDS, "network", lambda: network(0, groups=(2, 2, 2)))
    walk("network", 1000, 3)
    size = len(ABC)
    assert 0 < computed[0] <= 2 * size**2  # twice: a cache has little room while there is one string
    assert size**2 < computed[1] <= 2 * size**4
