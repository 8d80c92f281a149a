"""For whoever runs it: is it alive, is it ready, and its figures for Prometheus."""

from collections.abc import Iterable

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from starlette.responses import PlainTextResponse, Response

from digest.errors import StoreError
from digest.store.items import count_items
from digest.store.outbox import outbox_counts
from digest.store.sources import list_sources
from digest.store.subscribers import count_by_status
from digest.web.site import Site

# Prometheus' text exposition format 0.0.4.
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Figures:
    """Reads the tables when Prometheus asks; labels name sources and states, never readers."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterable[Metric]:
        """Give the figures of this moment."""
        now = self._site.clock()
        with self._site.database.read() as connection:
            subscribers = count_by_status(connection)
            outbox = outbox_counts(connection, now)
            states = list_sources(connection)
            items = count_items(connection)
        by_status = GaugeMetricFamily(
            "digest_subscribers", "Subscribers by status", labels=["status"]
        )
        for status, count in subscribers.items():
            by_status.add_metric([status], count)
        deliveries = GaugeMetricFamily(
            "digest_deliveries", "Deliveries by status", labels=["status"]
        )
        for name in ("pending", "sent", "failed", "cancelled"):
            deliveries.add_metric([name], outbox[name])
        failures = GaugeMetricFamily(
            "digest_source_failures", "Failed checks of a source in a row", labels=["source"]
        )
        for state in states:
            failures.add_metric([state.source.name], state.failures)
        oldest = outbox["oldest_due_at"]
        waits = (now - oldest).total_seconds() if oldest else 0.0
        yield by_status
        yield deliveries
        yield failures
        yield GaugeMetricFamily("digest_items", "Items stored", value=items)
        yield GaugeMetricFamily(
            "digest_delivery_wait_seconds", "How long the oldest due delivery waits", value=waits
        )


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
