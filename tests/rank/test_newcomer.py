"""A reader who gave nothing but an address, and one who gave a line of text, on a real day."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from digest import rank
from digest.fetch.huggingface import parse_html, parse_json
from digest.model import Described, Interest, Item, Reader, Source
from digest.rank.kernel import Kernel
from digest.rank.popularity import popularity
from tests.rank.conftest import picked

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"
SOURCE = Source(name="hf", url="https://huggingface.co/papers")
NOW = datetime(2026, 6, 12, 12, tzinfo=UTC)
DESCRIBED = [part.name for part in fields(Described)]


def items_of(listing, at) -> list[Item]:
    return [
        Item(
            id=one.keys[0],
            first_seen_at=at,
            eligible_at=at,
            sources=("hf",),
            **{name: getattr(one, name) for name in DESCRIBED},
        )
        for one in listing.announcements
    ]


@pytest.fixture(scope="module")
def day() -> list[Item]:
    """Papers of 12 June 2026, and older ones, of 2024, that nobody should get as news."""
    content = (SAMPLES / "hf-api" / "daily_papers-2026-06-12.json").read_bytes()
    older = (SAMPLES / "hf-html" / "daily-papers-2024-08-01.html").read_bytes()
    past = NOW - timedelta(days=10)
    return [
        *items_of(parse_html(older, SOURCE, NOW), past),
        *items_of(parse_json(content, SOURCE, NOW), NOW),
    ]


def variety(items, day) -> float:
    terms = Kernel(day, rank.Settings()).read(items).terms
    alike = (terms @ terms.T).toarray()
    return 1.0 - float(np.mean([alike[a, b] for a, b in combinations(range(len(items)), 2)]))


def test_address_alone_brings_popular_and_recent_items_of_several_topics(day):
    ranker = rank.fit(day)
    plain = rank.fit(day, rank.Settings(spread=0.0, source_share=1.0))

    chosen = [one.item for one in picked(ranker, Reader(), day)]
    by_score = [one.item for one in picked(plain, Reader(), day)]

    assert len(chosen) == 10
    assert {item.eligible_at for item in chosen} == {NOW}
    share = dict(zip([item.id for item in day], popularity(day), strict=True))
    usual = np.mean([share[item.id] for item in day if item.eligible_at == NOW])
    assert np.mean([share[item.id] for item in chosen]) > usual
    assert chosen[0] == by_score[0]
    assert variety(chosen, day) > variety(by_score, day)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("robots and manipulation", ("robot", "manipulat", "embod"), id="robots"),
        pytest.param("image and video generation", ("image", "video", "visual"), id="pictures"),
        pytest.param("reinforcement learning for agents", ("reinforc", "agent"), id="agents"),
    ],
)
def test_one_line_of_text_makes_a_digest_personal(day, line, words):
    ranker = rank.fit(day)
    interest = Interest(name=line)

    anyone = [one.item for one in picked(ranker, Reader(), day)]
    today = [item for item in day if item.eligible_at == NOW]
    own = picked(ranker, Reader(interests=(interest,)), today, 5)

    def fits(item: Item) -> bool:
        text = f"{item.title} {item.summary}".casefold()
        return any(word in text for word in words)

    mine = [one.item for one in own]
    assert fits(mine[0])
    assert own[0].interest == line
    assert own[0].reasons[0].value
    assert sum(map(fits, mine)) / 5 > sum(map(fits, anyone)) / 10
    assert mine != anyone[:5]
