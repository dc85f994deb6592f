"""Clusters of Ray on this machine, which tests start and end."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cluster(*nodes: int) -> Iterator[str]:
    """The address of a cluster whose nodes have so many CPUs."""
    import ray  # pyright: ignore[reportMissingImports]
    from ray.cluster_utils import Cluster  # pyright: ignore[reportMissingImports]

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": nodes[0], "include_dashboard": False})
    try:
        for cpus in nodes[1:]:
            started.add_node(num_cpus=cpus)
        yield started.address
    finally:
        ray.shutdown()
        started.shutdown()
