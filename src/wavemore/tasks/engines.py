"""Which engine a command names with `--on`."""

from wavemore.errors import UsageError
from wavemore.tasks.task import Engine

__all__ = ["engine_of"]


def engine_of(on: str, here: Engine, what: str) -> Engine:
    """`here` for "here"; for "ray" a cluster on this machine or the one that `RAY_ADDRESS` names, "ray=ADDRESS" for
    that one. `what` runs there, such as "a job", is named in the `UsageError` for anything else; `MissingExtraError`
    without Ray."""
    name, equals, address = on.partition("=")
    if name == "here" and not equals:
        return here
    if name == "ray" and bool(equals) == bool(address):
        from wavemore.tasks.on_ray import ray_engine

        return ray_engine(address or None)
    raise UsageError(f'{what} runs on "{on}"; it must be here, ray, or ray=ADDRESS such as ray=10.0.0.5:6379')
