"""One mail of each kind that readers may get, from invented content, by an operator's templates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from digest.compose.digest import compose_digest
from digest.compose.headers import message_id
from digest.compose.message import MessageBuilder
from digest.config import MailSettings
from digest.gallery.samples import ADA, DAY, EDITION, NOW, make_mentions, make_ranked
from digest.links import Links
from digest.model import (
    Day,
    Delivery,
    DeliveryKind,
    Digest,
    Form,
    Frequency,
    Mention,
    MentionKind,
    Message,
    Ranked,
    Schedule,
    Subscriber,
)
from digest.render import Templates

DELIVERY_ID = "0198f3c2-aaaa-7bbb-8ccc-0123456789ab"
DIGEST_ID = "0198f3c2-bbbb-7bbb-8ccc-0123456789ab"
# Of nobody: these links open nothing.
NO_KEY = "of-an-example-and-nothing-else-0000000000"
NO_PAGES = "https://digest.example.org"

WEEKLY = Schedule(timezone="Europe/Oslo", frequency=Frequency.WEEKLY, weekdays=frozenset({5}))
PICTURED = replace(ADA, thumbnails=True, revisions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One mail of the gallery.

    Attributes:
        name: in addresses and file names.
        label: for people.
    """

    name: str
    label: str
    message: Message

    @property
    def subject(self) -> str:
        """Give the subject, decoded."""
        return str(self._mail()["Subject"])

    @property
    def html(self) -> str:
        """Give the HTML part."""
        return self._part("html")

    @property
    def text(self) -> str:
        """Give the text part."""
        return self._part("plain")

    def _part(self, kind: str) -> str:
        part = self._mail().get_body((kind,))
        return str(part.get_content()).replace("\r\n", "\n") if part else ""

    def _mail(self) -> EmailMessage:
        return message_from_bytes(self.message.content, policy=default)


def exhibits(mail: MailSettings, templates: Templates, language: str = "en") -> Iterator[Exhibit]:
    """Build a mail of every kind.

    Raises:
        ConfigError: a setting cannot be used; RenderError: a template of ours is broken.
    """
    links = Links(NO_PAGES, [NO_KEY])
    builder = MessageBuilder(mail, templates, links)
    for name, label, digest, wishes in _digests():
        subscriber = replace(wishes, language=language)
        delivery = _delivery(DeliveryKind.DIGEST, subscriber, mail)
        message = builder.build(delivery, digest, subscriber)
        yield Exhibit(name=name, label=label, message=message)
    for kind in DeliveryKind:
        if kind is not DeliveryKind.DIGEST:
            subscriber = replace(ADA, language=language)
            message = builder.notice(_delivery(kind, subscriber, mail), subscriber)
            yield Exhibit(name=kind.value, label=kind.value.capitalize(), message=message)


def broken_templates(mail: MailSettings) -> Mapping[str, str]:
    """Try an operator's templates: file name -> what is wrong with it."""
    if mail.templates is None:
        return {}
    if not mail.templates.is_dir():
        return {str(mail.templates): "no such folder"}
    templates = Templates(mail.templates)
    templates.load_own()
    for _ in exhibits(mail, templates):
        pass
    return templates.broken


def digest_exhibit(
    mail: MailSettings, templates: Templates, digest: Digest, subscriber: Subscriber
) -> Exhibit:
    """Build a mail of a real reader's digest; its links open nothing."""
    builder = MessageBuilder(mail, templates, Links(NO_PAGES, [NO_KEY]))
    delivery = _delivery(DeliveryKind.DIGEST, subscriber, mail)
    message = builder.build(delivery, digest, subscriber)
    return Exhibit(name="yours", label=f"Of {subscriber.email}", message=message)


def _delivery(kind: DeliveryKind, subscriber: Subscriber, mail: MailSettings) -> Delivery:
    return Delivery(
        id=DELIVERY_ID,
        kind=kind,
        recipient=subscriber.email,
        message_id=message_id(DELIVERY_ID, mail),
        created_at=NOW,
        next_attempt_at=NOW,
    )


def _digests() -> Iterator[tuple[str, str, Digest, Subscriber]]:
    """Compose a digest of each kind, with the reader it is for."""
    ranked, mentions = make_ranked(), make_mentions()
    also_new = tuple(one for one in mentions if one.kind is MentionKind.ALSO_NEW)
    revised = tuple(one for one in mentions if one.kind is not MentionKind.MOST_VOTED)
    quiet = replace(DAY, new_items=3, source_names=("hf",), failed_sources=())
    yield "digest", "Digest", _compose(ADA, ranked, also_new), ADA
    yield (
        "pictures",
        "Digest with everything asked for",
        _compose(PICTURED, ranked, revised),
        PICTURED,
    )
    short = replace(ADA, form=Form.SHORT)
    yield "short", "Short form", _compose(short, ranked), short
    weekly = replace(ADA, schedule=WEEKLY)
    week = [
        one._replace(item=replace(one.item, eligible_at=NOW - timedelta(days=back)))
        for one, back in zip(ranked, (0, 3, 0, 5, 3, 0), strict=True)
    ]
    yield "weekly", "Weekly form", _compose(weekly, week, mentions, days_back=7), weekly
    thin = replace(quiet, quiet_sources=("arxiv-bio", "arxiv-cs"))
    yield "thin-day", "Thin day", _compose(ADA, ranked[:1], day=thin), ADA
    yield "catch-up", "Catching up", _compose(ADA, ranked, days_back=9), ADA
    down = Day(failed_sources=DAY.source_names, next_digest_at=DAY.next_digest_at)
    yield "sources-down", "All sources down", _compose(ADA, ranked[1:3], day=down), ADA


def _compose(
    subscriber: Subscriber,
    ranked: list[Ranked],
    mentions: tuple[Mention, ...] = (),
    *,
    day: Day = DAY,
    days_back: int = 3,
) -> Digest:
    return compose_digest(
        subscriber,
        ranked,
        digest_id=DIGEST_ID,
        edition=EDITION,
        window_from=NOW - timedelta(days=days_back),
        now=NOW,
        day=day,
        mentions=mentions,
    )
