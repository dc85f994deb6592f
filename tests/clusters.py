"""Clusters of Ray on this machine, which tests start and end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def cluster(*nodes: int) -> Iterator[str]:
    """The address of a cluster whose nodes have these numbers of CPUs."""
    with nodes_of(*nodes) as (started, _):
        yield started.address


@contextmanager
def nodes_of(*nodes: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The same as Ray's own object, and its nodes but the first by their ids."""
    import ray  # pyright: ignore[reportMissingImports]
    from ray.cluster_utils import Cluster  # pyright: ignore[reportMissingImports]

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": nodes[0], "include_dashboard": False})
    try:
        others = [started.add_node(num_cpus=cpus) for cpus in nodes[1:]]
        yield started, {node.node_id: node for node in others}
    finally:
        ray.shutdown()
        started.shutdown()
