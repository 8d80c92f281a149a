"""What an operator wants to see at one look, for the command line and the page alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest.model import SourceState
from digest.store import attempts, embeddings, figures, sources, tallies
from digest.store.database import Database
from digest.store.figures import Judged, Queue, RelayCounts
from digest.store.tallies import Ending, Tally

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOP_FEEDBACK = 10
# What a relay does now shows in these, however many there were in the hour.
NEWEST_ATTEMPTS = 2000

# When a person should look; each stands in the sentence it brings about.
FAILURES_IN_A_ROW = 2
LATE = timedelta(minutes=15)
# Fewer messages than this say nothing about a relay or about a share.
ENOUGH = 20
# Gmail, Yahoo and Microsoft act on senders above these (their bulk sender rules, 2024 to 2026).
COMPLAINTS_SHARE = 0.001
BOUNCES_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """A source with the number of new items of each day."""

    state: SourceState
    new_items: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The installation over the last days.

    Attributes:
        days: of UTC, oldest first; every series is aligned with them.
        sources: those of the settings file, by name.
        subscribers: status -> count at the end of each day; None = nothing counted then.
        attempts: how attempts ended -> count of each day; None likewise; today's as they were
            last counted.
        feedback: items with the most verdicts of these days, the most first.
        relays: the newest `NEWEST_ATTEMPTS` attempts of the last hour.
        alarms: a sentence each on what a person should look at.
    """

    days: tuple[date, ...]
    sources: list[SourceReport]
    subscribers: dict[str, tuple[int | None, ...]]
    attempts: dict[str, tuple[int | None, ...]]
    feedback: list[Judged]
    queue: Queue
    relays: list[RelayCounts]
    alarms: list[str]


def read_overview(
    database: Database, now: datetime, days: int, broken: Mapping[str, str] | None = None
) -> Overview:
    """Look at the last days, today's included; at least one.

    Args:
        broken: templates of the operator that ours stand in for, with the cause.
    """
    with database.read() as connection:
        tally = tallies.read_tally(connection, now, days)
        states = [one for one in sources.list_sources(connection) if one.enabled]
        by_source = figures.new_items_by_source(
            connection, [state.id for state in states], tally.days
        )
        queue = figures.queue_now(connection, now)
        relays = figures.count_by_relay(connection, now - HOUR, NEWEST_ATTEMPTS)
        feedback = figures.top_feedback(connection, now - DAY * days, TOP_FEEDBACK)
        began = attempts.first_sent_at(connection)
        counted = tallies.counted_until(connection)
        failed = embeddings.last_error(connection)
    said = list(alarms(states, queue, relays, tally, now))
    if began is not None and (counted is None or now.date() - counted > DAY):
        said.append("figures: nothing was counted today or yesterday: does the service run?")
    said += [
        f"template {name}: broken, ours is used: {cause}" for name, cause in (broken or {}).items()
    ]
    # A model that nobody asks any more is no matter of today.
    if failed and now - failed[1] < DAY:
        said.append(f"the default ranker works alone since {failed[1]:%F %R}Z: {failed[0]}")
    return Overview(
        days=tally.days,
        sources=[SourceReport(state=one, new_items=by_source[one.id]) for one in states],
        subscribers=tally.subscribers,
        attempts=tally.attempts,
        feedback=feedback,
        queue=queue,
        relays=relays,
        alarms=said,
    )


def alarms(
    states: Sequence[SourceState],
    queue: Queue,
    relays: Sequence[RelayCounts],
    tally: Tally,
    now: datetime,
) -> Iterator[str]:
    """Say what a person should look at; nothing if all is well."""
    for state in states:
        if state.failures >= FAILURES_IN_A_ROW:
            yield (
                f"source {state.source.name}: failed {state.failures} times in a row:"
                f" {state.last_error}"
            )
    if queue.oldest_due_at and now - queue.oldest_due_at > LATE:
        minutes = (now - queue.oldest_due_at) // timedelta(minutes=1)
        yield f"outbox: {queue.due} messages are due, the oldest for {minutes} min"
    for relay in relays:
        tried = relay.sent + relay.deferred + relay.failed
        if tried >= ENOUGH and relay.sent * 2 < tried:
            yield f"relay {relay.relay}: took {relay.sent} of the last {tried} messages"
    for ending, share in ((Ending.COMPLAINED, COMPLAINTS_SHARE), (Ending.BOUNCED, BOUNCES_SHARE)):
        sent = sum(count or 0 for count in tally.attempts[Ending.SENT])
        returned = sum(count or 0 for count in tally.attempts[ending])
        if sent >= ENOUGH and returned > sent * share:
            yield f"{ending}: {returned} of {sent} messages of these days, more than {share:.1%}"
