"""For whoever runs it: is it alive, is it ready, and its figures for Prometheus."""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.responses import PlainTextResponse, Response

from digest.errors import StoreError
from digest.store.figures import queue_now
from digest.store.items import count_items
from digest.store.sources import list_sources
from digest.store.subscribers import count_by_status, next_due_at
from digest.store.tallies import attempts_ever
from digest.web.site import Site

# Prometheus' text exposition format 0.0.4.
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Figures:
    """Reads the tables when Prometheus asks; labels name sources and states, never readers."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterable[Metric]:
        """Give the figures of this moment; attempts as they were last counted."""
        now = self._site.clock()
        with self._site.database.read() as connection:
            subscribers = count_by_status(connection)
            queue = queue_now(connection, now)
            states = [one for one in list_sources(connection) if one.enabled]
            items = count_items(connection)
            attempts = attempts_ever(connection)
            next_at = next_due_at(connection)
        waits = (now - queue.oldest_due_at).total_seconds() if queue.oldest_due_at else 0.0
        yield _gauges(
            "subscribers",
            "Subscribers by status",
            "status",
            {str(status): count for status, count in subscribers.items()},
        )
        yield _gauges(
            "source_failures",
            "Failed checks of a source in a row",
            "source",
            {one.source.name: one.failures for one in states},
        )
        yield _gauges(
            "source_last_ok_timestamp_seconds",
            "When a source was last read well",
            "source",
            {one.source.name: one.last_ok_at.timestamp() for one in states if one.last_ok_at},
        )
        counter = CounterMetricFamily(
            "digest_attempts", "Attempts at deliveries by how they ended", labels=["ending"]
        )
        for ending, count in attempts.items():
            counter.add_metric([ending], count)
        yield counter
        yield _gauge("items", "Items stored", items)
        yield _gauge("deliveries_waiting", "Deliveries not yet taken", queue.waiting)
        yield _gauge("deliveries_due", "Deliveries to be tried now", queue.due)
        yield _gauge("delivery_wait_seconds", "How long the oldest due delivery waits", waits)
        if next_at:
            said = "When the next digest is due"
            yield _gauge("next_digest_timestamp_seconds", said, next_at.timestamp())


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(f"digest_{name}", said, value=value)


def _gauges(name: str, said: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"digest_{name}", said, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def health_pages(site: Site, registry: CollectorRegistry) -> APIRouter:
    """Give the routes."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def alive() -> Response:
        return PlainTextResponse("alive\n")

    @router.get("/readyz")
    def ready() -> Response:
        if site.is_stopping():
            return PlainTextResponse("stopping\n", 503)
        try:
            site.database.check_schema()
        except StoreError:
            return PlainTextResponse("the database is out of reach\n", 503)
        return PlainTextResponse("ready\n")

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=METRICS_TYPE)

    return router
