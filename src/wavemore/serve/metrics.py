"""Figures of a server in Prometheus' format, in a registry of their own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from wavemore.serve.crew import Crew

__all__ = ["Metrics"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """What happened so far. A path that there is not counts as "other", so that nobody can make up names."""

    media_type = "text/plain; version=1.0.0; charset=utf-8"

    def __init__(self, crew: Crew) -> None:
        self._registry = CollectorRegistry()
        of = {"namespace": "wavemore", "registry": self._registry}
        self.requests = Counter("requests", "Requests by their answers.", ["method", "path", "status"], **of)
        self.seconds = Histogram(
            "request_seconds", "From a request's header to the end of its answer.", ["path"], buckets=_SECONDS, **of
        )
        self.open = Gauge("requests_open", "Requests that have no whole answer yet.", **of)
        self.characters = Counter("work_characters", "Work taken on, in characters.", ["do"], **of)
        Gauge("requests_waiting", "Requests that no worker has begun with.", **of).set_function(lambda: crew.waiting)
        restarts = Gauge("workers_restarted", "Workers that were stopped or ended, and were started again.", **of)
        restarts.set_function(lambda: crew.restarts)

    def count(self, method: str, path: str | None, status: int, seconds: float) -> None:
        """One request; `path` as the description of the server has it, None for one that is not there."""
        path = path or "other"
        self.requests.labels(method if method in _METHODS else "other", path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)

    def text(self) -> bytes:
        """All figures."""
        return generate_latest(self._registry)
