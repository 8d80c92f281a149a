"""What a balancer and Prometheus are told, also while the database is cut off."""

from dataclasses import replace
from pathlib import Path

import pytest

from digest.store.database import Database
from digest.store.tallies import count_days
from digest.web.app import make_app

ELSEWHERE = {"Host": "10.0.0.5:8080"}
PATHS = ("/healthz", "/readyz", "/metrics")


def statuses(world):
    return [world.get(path, headers=ELSEWHERE).status_code for path in PATHS]


def test_alive_but_not_ready_while_the_database_is_cut_off(world):
    path = Path(world.app.settings.database.url.removeprefix("sqlite:///"))
    aside = path.with_name("aside.db")
    assert statuses(world) == [200, 200, 200]

    world.database.close()
    for ending in ("", "-wal", "-shm"):
        if (part := path.with_name(path.name + ending)).exists():
            part.rename(aside.with_name(aside.name + ending))
    path.mkdir()
    assert statuses(world) == [200, 503, 503]
    assert world.get("/subscribe").status_code == 200
    assert world.get("/item/x").status_code == 503

    path.rmdir()
    for ending in ("", "-wal", "-shm"):
        if (part := aside.with_name(aside.name + ending)).exists():
            part.rename(path.with_name(path.name + ending))
    assert statuses(world) == [200, 200, 200]


def test_a_server_that_does_not_answer_is_told_without_its_password(world, caplog):
    gone = Database("postgresql://digest:secret@127.0.0.1:1/none")
    world.web = make_app(replace(world.site, database=gone))

    assert statuses(world) == [200, 503, 503]
    assert "secret" not in world.get("/readyz", headers=ELSEWHERE).text
    assert "secret" not in caplog.text
    gone.close()


def test_a_process_that_ends_is_not_ready(world):
    world.web = make_app(replace(world.site, is_stopping=lambda: True))

    assert statuses(world) == [200, 503, 200]


def test_a_database_of_another_schema_is_not_ready(world, monkeypatch):
    monkeypatch.setattr("digest.store.database.VERSION", 99)

    assert statuses(world)[:2] == [200, 503]


@pytest.fixture
def figures(world):
    reader = world.joined()
    world.attempted(reader)
    count_days(world.database, world.clock())
    world.clock.move(minutes=5)
    world.get("/nowhere")
    return world.get("/metrics", headers=ELSEWHERE).text


LINES = [
    'digest_subscribers{status="confirmed"} 1.0',
    'digest_subscribers{status="suppressed"} 0.0',
    'digest_source_failures{source="papers"} 0.0',
    'digest_attempts_total{ending="sent"} 1.0',
    'digest_attempts_total{ending="complained"} 0.0',
    "digest_items 12.0",
    # One was deferred; the confirmation mail was never tried.
    "digest_deliveries_waiting 2.0",
    "digest_deliveries_due 2.0",
    "digest_delivery_wait_seconds 30",
    "digest_next_digest_timestamp_seconds 1.",
    'digest_http_requests_total{method="GET",status="404"} 1.0',
]


def test_every_figure_is_there(figures):
    assert [line for line in LINES if f"\n{line}" not in figures] == []


def test_labels_name_no_reader(figures):
    assert "@" not in figures
    assert "ada" not in figures
