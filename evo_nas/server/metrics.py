"""`Metrics`: the counters and gauges of the service, as Prometheus reads them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0)


class Metrics:
    """Counts requests, and looks all other values up when it is asked for them.

    The registry is its own, so that several services may live in one process.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter(
            "evo_nas_requests", "Requests that were answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "evo_nas_request_seconds",
            "Seconds until an answer began.",
            ("route",),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    def gauge(
        self, name: str, meaning: str, read: Callable[[], Mapping[str, float]], *, label: str = ""
    ) -> None:
        """Lets ``read`` tell values whenever metrics are asked for.

        Args:
            name: Name of the metric, after ``evo_nas_``.
            meaning: What it measures, and its unit.
            read: Returns the value of each label, or of "" where there is no label.
            label: Name of the label.
        """
        self.registry.register(_Gauge(f"evo_nas_{name}", meaning, read, label))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Returns all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


class _Gauge:
    def __init__(self, name: str, meaning: str, read: Callable[[], Mapping[str, float]], label: str) -> None:
        self._name, self._meaning, self._read, self._label = name, meaning, read, label

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yields what `collect` does, without asking for values."""
        yield GaugeMetricFamily(self._name, self._meaning, labels=[self._label] if self._label else None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the values of now."""
        family = GaugeMetricFamily(self._name, self._meaning, labels=[self._label] if self._label else None)
        for value_label, value in self._read().items():
            family.add_metric([value_label] if self._label else [], value)
        yield family


class Metered:
    """Counts every request to ``app``, also those that its guard refuses."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A path that is no route could be anything, so it is not a label.
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.observe(
                    _method(scope["method"]), route, message["status"], time.perf_counter() - begun
                )
            await send(message)

        await self._app(scope, receive, counting)


def _method(method: str) -> str:
    return method if method in {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"} else "other"
