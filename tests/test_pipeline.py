"""The day as a whole, over days and on both databases: real store, real ranker, our own clock."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, pairwise

import pytest

from digest import rank
from digest.compose.message import MessageBuilder
from digest.config import DeliverSettings, DigestSettings, MailSettings
from digest.deliver.pace import Limits, Pace
from digest.errors import FetchError, GoneError, ParseError, TransportError
from digest.model import (
    Announce,
    Announcement,
    DigestState,
    Fetched,
    Frequency,
    Interest,
    Listing,
    ListingOutcome,
    MentionKind,
    Reply,
    Schedule,
    Source,
    Subscriber,
    Verdict,
    new_id,
)
from digest.pipeline.composing import Composer, compose_due
from digest.pipeline.delivering import deliver_due
from digest.pipeline.fetching import fetch_due
from digest.render import Templates
from digest.schedule.clock import first_digest_at
from digest.store import digests, items, outbox, recovery, sources, subscribers

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOURCE = Source(name="papers", url="https://example.org/papers", kind="huggingface", backlog=None)


def paper(number, *, version=1, announce=Announce.NEW, upvotes=None):
    return Announcement(
        keys=(f"arxiv:2603.{number:05d}",),
        title=f"A study of retrieval number {number}",
        summary=f"We study retrieval in case {number}, version {version}, at length and with care.",
        authors=(f"Ada Number{number}",),
        version=version,
        announce=announce,
        upvotes=upvotes,
    )


class World:
    """A store, a clock that we move, and what the outside says."""

    def __init__(self, database, tmp_path):
        self.database = database
        self.now = NOON
        self.listing = []
        self.sent = []
        self.reply = Reply(code=250, text="2.0.0 ok")
        self.settings = DigestSettings()
        self.mail = MailSettings(sender="Daily Digest <digest@example.org>")
        self.connections = 2
        self.deliver_settings = DeliverSettings()
        self.suppressor = None

    def clock(self):
        return self.now

    # The seams: a fetcher and a transport.
    async def fetch(self, source, validators):
        if isinstance(self.listing, Exception):
            raise self.listing
        return Fetched(listing=Listing(kind="huggingface", announcements=tuple(self.listing)))

    async def send(self, message, following=None):
        if isinstance(self.reply, Exception):
            raise self.reply
        if self.reply.code == 250:
            self.sent.append(message)
        return self.reply

    def withdraw(self, message):
        pass

    async def close(self):
        pass

    def add_source(self, source=SOURCE):
        with self.database.write() as connection:
            sources.save_sources(connection, [source], self.now)

    def add_subscriber(self, email="ada@example.org", **fields):
        schedule = fields.pop("schedule", Schedule(at=time(7)))
        subscriber = Subscriber(
            id=new_id(self.now),
            email=email,
            schedule=schedule,
            next_digest_at=first_digest_at(schedule, self.now),
            **{"interests": (Interest(name="Retrieval", keywords=("retrieval",)),)} | fields,
        )
        with self.database.write() as connection:
            return subscribers.add_subscriber(connection, subscriber, self.now)

    @property
    def transport(self):
        return self

    @property
    def composer(self):
        return Composer(ranker=lambda: rank.fit([]), digest=self.settings, mail=self.mail)

    def check(self):
        return asyncio.run(
            fetch_due(self.database, self, clock=self.clock, names=["papers"], progress=ignore)
        )

    def compose(self):
        return compose_due(self.database, self.composer, clock=self.clock, progress=ignore)

    def deliver(self):
        builder = MessageBuilder(self.mail, Templates(None))
        return asyncio.run(
            deliver_due(
                *(self.database, builder, self.transport, self.deliver_settings),
                clock=self.clock,
                stop=asyncio.Event(),
                aftermath=self.suppressor and self.suppressor.note,
                progress=ignore,
            )
        )

    def digests_of(self, subscriber):
        with self.database.read() as connection:
            return digests.digests_of(connection, subscriber.id, 1000)

    def carried(self, subscriber):
        """Titles by edition, oldest edition first."""
        return [
            [pick.item.title for pick in digest.picks]
            for digest in reversed(self.digests_of(subscriber))
            if digest.state is DigestState.COMPOSED
        ]


def ignore(stage, done, total):
    pass


@pytest.fixture
def world(database, tmp_path):
    return World(database, tmp_path)


def test_every_item_reaches_a_subscriber_once_over_many_days(world):
    world.add_source()
    subscriber = world.add_subscriber(max_items=50)
    numbers = count(1)
    expected = []
    for _ in range(12):
        fresh = [paper(next(numbers)) for _ in range(5)]
        world.listing = [*world.listing[-3:], *fresh]
        expected += [one.title for one in fresh]
        world.check()
        for _ in range(3):
            world.now += DAY / 3
            world.compose()
            world.deliver()

    carried = [title for titles in world.carried(subscriber) for title in titles]
    assert sorted(carried) == sorted(expected)
    assert len(world.sent) == len(world.carried(subscriber))


def test_outage_of_days_ends_in_one_catch_up_digest(world):
    world.add_source()
    world.listing = [paper(1)]
    world.check()
    subscriber = world.add_subscriber(max_items=50)
    world.compose()
    for number in range(2, 8):
        world.now += DAY
        world.listing = [paper(number)]
        world.check()  # the sources are read, but nobody composes

    world.compose()
    world.compose()

    assert [len(titles) for titles in world.carried(subscriber)] == [1, 6]


def test_outage_longer_than_the_window_is_cut_there(world):
    world.add_source()
    subscriber = world.add_subscriber(max_items=50)
    world.listing = [paper(1)]
    world.check()
    world.now += 20 * DAY
    world.listing = [paper(2)]
    world.check()

    world.compose()

    assert world.carried(subscriber) == [["A study of retrieval number 2"]]


def test_thin_day_is_held_and_its_items_wait(world):
    world.add_source()
    subscriber = world.add_subscriber(at_least=3)
    world.listing = [paper(1), paper(2)]
    world.check()

    [held] = world.compose()
    world.now += DAY
    world.listing = [paper(3)]
    world.check()
    world.compose()

    assert held.state is DigestState.HELD
    assert [len(titles) for titles in world.carried(subscriber)] == [3]


def test_held_items_wait_longer_than_the_usual_window(world):
    world.add_source()
    subscriber = world.add_subscriber(at_least=2)
    world.listing = [paper(1), paper(2)]
    world.check()
    world.compose()
    world.listing = [paper(3)]
    world.now += DAY
    world.check()
    for _ in range(5):
        world.compose()
        world.now += DAY
    world.listing = [paper(4)]
    world.check()

    world.compose()

    assert [len(titles) for titles in world.carried(subscriber)] == [2, 2]


def test_item_that_lost_today_competes_tomorrow(world):
    world.add_source()
    subscriber = world.add_subscriber(max_items=1, popularity=1.0)
    world.listing = [paper(1, upvotes=90), paper(2, upvotes=5)]
    world.check()
    world.compose()
    world.now += DAY
    world.compose()

    assert world.carried(subscriber) == [
        ["A study of retrieval number 1"],
        ["A study of retrieval number 2"],
    ]


def test_unsent_item_that_rises_gets_its_second_chance(world):
    world.add_source()
    subscriber = world.add_subscriber(max_items=1, popularity=1.0)
    world.listing = [paper(1, upvotes=90), paper(2, upvotes=5), paper(3, upvotes=6)]
    world.check()
    world.compose()
    world.now += DAY
    world.listing = [paper(1, upvotes=91), paper(2, upvotes=80), paper(3, upvotes=7)]
    world.check()
    world.compose()

    assert world.carried(subscriber) == [
        ["A study of retrieval number 1"],
        ["A study of retrieval number 2"],
    ]
    [second, _] = world.digests_of(subscriber)
    today = world.now.date()
    assert second.picks[0].item.votes_by_day == ((today - DAY, 5), (today, 80))


@pytest.mark.parametrize(
    ("verdict", "first"),
    [
        pytest.param(None, "Weather over the mountains", id="none"),
        pytest.param(Verdict.MORE, "Enzymes that cut plastics", id="more"),
        pytest.param(Verdict.SAVE, "Enzymes that cut plastics", id="saved"),
        pytest.param(Verdict.LESS, "Weather over the mountains", id="less"),
    ],
)
def test_next_digest_shows_what_the_reader_thought_of_the_last(world, verdict, first):
    def study(number, title, summary):
        return replace(paper(number, upvotes=9 - number), title=title, summary=summary)

    world.add_source()
    subscriber = world.add_subscriber(max_items=1, popularity=0.05)
    world.listing = [study(1, "Retrieval of enzymes", "Enzymes and plastics, found by retrieval.")]
    world.check()
    world.now += DAY
    world.compose()
    [digest] = world.digests_of(subscriber)
    if verdict:
        with world.database.write() as connection:
            item_id = digest.picks[0].item.id
            subscribers.add_feedback(connection, subscriber.id, item_id, verdict, world.now)
    world.listing = [
        study(2, "Weather over the mountains", "Clouds and winds, seen from a station."),
        study(3, "Enzymes that cut plastics", "We let enzymes loose on plastics."),
    ]
    world.check()
    world.now += DAY
    world.compose()

    assert world.carried(subscriber)[1:] == [[first]]


@pytest.mark.parametrize(
    ("wishes", "marked"),
    [pytest.param({}, 1, id="on"), pytest.param({"explore": False}, 0, id="off")],
)
def test_one_pick_from_outside_is_marked_in_the_mail(world, wishes, marked):
    world.add_source()
    world.add_subscriber(max_items=5, language="en", **wishes)
    outsider = replace(
        paper(99, upvotes=70),
        title="Weather over the mountains",
        summary="Clouds and winds, seen from a station.",
    )
    world.listing = [*(paper(n, upvotes=1) for n in range(1, 9)), outsider]
    world.check()
    world.now += DAY
    world.compose()
    world.deliver()

    [message] = world.sent
    assert message.content.count(b"outside your interests: much voted for") == 2 * marked


def test_riser_beats_what_has_more_votes_and_stands_still(world):
    world.add_source()
    subscriber = world.add_subscriber(max_items=1, popularity=1.0)
    world.listing = [paper(1, upvotes=500), paper(2, upvotes=40), paper(3, upvotes=10)]
    world.check()
    world.compose()
    world.now += DAY
    world.listing = [paper(1, upvotes=500), paper(2, upvotes=40), paper(3, upvotes=38)]
    world.check()
    world.compose()

    assert world.carried(subscriber)[1:] == [["A study of retrieval number 3"]]


def test_replacement_never_seen_before_is_no_news(world):
    world.add_source()
    subscriber = world.add_subscriber()
    world.listing = [paper(1, version=3, announce=Announce.REPLACEMENT)]

    [check] = world.check()
    world.compose()

    assert check.items == 1
    assert world.carried(subscriber) == []


def test_revised_item_is_updated_and_not_sent_again(world):
    world.add_source()
    subscriber = world.add_subscriber()
    world.listing = [paper(1)]
    world.check()
    world.compose()
    world.now += DAY
    world.listing = [paper(1, version=2, announce=Announce.REPLACEMENT)]

    [check] = world.check()
    world.compose()

    assert (check.new, check.revised) == (0, 1)
    assert len(world.carried(subscriber)) == 1
    [old] = [digest for digest in world.digests_of(subscriber) if digest.picks]
    assert old.picks[0].item.version == 1


def mentioned(digest, kind):
    return [one.item.title for one in digest.mentions if one.kind is kind]


def test_what_had_no_place_is_named_and_may_be_picked_tomorrow(world):
    world.add_source()
    subscriber = world.add_subscriber(max_items=2)
    world.listing = [paper(number) for number in range(1, 6)]
    world.check()
    world.now += DAY
    world.compose()
    world.now += DAY
    world.compose()

    second, first = world.digests_of(subscriber)
    also_new = mentioned(first, MentionKind.ALSO_NEW)
    carried = world.carried(subscriber)
    assert len(also_new) == 3
    assert not set(also_new) & set(carried[0])
    assert set(carried[1]) <= set(also_new)
    # They were new yesterday.
    assert mentioned(second, MentionKind.ALSO_NEW) == []
    assert (first.day.new_items, second.day.new_items) == (5, 0)


def test_newer_version_of_what_was_sent_is_named_once_to_whoever_asks(world):
    world.add_source()
    asks = world.add_subscriber(revisions=True)
    world.add_subscriber("bob@example.org")
    world.listing = [paper(1)]
    world.check()
    world.now += DAY
    world.compose()
    replaced = paper(1, version=2, announce=Announce.REPLACEMENT)
    for day in (2, 3):
        world.listing = [replaced, paper(day)]
        world.check()
        world.now += DAY
        world.compose()
    world.deliver()

    third, second, first = world.digests_of(asks)
    assert mentioned(first, MentionKind.REVISED) == mentioned(third, MentionKind.REVISED) == []
    assert mentioned(second, MentionKind.REVISED) == [replaced.title]
    said = [b"v2 of what you got on" in message.content for message in world.sent]
    assert said.count(True) == 1


def test_week_leads_with_what_got_most_votes_but_for_what_is_muted(world):
    world.add_source()
    schedule = Schedule(at=time(7), frequency=Frequency.WEEKLY, weekdays=frozenset({4}))
    muted = Interest(name="Retrieval", keywords=("retrieval",), muted_words=("number 3",))
    weekly = world.add_subscriber(max_items=1, schedule=schedule, interests=(muted,))
    world.listing = [paper(number, upvotes=10 * number) for number in range(4)]
    world.check()
    world.now += 7 * DAY
    world.compose()

    [digest] = world.digests_of(weekly)
    most_voted = mentioned(digest, MentionKind.MOST_VOTED)
    assert most_voted == [paper(2).title, paper(1).title]


def test_source_with_an_empty_listing_is_named_as_quiet(world):
    world.add_source()
    subscriber = world.add_subscriber(max_items=1)
    world.listing = [paper(1), paper(2)]
    world.check()
    world.now += DAY
    world.compose()
    world.listing = []
    world.check()
    world.now += DAY
    world.compose()

    second, first = world.digests_of(subscriber)
    assert (first.day.quiet_sources, second.day.quiet_sources) == ((), ("papers",))


def test_first_listing_is_a_baseline(world):
    world.add_source(Source(name="papers", url="https://example.org", backlog=0))
    subscriber = world.add_subscriber()
    world.listing = [paper(1), paper(2)]
    world.check()
    world.compose()
    world.now += DAY
    world.listing = [paper(1), paper(2), paper(3)]
    world.check()

    world.compose()

    assert world.carried(subscriber) == [["A study of retrieval number 3"]]


def test_failed_source_leaves_the_state_and_waits_longer_each_time(world):
    world.add_source()
    world.listing = [paper(1)]
    world.check()
    world.listing = ParseError("expected a JSON list, got an HTML page", source="papers")

    waits = []
    for _ in range(3):
        [check] = world.check()
        with world.database.read() as connection:
            [state] = sources.list_sources(connection)
        waits.append(state.next_check_at - world.now)

    assert check.outcome is ListingOutcome.FAILED
    assert state.failures == 3
    assert waits[0] < waits[1] < waits[2]
    with world.database.read() as connection:
        assert items.count_items(connection) == 1


def test_failed_source_is_named_in_the_digest(world):
    world.add_source()
    subscriber = world.add_subscriber()
    world.listing = [paper(1)]
    world.check()
    world.listing = ParseError("gone", source="papers")
    world.check()

    world.compose()

    [digest] = world.digests_of(subscriber)
    assert digest.day.failed_sources == ("papers",)


def test_unusable_relay_leaves_every_delivery_due(world):
    world.add_source()
    for number in range(5):
        world.add_subscriber(f"reader{number}@example.org")
    world.listing = [paper(1)]
    world.check()
    world.compose()
    world.reply = TransportError("smtp localhost:25: connection refused")

    with pytest.raises(TransportError):
        world.deliver()

    with world.database.read() as connection:
        assert outbox.outbox_counts(connection, world.now)["due"] == 5
    world.reply = Reply(code=250, text="ok")
    assert world.deliver().sent == 5


def test_deferred_delivery_goes_out_later_with_the_same_id(world):
    world.add_source()
    world.add_subscriber()
    world.listing = [paper(1)]
    world.check()
    world.compose()
    world.reply = Reply(code=451, text="4.7.1 greylisted")
    assert world.deliver().deferred == 1
    with world.database.read() as connection:
        [waiting] = outbox.list_deliveries(connection, limit=1)
    world.reply = Reply(code=250, text="ok")
    assert world.deliver().sent == 0
    world.now += timedelta(hours=2)

    assert world.deliver().sent == 1

    assert world.sent[0].message_id == waiting.message_id


def test_two_rounds_at_once_compose_each_digest_once(world):
    world.add_source()
    for number in range(30):
        world.add_subscriber(f"reader{number}@example.org")
    world.listing = [paper(1)]
    world.check()
    threads = [threading.Thread(target=world.compose) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert world.deliver().sent == 30


def test_clock_that_was_wrong_for_a_while_does_no_harm(world):
    world.add_source()
    subscriber = world.add_subscriber()
    world.listing = [paper(1)]
    world.check()
    world.compose()
    world.now += 4000 * DAY
    world.compose()
    world.now = NOON + DAY
    world.listing = [paper(2)]
    with world.database.write() as connection:
        recovery.recover(connection, world.now)
    world.check()

    world.compose()

    assert world.carried(subscriber)[-1] == ["A study of retrieval number 2"]


def test_listing_far_below_the_usual_leaves_the_state_and_says_so(world):
    world.add_source()
    world.listing = [paper(number) for number in range(1, 31)]
    world.check()

    world.listing = [paper(99)]
    (check,) = world.check()

    assert check.outcome is ListingOutcome.FAILED
    assert "expected about 30 items as usual, got 1" in check.error


def test_source_that_is_gone_is_paused(world):
    world.add_source()
    world.listing = GoneError("HTTP 410 from papers.example.org", permanent=True)

    world.check()

    with world.database.read() as connection:
        (state,) = sources.list_sources(connection)
    assert state.next_check_at > world.now + timedelta(days=365)
    assert "410" in state.last_error


def test_day_of_arxiv_that_was_missed_is_filled_and_said(world):
    url = "https://rss.arxiv.org/rss/cs.LG"
    world.add_source(replace(SOURCE, url=url, kind="arxiv"))
    asked = []

    async def fetch(source, validators):
        asked.append(source.url)
        day, number = (date(2026, 10, 2), 1) if len(asked) == 1 else (date(2026, 10, 6), len(asked))
        shown_on = day if source.url == url else None
        return Fetched(
            listing=Listing(kind="arxiv", announcements=(paper(number),), shown_on=shown_on)
        )

    world.fetch = fetch

    world.check()
    (check,) = world.check()

    assert "export.arxiv.org/api/query" in asked[2]
    assert check.new == 2
    assert check.warnings == ("days were missed: 2026-10-05: 1 items taken from arXiv's query API",)


def test_day_of_arxiv_that_was_missed_is_taken_from_the_list_where_the_api_fails(world):
    url = "https://rss.arxiv.org/rss/cs.LG"
    world.add_source(replace(SOURCE, url=url, kind="arxiv"))
    friday, monday, tuesday = date(2026, 10, 2), date(2026, 10, 5), date(2026, 10, 6)
    feed = [friday, tuesday]

    async def fetch(source, validators):
        if "/api/" in source.url:
            raise FetchError("HTTP 503 from export.arxiv.org")
        if "/list/cs.LG/recent" in source.url:
            days = [tuesday, monday, friday]
            found = [replace(paper(day.day), announced_on=day) for day in days]
            return Fetched(listing=Listing(kind="arxiv", announcements=tuple(found)))
        day = feed.pop(0)
        return Fetched(listing=Listing(kind="arxiv", announcements=(paper(day.day),), shown_on=day))

    world.fetch = fetch

    world.check()
    (check,) = world.check()

    assert (check.items, check.new) == (2, 2)
    assert check.warnings == (
        "days were missed: 2026-10-05: 1 items taken from arXiv's recent list",
    )


def test_warm_up_lets_twice_as_many_out_each_day(world):
    world.deliver_settings = DeliverSettings(warmup="1/day, doubling")
    world.add_source()
    world.listing = [paper(1)]
    for number in range(6):
        world.add_subscriber(f"reader{number}@example.org")
    world.check()
    world.now += DAY
    world.compose()

    sent = []
    for _ in range(3):
        world.sent.clear()
        world.deliver()
        world.deliver()  # the day's allowance is spent
        sent.append(len(world.sent))
        world.now += DAY

    assert sent == [1, 2, 3]


class InstantClock:
    """Seconds that pass as soon as somebody waits for them."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        self.seconds += 0.01
        return self.seconds


def test_pace_of_the_settings_is_kept_in_a_round(world, monkeypatch):
    clock = InstantClock()
    times = []
    paced = Pace(world, Limits(domain_per_second=10), clock=clock)
    inner = world.send

    async def send(message):
        times.append(clock.seconds)
        return await inner(message)

    monkeypatch.setattr(world, "send", send)
    monkeypatch.setattr(type(world), "transport", property(lambda _: paced))
    world.add_source()
    world.listing = [paper(1)]
    for number in range(4):
        world.add_subscriber(f"reader{number}@example.org")
    world.check()
    world.now += DAY
    world.compose()

    world.deliver()

    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 4
    assert min(gaps) >= 0.08
