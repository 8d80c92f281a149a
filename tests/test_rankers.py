"""Every process ranks by the same items, and a new choice of them leaves no gap in service."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from digest import rankers
from digest.config import Settings
from digest.model import Interest, Reader
from digest.rankers import CurrentRanker
from digest.store.fits import newest_fit
from digest.store.profiles import load_profiles
from digest.store.schema import subscribers
from tests.store.makers import NOW, make_item, make_subscriber, store_items, store_subscribers

READER = Reader(interests=(Interest(name="graphs", text="graph networks"),))


class Process:
    """One process on a database, with its own clock."""

    def __init__(self, database, readers=None, **digest):
        self.now = NOW
        self.database = database
        self.ranker = CurrentRanker(database, Settings(digest=digest), lambda: self.now, readers)

    def ask(self):
        ranker = self.ranker()
        self.ranker.wait()
        return ranker

    def chosen(self):
        with self.database.read() as connection:
            return newest_fit(connection)


def papers(start, count, words="graph networks", at=NOW):
    return [
        make_item(n, title=words, summary=f"On {words}, at length.", first_seen_at=at)
        for n in range(start, start + count)
    ]


@pytest.fixture
def large(monkeypatch):
    """Every corpus counts as one that takes long."""
    monkeypatch.setattr(rankers, "SMALL_CORPUS", 0)


@pytest.mark.usefixtures("large")
def test_two_processes_rank_by_one_version_however_the_store_grows(database):
    store_items(database, papers(0, 30))
    one, other = Process(database), Process(database)
    first = one.ask()
    store_items(database, papers(30, 2, "weather maps"))

    second = other.ask()

    assert one.ranker.version == other.ranker.version == 1
    day = papers(90, 5)
    assert np.array_equal(first.scores([READER], day), second.scores([READER], day))


@pytest.mark.usefixtures("large")
def test_old_version_serves_while_the_next_one_is_made(database):
    store_items(database, papers(0, 30))
    process, late = Process(database), Process(database)
    before, _ = process.ask(), late.ask()
    store_items(database, papers(30, 30))

    during = process.ranker()
    process.ranker.wait()
    after = process.ranker()
    late.ask()

    assert during is before
    assert after is not before
    assert (process.ranker.version, late.ranker.version) == (2, 2)
    assert len(process.chosen().item_ids) == 60


def test_small_store_is_learned_from_at_once(database):
    store_items(database, papers(0, 5))
    process = Process(database)
    before = process.ranker()
    store_items(database, papers(5, 5))

    assert process.ranker() is not before
    assert process.ranker.version == 2


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("days", "added", "version"),
    [
        pytest.param(8, 1, 2, id="a week, and something came"),
        pytest.param(6, 1, 1, id="less than a week"),
        pytest.param(80, 0, 1, id="nothing came"),
    ],
)
def test_version_is_made_anew_by_the_week(database, days, added, version):
    store_items(database, papers(0, 30))
    process = Process(database)
    process.ask()
    if added:
        store_items(database, papers(30, added))
    process.now += timedelta(days=days)

    process.ask()

    assert process.ranker.version == version


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("words", "version"),
    [
        pytest.param("graph networks", 1, id="more of the same"),
        pytest.param("gluon confinement lattices ghosts", 2, id="another field"),
    ],
)
def test_version_is_made_anew_when_the_items_drift(database, monkeypatch, words, version):
    monkeypatch.setattr(rankers, "DRIFT_ITEMS", 4)
    store_items(database, papers(0, 60))
    process = Process(database)
    process.ask()
    store_items(database, papers(60, 5, words, NOW + timedelta(hours=1)))

    process.ask()

    assert process.ranker.version == version


@pytest.mark.usefixtures("large")
def test_other_constants_make_another_version(database):
    store_items(database, papers(0, 30))
    Process(database).ask()

    changed = Process(database, diversity=0.5)
    changed.ask()

    assert changed.ranker.version == 2


def test_empty_store_has_a_ranker(database):
    assert Process(database).ranker().scores([READER], papers(0, 2)).shape == (1, 2)


@pytest.mark.usefixtures("large")
def test_profiles_are_made_for_the_next_version_before_it_serves(database):
    """What was kept for the version before is there for the next one when that one first ranks."""
    areas = ["graph networks", "weather maps", "protein folds", "quantum gates"]
    stored = [one for n in range(60) for one in papers(4 * n, 4, areas[n % 4])]
    store_items(database, stored)
    store_subscribers(database, [make_subscriber("ada")])
    with database.read() as connection:
        [ada] = connection.scalars(select(subscribers.c.id))
    reader = replace(READER, id=ada)
    process = Process(database, readers=lambda ids: [reader for _ in ids])
    process.ask().prepare([reader])
    store_items(database, papers(500, 40, "galaxy clusters"))

    process.ask()
    after = process.ranker()

    assert process.ranker.version == 2
    with database.read() as connection:
        kept = {v: load_profiles(connection, v, [ada]) for v in (1, 2)}
    assert kept[1][ada] != kept[2][ada] != b""
    day = papers(900, 3)
    wanted = after.scores([READER], day)
    assert np.allclose(after.scores([reader], day), wanted, rtol=0, atol=1e-6)
