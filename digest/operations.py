"""What an operator asks and orders apart from the day's work; each is one short transaction.

The command line shows these answers today, the operator's page may tomorrow.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pydantic import ValidationError

from digest.app import App
from digest.config import InterestSettings, SubscriberSettings
from digest.errors import ConfigError, DigestError
from digest.gallery.kinds import broken_templates
from digest.identity import keys
from digest.model import (
    Attempt,
    Delivery,
    DeliveryKind,
    DeliveryStatus,
    Digest,
    Item,
    SourceState,
    Subscriber,
    SubscriberStatus,
    new_id,
)
from digest.overview import Overview, read_overview
from digest.pipeline.composing import read_candidates, readers_of
from digest.schedule.clock import first_digest_at
from digest.store import (
    attempts,
    digests,
    items,
    membership,
    outbox,
    sources,
    subscribers,
)
from digest.store.membership import Suppression, SuppressionReason
from digest.store.remembered import KeptAway, why_away
from digest.store.subscriber_rows import address_key
from digest.subscriber_files import write_csv, write_json

if TYPE_CHECKING:
    # As heavy as the ranker itself, which is imported where something is ranked.
    from digest.rank.explain import Row

# Digests that `subscribers show` lists.
RECENT_DIGESTS = 20
# What `status` says of mail: how much of which time.
RATE_SPAN = timedelta(hours=1)
ERROR_SPAN = timedelta(days=1)
LAST_ERRORS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the installation is doing.

    Attributes:
        subscribers: status -> count.
        next_digest_at: when the next confirmed subscriber is due, None without any.
        attempts: outcome -> count, of the last hour.
        last_errors: the newest attempts of the last day that were not taken, newest first.
        kept_away: addresses of the settings file that get no mail.
        overview: the same figures that /admin shows.
    """

    sources: list[SourceState]
    subscribers: dict[str, int]
    outbox: Mapping[str, object]
    attempts: Mapping[str, int]
    last_errors: list[Attempt]
    items: int
    next_digest_at: datetime | None
    kept_away: list[KeptAway]
    overview: Overview


def status(app: App, days: int = 7) -> Status:
    """Say how sources, subscribers and the outbox are doing, now and over the last days."""
    app.tally()
    broken = broken_templates(app.settings.mail)
    overview = read_overview(app.database, app.clock(), days, broken)
    with app.database.read() as connection:
        everyone = subscribers.count_by_status(connection)
        now = app.clock()
        ended = attempts.count_attempts(connection, now - RATE_SPAN)
        return Status(
            sources=[state for state in sources.list_sources(connection) if state.enabled],
            subscribers={str(one): count for one, count in everyone.items()},
            outbox=outbox.outbox_counts(connection, now),
            attempts={str(one): count for one, count in ended.items()},
            last_errors=attempts.last_refusals(connection, now - ERROR_SPAN, LAST_ERRORS),
            items=items.count_items(connection),
            next_digest_at=subscribers.next_due_at(connection),
            overview=overview,
            kept_away=why_away(
                connection, app.kept_away, app.hashes if app.settings.has_key else None
            ),
        )


def source_states(app: App) -> list[SourceState]:
    """List the sources of the settings file with what is known of them."""
    with app.database.read() as connection:
        return [state for state in sources.list_sources(connection) if state.enabled]


def source_names(app: App, wanted: Sequence[str] | None) -> list[str]:
    """Give the names of the wanted sources, or of all.

    Raises:
        ConfigError: a name is not in the settings file.
    """
    known = [source.name for source in app.settings.sources]
    for name in wanted or ():
        if name not in known:
            raise ConfigError(f"source {name}: not in the settings file, it has {_listed(known)}")
    return list(wanted or known)


def stored_items(app: App, limit: int, *, eligible_only: bool) -> list[Item]:
    """List stored items, newest first."""
    with app.database.read() as connection:
        return items.recent_items(connection, limit, eligible_only=eligible_only)


def find_subscriber(app: App, address: str) -> Subscriber:
    """Find a subscriber by address.

    Raises:
        ConfigError: nobody has that address.
    """
    with app.database.read() as connection:
        found = subscribers.find_subscriber(connection, address)
    if found is None:
        raise ConfigError(f'subscriber {address}: not known: see "digest subscribers list"')
    return found


def explain(app: App, address: str, text: str) -> "list[Row]":
    """Give the whole sum of one item's score for one subscriber, the total last.

    Args:
        text: id, key, link or title of a stored item.

    Returns:
        Rows whose shares add up to the last one; [] where the subscriber muted the item.

    Raises:
        ConfigError: nobody has that address, or no stored item is meant.
    """
    from digest.rank.explain import explain as explained

    subscriber = find_subscriber(app, address)
    with app.database.read() as connection:
        item = items.find_item(connection, text)
        if item is None:
            named = keys(link=text, title=text)
            found = items.find_by_keys(connection, named)
            item = next((found[key] for key in named if key in found), None)
    if item is None:
        raise ConfigError(f'item {text}: not known: see "digest items"')
    [reader] = readers_of(app.database, [subscriber], {})
    candidates = read_candidates(app.database, app.composer, app.clock())
    return explained(candidates.ranker, reader, item, candidates.items)


def all_subscribers(app: App) -> list[Subscriber]:
    """List every subscriber, whatever the status."""
    with app.database.read() as connection:
        return subscribers.list_subscribers(connection)


def digests_of(app: App, subscriber: Subscriber) -> list[Digest]:
    """List a subscriber's last digests, newest first."""
    with app.database.read() as connection:
        return digests.digests_of(connection, subscriber.id, RECENT_DIGESTS)


def refuse_second_digest(app: App, subscriber: Subscriber) -> None:
    """Make sure that a subscriber had no digest of today yet.

    Raises:
        DigestError: today's went out, or waits in the outbox.
    """
    with app.database.read() as connection:
        last = digests.digests_of(connection, subscriber.id, 1)
    if last and last[0].edition >= app.today(subscriber) and last[0].picks:
        raise DigestError(
            f"digest of {last[0].edition} for {subscriber.email}: already composed, "
            "a reader gets one a day"
        )


def add_subscriber(
    app: App,
    fields: Mapping[str, object],
    *,
    topics: Sequence[str] = (),
    keywords: Sequence[str] = (),
) -> Subscriber:
    """Add a confirmed subscriber, or bring back one that unsubscribed.

    Args:
        fields: keys of a [[subscribers]] table; None stands for the default.
        topics: an interest in plain words each; keywords: of one more interest.

    Raises:
        ConfigError: a field is wrong; DigestError: the address is subscribed or suppressed.
    """
    interests = [InterestSettings(name=topic[:100], text=topic) for topic in topics]
    if keywords:
        interests.append(InterestSettings(name=", ".join(keywords)[:100], keywords=tuple(keywords)))
    given = {key: value for key, value in fields.items() if value is not None}
    try:
        wanted = SubscriberSettings.model_validate(given | {"interests": interests})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"subscriber: {name}: {message}") from error
    now = app.clock()
    subscriber = wanted.subscriber(
        app.settings.digest,
        subscriber_id=new_id(now),
        next_digest_at=first_digest_at(wanted.schedule(app.settings.digest), now),
        config_owned=False,
    )
    with app.database.write() as connection:
        known = subscribers.find_subscriber(connection, subscriber.email)
        hashes = app.hashes(subscriber.email) if app.settings.has_key else ()
        if membership.is_refused(connection, hashes):
            raise DigestError(f"subscriber {subscriber.email}: suppressed, gets no mail")
        if known and known.status is not SubscriberStatus.UNSUBSCRIBED:
            raise DigestError(f"subscriber {known.email}: already {known.status}")
        membership.welcome_back(connection, hashes)
        return subscribers.add_subscriber(connection, subscriber, now)


def export_subscribers(app: App, to: TextIO, form: str) -> int:
    """Write the confirmed subscribers as CSV or JSON, and give how many they are."""
    with app.database.read() as connection:
        found = subscribers.list_subscribers(connection, status=SubscriberStatus.CONFIRMED)
    (write_json if form == "json" else write_csv)(to, found)
    return len(found)


def export_to_file(app: App, path: Path, form: str) -> int:
    """Write the confirmed subscribers to a file that its owner alone may read, whole or not at all.

    Raises:
        DigestError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
            "w",
            encoding="utf-8",
            newline="",
        ) as file:
            count = export_subscribers(app, file, form)
        part.replace(path)
    except OSError as error:
        raise DigestError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def erase_subscriber(app: App, address: str) -> None:
    """Erase a subscriber, from the disk too; of one who left or bounced a hash stays.

    Raises:
        ConfigError: nobody has that address, or the settings file would bring it back.
        DigestError: the database is in use, so that the disk still holds traces for a while.
    """
    subscriber = find_subscriber(app, address)
    listed = {address_key(one.email) for one in app.settings.subscribers}
    if address_key(subscriber.email) in listed:
        raise ConfigError(
            f"subscriber {subscriber.email}: stands in the settings file: take it out there first"
        )
    with app.database.write() as connection:
        hashes = app.hashes if app.settings.has_key else None
        membership.erase_one(connection, subscriber, hashes, app.clock())
    if not app.database.scrub():
        raise DigestError(
            f"subscriber {subscriber.id}: erased, but the database is in use:"
            " the next hourly round overwrites what is left on the disk"
        )


def remove_subscriber(app: App, address: str) -> None:
    """Unsubscribe an address; its history is kept.

    Raises:
        ConfigError: nobody has that address.
    """
    subscriber = find_subscriber(app, address)
    with app.database.write() as connection:
        subscribers.remove_subscriber(connection, subscriber.email, app.clock())


def deliveries(app: App, status: str | None, limit: int) -> list[Delivery]:
    """List the newest deliveries, all or those of one status.

    Raises:
        ConfigError: there is no such status.
    """
    known = [str(one) for one in DeliveryStatus]
    if status is not None and status not in known:
        raise ConfigError(f"status {status}: expected one of {_listed(known)}")
    with app.database.read() as connection:
        return outbox.list_deliveries(
            connection, status=(status and DeliveryStatus(status)) or None, limit=limit
        )


def delivery(app: App, delivery_id: str) -> tuple[Delivery, list[Attempt]]:
    """Give a delivery and its attempts, oldest first.

    Raises:
        ConfigError: there is none of that id.
    """
    with app.database.read() as connection:
        found = outbox.find_delivery(connection, delivery_id)
        if found is None:
            raise ConfigError(f'delivery {delivery_id}: not known: see "digest outbox list"')
        return found, outbox.attempts_of(connection, delivery_id)


def retry_delivery(app: App, delivery_id: str) -> None:
    """Make a waiting or failed delivery due now.

    Raises:
        ConfigError: there is none of that id; DigestError: it was sent or cancelled, its
            reader left, or it is being tried at this moment.
    """
    found, _ = delivery(app, delivery_id)
    with app.database.write() as connection:
        if not outbox.retry_delivery(connection, delivery_id, app.clock()):
            raise _not_waiting(found)


def cancel_delivery(app: App, delivery_id: str) -> None:
    """Take a waiting delivery out of the outbox for good.

    Raises:
        ConfigError: there is none of that id; DigestError: it does not wait any more.
    """
    found, _ = delivery(app, delivery_id)
    with app.database.write() as connection:
        if not outbox.cancel_delivery(connection, delivery_id):
            raise _not_waiting(found)


def suppressions(app: App) -> list[Suppression]:
    """List the addresses that get no mail, by their hashes."""
    with app.database.read() as connection:
        return membership.list_suppressions(connection)


def suppress(app: App, address: str) -> None:
    """Write to an address no more, whether it is subscribed or not.

    Raises:
        ConfigError: there is no key to hash it with.
    """
    now, [hashed, *_] = app.clock(), app.hashes(address)
    with app.database.write() as connection:
        found = subscribers.find_subscriber(connection, address)
        if found is not None:
            suppressed = SubscriberStatus.SUPPRESSED
            subscribers.end_subscriptions(connection, [found.id], suppressed, now)
        membership.suppress(connection, hashed, SuppressionReason.REFUSED, now)


def unsuppress(app: App, address: str) -> None:
    """Let an address sign up again.

    Raises:
        ConfigError: it is not suppressed, or there is no key.
    """
    hashes = app.hashes(address)
    with app.database.write() as connection:
        known = membership.forget_suppression(connection, hashes)
        found = subscribers.find_subscriber(connection, address)
        if found is not None and found.status is SubscriberStatus.SUPPRESSED:
            left = SubscriberStatus.UNSUBSCRIBED
            subscribers.end_subscriptions(connection, [found.id], left, app.clock())
        elif not known:
            raise ConfigError(f"suppression {address}: not known")


def _not_waiting(found: Delivery) -> DigestError:
    pending = found.status is DeliveryStatus.PENDING
    cause = "is being tried at this moment, ask again later" if pending else f"is {found.status}"
    return DigestError(f"delivery {found.id}: {cause}")


def write_preview(app: App, digest: Digest, subscriber: Subscriber, path: Path) -> None:
    """Write a digest as .html, .txt or a whole mail (.eml), by the path's ending.

    Raises:
        ConfigError: another ending.
    """
    match path.suffix.lower():
        case ".html" | ".htm":
            content = app.builder.html(digest, subscriber).encode()
        case ".txt":
            content = app.builder.text(digest, subscriber).encode()
        case ".eml":
            delivery = _preview_delivery(digest, subscriber)
            content = app.builder.build(delivery, digest, subscriber).content
        case _:
            raise ConfigError(f"preview {path}: expected a name that ends in .html, .txt or .eml")
    try:
        path.write_bytes(content)
    except OSError as error:
        raise DigestError(f"preview {path}: cannot be written: {error.strerror}") from error


def _preview_delivery(digest: Digest, subscriber: Subscriber) -> Delivery:
    return Delivery(
        id=digest.id,
        kind=DeliveryKind.DIGEST,
        recipient=subscriber.email,
        message_id=f"{digest.id}@preview.invalid",
        created_at=digest.composed_at,
        next_attempt_at=digest.composed_at,
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
