"""Counters for Prometheus. Each app has a registry of its own, so that two in one process do not mix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import SummaryMetricFamily
from prometheus_client.registry import Collector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
TOKEN_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class JobSeconds(Collector):
    """Counted by the database, since jobs end in workers of any process; every server tells the same."""

    def __init__(self) -> None:
        self.by_status: Mapping[str, tuple[int, int]] = {}

    def collect(self) -> Iterator[SummaryMetricFamily]:
        told = "Jobs that ended, from start to end, pauses included."
        family = SummaryMetricFamily("luthier_job_seconds", told, labels=["status"])
        for status, (count, seconds) in self.by_status.items():
            family.add_metric([status], count_value=count, sum_value=seconds)
        yield family


class Metrics:
    """Labels are routes, methods and statuses: never ids, which would grow without end."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "luthier_requests", "Answered requests.", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "luthier_request_seconds", "Until the last byte.", ["route"], buckets=SECONDS, registry=registry
        )
        self.running = Gauge("luthier_requests_running", "Requests being answered.", registry=registry)
        self.jobs = Gauge("luthier_jobs", "Fine-tuning jobs by status.", ["status"], registry=registry)
        self.job_seconds = JobSeconds()
        registry.register(self.job_seconds)
        self.workers = Gauge("luthier_workers", "Workers seen lately.", registry=registry)
        self.prompt_tokens = Counter("luthier_prompt_tokens", "Tokens read.", registry=registry)
        self.answer_tokens = Counter("luthier_answer_tokens", "Tokens written.", registry=registry)
        self.cached_tokens = Counter("luthier_cached_tokens", "Prompt tokens found in the cache.", registry=registry)
        self.first_token_seconds = Histogram(
            "luthier_first_token_seconds", "From request to first token.", buckets=SECONDS, registry=registry
        )
        self.token_seconds = Histogram(
            "luthier_token_seconds", "Between two tokens.", buckets=TOKEN_SECONDS, registry=registry
        )
        self.batch_rows = Gauge("luthier_batch_rows", "Answers being written at once.", registry=registry)
        self.waiting = Gauge("luthier_answers_waiting", "Requests waiting for the engine.", registry=registry)
        self.adapter_loads = Gauge("luthier_adapter_loads", "Adapters loaded since the start.", registry=registry)
