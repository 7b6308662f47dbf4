"""Metrics for Prometheus: read off the state when they are asked for, but for histograms."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.api.live.history import History
from services.health import health_of
from twin.events import DriftReported

LATENCY_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
HTTP_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
_STATES: Final = ("live", "stale", "rebuilding", "unreachable", "starting")
_HEALTH: Final = ("well", "degraded", "down", "silent")


class Metrics:
    """All metrics of one API.

    Parameters:
        history: the twin's state; its latencies are observed from now on.
    """

    def __init__(self, history: History) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_State(history))
        latency = Histogram(
            "dermtwin_answer_latency_seconds",
            "From a case's sending to its answer's, by the clocks of their senders.",
            buckets=LATENCY_S,
            registry=self._registry,
        )
        history.on_latency = latency.observe
        self._requests = Counter(
            "dermtwin_http_requests",
            "Requests answered, by method and status.",
            ("method", "status"),
            registry=self._registry,
        )
        self._durations = Histogram(
            "dermtwin_http_request_seconds",
            "Time to an answer's end; event streams are left out.",
            buckets=HTTP_S,
            registry=self._registry,
        )

    def note(self, method: str, path: str, status: int, duration_s: float) -> None:
        """Count a request."""
        # Whatever else somebody sends as a method must not make series without end.
        known = method if method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
        self._requests.labels(known, str(status)).inc()
        if path != "/v1/events":
            self._durations.observe(duration_s)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)


class _State(Collector):
    """Reads the state of the twin."""

    def __init__(self, history: History) -> None:
        self._history = history

    def describe(self) -> list[Metric]:
        """Return nothing: what is registered need not be collected for its names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what the twin is now."""
        history = self._history
        now = history.clock()
        yield _one("dermtwin_revision", "Records that the mirror has folded.", history.revision)
        freshness_s = history.freshness_s
        if freshness_s is not None:
            text = "Everything that was sent so long ago is in the state."
            yield _one("dermtwin_freshness_seconds", text, freshness_s)
        states = GaugeMetricFamily("dermtwin_state", "1 for the state it is in.", labels=["state"])
        for name in _STATES:
            states.add_metric([name], float(history.state == name))
        yield states
        lag = GaugeMetricFamily(
            "dermtwin_lag_records", "Records that are not folded yet.", labels=["topic"]
        )
        for topic, behind in sorted(history.head.behind.items() if history.head else ()):
            lag.add_metric([topic], behind)
        yield lag
        counts = CounterMetricFamily("dermtwin_events", "What was folded.", labels=["what"])
        for name, count in sorted(history.counts.items()):
            counts.add_metric([name], count)
        yield counts
        yield from self._components(now)
        version = max(history.promoted, default=None)
        if version is not None:
            yield _one("dermtwin_stack_version", "Version of the stack in force.", version)
        yield from _drift(history)

    def _components(self, now: float) -> Iterator[Metric]:
        health = GaugeMetricFamily(
            "dermtwin_component_health", "1 for how it is.", labels=["component", "health"]
        )
        restarts = GaugeMetricFamily(
            "dermtwin_component_restarts", "Times it was started again.", labels=["component"]
        )
        facts = GaugeMetricFamily(
            "dermtwin_component_fact",
            "What it counts; units are in the facts' names.",
            labels=["component", "fact"],
        )
        for name, event in sorted(self._history.moments.now.components.items()):
            found, _ = health_of(event, now)
            for one in _HEALTH:
                health.add_metric([name, one], float(found == one))
            restarts.add_metric([name], event.restarts)
            for fact, value in sorted(event.facts.items()):
                facts.add_metric([name, fact], value)
        yield from (health, restarts, facts)


def _drift(history: History) -> Iterator[Metric]:
    reports: dict[int, DriftReported] = history.shelf("drift")
    if not reports:
        return
    last = reports[max(reports)]
    alarms = GaugeMetricFamily(
        "dermtwin_drift_alarms",
        "Alarms since the epoch before the last.",
        labels=["detector", "stream"],
    )
    for signal in last.signals:
        alarms.add_metric([signal.detector, signal.stream], len(signal.alarms))
    yield alarms
    estimates = GaugeMetricFamily(
        "dermtwin_drift_estimate", "Performance without labels.", labels=["metric", "valid"]
    )
    for one in last.estimates:
        if one.value is not None:
            estimates.add_metric([one.metric, str(one.valid).lower()], one.value)
    yield estimates


def _one(name: str, text: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(name, text)
    gauge.add_metric([], value)
    return gauge
