"""What the operator sees: metrics in Prometheus' format, and logs that are events with fields and no personal data."""

from __future__ import annotations

import itertools
import json
import logging
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from aisle.version import VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)  # OpenTelemetry's buckets
_log = logging.getLogger("aisle")
_log.addHandler(logging.NullHandler())  # silent in other people's programs until `setup`, or until they listen


class Metrics:
    """The instruments of one App. Labels never name a user."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.http_seconds = Durations(
            "aisle_http_request_duration_seconds", "Time to answer", ("method", "route", "status"), registry
        )
        self.in_flight = Gauge("aisle_http_requests_in_flight", "Requests being answered", registry=registry)
        self.streams = Gauge("aisle_streams_open", "Streams that are heard now", registry=registry)
        self.queue_depth = Gauge("aisle_model_queue_depth", "Requests waiting for a model", ("model",), registry=registry)
        self.batches = Gauge("aisle_model_batches", "Batches a model has run", ("model",), registry=registry)
        self.answers = Counter("aisle_answers_total", "Answers by operation", ("task", "operation", "outcome"), registry=registry)
        self.cpu = Counter("aisle_model_cpu_seconds_total", "Processor time of models", ("task", "operation"), registry=registry)
        self.events = Counter("aisle_events_total", "Events received", ("outcome",), registry=registry)
        self.build = Gauge("aisle_build_info", "1 for the version that runs", ("version",), registry=registry)
        self.build.labels(VERSION).set(1)

    def count(self, task: str, operation: str, numbers: list[int]) -> None:
        """What the usage meter wrote down: [requests, errors, cpu_us, latency_us]."""
        requests, errors, cpu_us, _ = numbers
        self.answers.labels(task, operation, "ok").inc(requests - errors)
        self.answers.labels(task, operation, "error").inc(errors)
        self.cpu.labels(task, operation).inc(cpu_us / 1e6)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)


class Duration:
    """A histogram of seconds under one set of labels, counted on one thread."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds


class Durations(Collector):
    """Histograms by labels, which Prometheus' client reads when it is asked: counting costs a tenth of its own histogram."""

    def __init__(self, name: str, summary: str, labels: tuple[str, ...], registry: CollectorRegistry) -> None:
        self._name, self._summary, self._labels = name, summary, labels
        self._children: dict[tuple[str, ...], Duration] = {}
        registry.register(self)

    def labels(self, *values: str) -> Duration:
        return self._children.setdefault(values, Duration())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._summary, labels=self._labels)
        for values, duration in list(self._children.items()):
            bounds = [*(str(bound) for bound in SECONDS), "+Inf"]
            counts = itertools.accumulate(duration.counts)
            family.add_metric(values, list(zip(bounds, counts, strict=True)), duration.total)
        yield family


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": round(time.time(), 3), "level": record.levelname.lower(), "event": record.getMessage()}
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def setup(level: str) -> None:
    """Send Aisle's log to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    _log.handlers = [handler]
    _log.setLevel(level.upper())
    _log.propagate = False


def info(event: str, **fields: Any) -> None:
    _log.info(event, extra={"fields": fields})


def warn(event: str, **fields: Any) -> None:
    _log.warning(event, extra={"fields": fields})


def failure(event: str, error: BaseException, **fields: Any) -> None:
    """Something broke that nobody asked for: with its trace."""
    _log.error(event, exc_info=error, extra={"fields": fields})
