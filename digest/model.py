"""The nouns: what a source announces, what a subscriber wishes, what a digest carries.

Values only.  Nothing here reads a clock, a file, a socket or a setting.  Instants are aware
UTC and end in `_at`; days end in `_on`; ids are uuid7 text.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias


def new_id(now: datetime) -> str:
    """Make a time-ordered id of our own: uuid7 as text.

    Ids of one millisecond sort as they were made, too: what is made together stands together
    in table and index, and is read and written with few pages.

    Args:
        now: aware; its milliseconds lead the id, so ids sort by age and keep an index dense.

    Source: RFC 9562 sections 5.7 and 6.2 (method 2).
    """
    milliseconds = int(now.timestamp() * 1000) & (2**48 - 1)
    random = int.from_bytes(os.urandom(9))
    before, latest = _latest_id[0]
    if milliseconds == before:
        random = (latest + (random >> 24) + 1) & (2**74 - 1)
    _latest_id[0] = milliseconds, random
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62
    value |= random & (2**62 - 1)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_latest_id = [(0, 0)]


# --- what is announced ------------------------------------------------------------------


class Announce(StrEnum):
    """How a listing shows an item, strongest first (arXiv's own four words)."""

    NEW = "new"
    CROSS_LIST = "cross"
    REPLACEMENT = "replace"
    REPLACEMENT_CROSS = "replace-cross"

    @property
    def strength(self) -> int:
        """Give 3 for NEW down to 0; when feeds disagree the higher one counts."""
        return len(Announce) - 1 - list(Announce).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where an item can be read; every value is an absolute http(s) address or None."""

    page: str | None = None
    pdf: str | None = None
    html: str | None = None
    code: str | None = None
    project: str | None = None
    discussion: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is known of a work, by whoever describes it.  All text is clean plain text.

    Attributes:
        keys: identity keys, most trusted first: `arxiv:2401.01234`, `doi:10.x`,
            `guid:<source>:...`, `link:...`, `title:<fingerprint>`; at least one.
        title: one line, never empty.
        summary: paragraphs apart by blank lines; "" where the source gives none.
        authors: names in order; may be shorter than `author_count`, or empty.
        author_count: None where unknown.
        published_on: the work's own date (not the listing's); None where unknown.
        published_on_inferred: the year was concluded, not read.
        version: largest version seen; None where the notion does not apply.
        upvotes, comments: the source's counts; None where it shows none.
        ai_summary: a summary marked as machine-made by the source; never the abstract.
        language: BCP 47 tag of title and summary, None where unknown.
    """

    keys: tuple[str, ...]
    title: str
    summary: str = ""
    authors: tuple[str, ...] = ()
    author_count: int | None = None
    organisation: str | None = None
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    links: Links = Links()
    thumbnail: str | None = None
    published_on: date | None = None
    published_on_inferred: bool = False
    version: int | None = None
    upvotes: int | None = None
    comments: int | None = None
    ai_summary: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement(Described):
    """One item as one listing shows it.

    Attributes:
        announce: NEW unless the source says otherwise.
        announced_on: the listing's day for this item, None where it shows none.
        withdrawn: an explicit sign of the source (never concluded from absence).
    """

    announce: Announce = Announce.NEW
    announced_on: date | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Described):
    """The work itself, whatever announced it, as stored.

    Attributes:
        first_seen_at: when any source first showed it.
        eligible_at: since when digests may carry it; None = known but never news (a baseline
            that was skipped, a replacement of something never seen).
        revised_at: last change of title, summary or version.
        sources: names of the sources that announced it, first one first.
        votes_by_day: (day, votes at its end), oldest first, by UTC days, some may be missing;
            () where nobody votes, or where it was not asked for.
    """

    id: str
    first_seen_at: datetime
    eligible_at: datetime | None = None
    revised_at: datetime | None = None
    withdrawn: bool = False
    sources: tuple[str, ...] = ()
    votes_by_day: tuple[tuple[date, int], ...] = ()

    def __hash__(self) -> int:
        """Hash by the id alone: items are looked up a million times a run."""
        return hash(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What one source announced, once; announcements in the listing's own order.

    Attributes:
        kind: the format that was read, as in the settings ("huggingface", "arxiv", "feed").
        details_at: address at which the same items are described in full, where this listing
            holds little more than their ids.
        shown_on: the day that the listing says it is of; None where it says none.
        fresh_for: how long the listing itself asks us to wait (ttl of a feed).
        next_url: where it goes on, None where it ends; absolute, or relative to its address.
        skip_weekdays: days (0 = Monday) on which it says that nothing comes.
        warnings: what was odd but readable, one sentence each, for the operator.
    """

    kind: str
    announcements: tuple[Announcement, ...]
    shown_on: date | None = None
    fresh_for: timedelta | None = None
    next_url: str | None = None
    skip_weekdays: frozenset[int] = frozenset()
    details_at: str | None = None
    warnings: tuple[str, ...] = ()


class ChangeKind(StrEnum):
    """What diff found of one announcement."""

    NEW = "new"
    REVISED = "revised"
    SEEN = "seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One announcement held against the store.

    Attributes:
        item: the item as it shall stand now, all sources' data joined.
        previous: the item as it stood, None if NEW.
        merged_ids: other stored items that this announcement proves to be the same work;
            their keys, ledger, feedback and announcements move over to `item`.
    """

    kind: ChangeKind
    item: Item
    announcement: Announcement
    previous: Item | None = None
    merged_ids: tuple[str, ...] = ()


# --- sources ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place that announces items, as configured.

    Attributes:
        name: unique; stands in guid keys, so renaming a source makes its guids new.
        kind: "auto", "huggingface", "arxiv", "feed", ...
        url: http(s) address, or path of a local file or folder of saved listings.
        every: shortest time between two checks.
        backlog: how many newest items of the first listing may go into digests; None = all.
        announce: which announcements make an item eligible.
        private_network: connections to private addresses are allowed.
        options: what only this kind understands.
    """

    name: str
    url: str
    kind: str = "auto"
    every: timedelta = timedelta(hours=1)
    backlog: int | None = 20
    announce: tuple[Announce, ...] = (Announce.NEW, Announce.CROSS_LIST)
    private_network: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a server gave us to ask "has it changed" with.  RFC 9110 section 8.8."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The answer of a source that could be read.

    Attributes:
        listing: None = unchanged since the validators (HTTP 304, or same bytes).
        fresh_for: how long the server asks us to wait (Cache-Control, Expires, ttl).
        moved_to: new address after a permanent redirect.
    """

    listing: Listing | None
    validators: Validators = Validators()
    fresh_for: timedelta | None = None
    moved_to: str | None = None


class ListingOutcome(StrEnum):
    """How one check of a source ended; EMPTY is a success, FAILED is not."""

    NEW = "new"
    UNCHANGED = "unchanged"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """A source with what the store remembers of it.

    Attributes:
        failures: failed checks in a row.
        usual_count: running median-like count of a non-empty listing, None before the first.
        listed: a listing was stored before, so the next one is no baseline.
    """

    id: str
    source: Source
    next_check_at: datetime
    validators: Validators = Validators()
    failures: int = 0
    last_ok_at: datetime | None = None
    last_error: str | None = None
    usual_count: int | None = None
    listed: bool = False
    enabled: bool = True


# --- subscribers ------------------------------------------------------------------------


class SubscriberStatus(StrEnum):
    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"


class Frequency(StrEnum):
    """How often a digest goes out; `Schedule.weekdays` holds the days it means."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


class Form(StrEnum):
    """How much a digest says of each item; a weekly one says more, by its `Frequency`."""

    FULL = "full"
    SHORT = "short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a subscriber wants the digest.

    Attributes:
        timezone: IANA name.
        at: local wall-clock time, minutes precise.
        weekdays: 0 (Monday) to 6 (Sunday), at least one.
    """

    timezone: str = "UTC"
    at: time = time(7, 0)
    weekdays: frozenset[int] = frozenset(range(7))
    frequency: Frequency = Frequency.DAILY


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """A named wish of a subscriber.

    Attributes:
        text: the topic in plain words.
        keywords: words and phrases; `graph*` stands for a beginning.
        examples: items by identity key (`arxiv:2401.01234`), by link or by title.
        muted_words, muted_authors: hard: an item that shows one is never picked.
        less_of: soft: words that weigh against an item.
        weight: above 0; 1.0 is usual.
    """

    name: str
    text: str = ""
    keywords: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    muted_words: tuple[str, ...] = ()
    muted_authors: tuple[str, ...] = ()
    less_of: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One address, with a status and its wishes.

    Attributes:
        config_owned: made by the configuration file, and updated from it.
        max_items, at_least: a digest carries at most / is held back below so many picks.
        minimum_score: 0.0 to 1.0; items below are not picked.
        popularity: the dial, 0.0 (interests alone) to 1.0 (votes alone).
        explore: one pick may come from outside the interests, and is marked so.
        form: SHORT = titles and reasons only.
        thumbnails: items are shown with their picture, where the operator allows pictures.
        revisions: new versions of items that were sent are listed, in a section of their own.
        language: BCP 47 tag.
        last_digest_at: until when items were looked at by the last digest that went out.
        link_epoch: signed links of an earlier one no longer open the preferences.
    """

    id: str
    email: str
    name: str = ""
    status: SubscriberStatus = SubscriberStatus.CONFIRMED
    config_owned: bool = False
    schedule: Schedule = Schedule()
    interests: tuple[Interest, ...] = ()
    max_items: int = 10
    at_least: int = 1
    minimum_score: float = 0.0
    popularity: float = 0.3
    explore: bool = True
    form: Form = Form.FULL
    thumbnails: bool = False
    revisions: bool = False
    language: str = "en"
    next_digest_at: datetime | None = None
    last_digest_at: datetime | None = None
    paused_until: datetime | None = None
    link_epoch: int = 0
    created_at: datetime | None = None

    @property
    def interest_names(self) -> tuple[str, ...]:
        """The interests' names, in their order."""
        return tuple([interest.name for interest in self.interests])


class Addressee(Protocol):
    """A subscriber as a mail sees one; see there."""

    @property
    def id(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def link_epoch(self) -> int: ...
    @property
    def language(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def form(self) -> Form: ...
    @property
    def thumbnails(self) -> bool: ...
    @property
    def revisions(self) -> bool: ...
    @property
    def schedule(self) -> Schedule: ...
    @property
    def interest_names(self) -> tuple[str, ...]: ...


LIKED = "liked"
"""Name of the interest that liked items make which belong to none that the reader states."""


class Verdict(StrEnum):
    """What a reader thinks of an item; SAVE keeps it to read, and counts as a weaker MORE."""

    MORE = "more"
    LESS = "less"
    SAVE = "save"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A subscriber's verdict on an item.

    Attributes:
        interest: name of the interest under which the item was picked; None where it was not
            picked, or for its popularity alone.
    """

    item: Described
    verdict: Verdict
    at: datetime
    interest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A subscriber as ranking sees one: wishes and verdicts, no address.

    Attributes:
        examples: items named by an interest and found in the store, by interest name.
        max_items: picks wanted; None = as many as are asked for the whole batch.
        minimum_score: items below are no picks.
        explore: one pick may come from outside the interests.
        salt: another one each day and reader, for what is drawn; the same draws the same.
        id: by which profiles are kept; "" = nothing is.
    """

    interests: tuple[Interest, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    examples: Mapping[str, tuple[Described, ...]] = field(default_factory=dict)
    popularity: float = 0.3
    max_items: int | None = None
    minimum_score: float = 0.0
    explore: bool = False
    salt: str = ""
    id: str = ""


# --- digests ----------------------------------------------------------------------------


class ReasonKind(StrEnum):
    KEYWORD = "keyword"
    TOPIC = "topic"
    RELATED = "related"
    AUTHOR = "author"
    ORGANISATION = "organisation"
    CATEGORY = "category"
    EXAMPLE = "example"
    FEEDBACK = "feedback"
    LESS_OF = "less-of"
    POPULARITY = "popularity"
    OUTSIDE = "outside"


class Reason(NamedTuple):
    """Why an item was picked; the shares of all reasons add up to the score.

    A tuple, as `Ranked` is, for a round makes millions of them.

    Attributes:
        value: the matched words as the item spells them, the liked item's title, a count;
            of RELATED the topic itself, of which the item shows no word; of OUTSIDE what speaks
            for the item all the same: "popular", "rising" or "new".
        interest: name of the interest that it speaks for, None for popularity.
        share: what it adds to the score; negative for LESS_OF, 0 for OUTSIDE.
    """

    kind: ReasonKind
    value: str
    share: float
    interest: str | None = None


class Ranked(NamedTuple):
    """An item with its score for one subscriber.

    Attributes:
        score: 0.0 to 1.0.
        interest: the interest it stands under in the digest; None = popularity alone.
    """

    item: Item
    score: float
    interest: str | None = None
    reasons: tuple[Reason, ...] = ()


Said: TypeAlias = tuple[str, str]
"""A reason that a mail names: its kind's value, and its own."""


class Pick(NamedTuple):
    """A ranked item that a digest carries; its row is the ledger.

    A tuple, for a round makes millions of them.

    Attributes:
        place: from 1, through the whole digest.
        reasons: all of them; () where only what is said of them was read.
        upvotes, comments: as they stood when the digest was composed.
        said: kind and value of the reasons that are named, the weightiest first; None = not
            decided yet.
        sentences: places of those that are shown of the summary; None = not decided yet.
    """

    place: int
    item: Item
    score: float
    interest: str | None = None
    reasons: tuple[Reason, ...] = ()
    upvotes: int | None = None
    comments: int | None = None
    said: tuple[Said, ...] | None = None
    sentences: tuple[int, ...] | None = None


class MentionKind(StrEnum):
    """Why a digest names an item by a title line.

    ALSO_NEW had no place among the picks, MOST_VOTED leads a week whoever reads of it, REVISED
    has a newer version than the one that the reader was sent.
    """

    ALSO_NEW = "also-new"
    MOST_VOTED = "most-voted"
    REVISED = "revised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """An item that a digest names without carrying it.

    It does not enter the ledger: a title line says too little to count as sent, so the item
    may be picked tomorrow.

    Attributes:
        item: as it stood, without comments and votes by day.
        sent_on: edition of the digest that carried an earlier version, if REVISED.
    """

    kind: MentionKind
    item: Item
    sent_on: date | None = None

    @classmethod
    def of(cls, kind: MentionKind, item: Item, sent_on: date | None = None) -> "Mention":
        """Mention an item, without what the store does not keep of a mention."""
        return cls(kind=kind, item=replace(item, comments=None, votes_by_day=()), sent_on=sent_on)


class DigestState(StrEnum):
    """COMPOSED goes out; HELD was too thin, so its items wait for the next digest."""

    COMPOSED = "composed"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a digest says of its day, frozen with it.

    Attributes:
        new_items: items that became eligible in the window.
        source_names: sources that announced them.
        failed_sources: sources that could not be read at the time.
        quiet_sources: sources whose last listing was empty, as on a holiday.
        next_digest_at: when the reader may expect the next one.
    """

    new_items: int = 0
    source_names: tuple[str, ...] = ()
    failed_sources: tuple[str, ...] = ()
    quiet_sources: tuple[str, ...] = ()
    next_digest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One subscriber's picks of one edition.

    Attributes:
        edition: the local day it is for.
        window_from: items eligible since then competed.
        picks: in the order shown; those of one interest stand together.
        mentions: what else the digest names, those of one kind together.
    """

    id: str
    subscriber_id: str
    edition: date
    window_from: datetime
    composed_at: datetime
    state: DigestState = DigestState.COMPOSED
    picks: tuple[Pick, ...] = ()
    mentions: tuple[Mention, ...] = ()
    day: Day = Day()


# --- deliveries -------------------------------------------------------------------------


class DeliveryKind(StrEnum):
    """What a message is: a digest, or a notice of a few sentences.

    CONFIRMATION asks whether a sign-up is meant, ACCESS leads a known subscriber to the
    preferences, FAREWELL tells the owner of an address that its subscription has ended.
    """

    DIGEST = "digest"
    CONFIRMATION = "confirmation"
    ACCESS = "access"
    FAREWELL = "farewell"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Delivery(NamedTuple):
    """One message for one recipient, with its state.

    Attributes:
        message_id: without angle brackets; the same for every attempt.
        attempts: tries begun so far, a running one included.
        next_attempt_at: when it is due; a claim moves it on.
        counted_from: since when it is tried, times of standstill left out; None = since it was
            made.
        superseded_at: when the reader's next digest is due; None = it waits for none.
    """

    id: str
    kind: DeliveryKind
    recipient: str
    message_id: str
    created_at: datetime
    next_attempt_at: datetime
    subscriber_id: str | None = None
    digest_id: str | None = None
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    last_reply: str | None = None
    counted_from: datetime | None = None
    superseded_at: datetime | None = None


class Message(NamedTuple):
    """A finished mail with its envelope; `content` is RFC 5322 bytes with CRLF ends.

    Attributes:
        is_plain: whoever wrote it vouches that SMTP carries it as it is: 7-bit, every line ended
            by CRLF, the last one too, and none begun by a dot.
    """

    delivery_id: str
    message_id: str
    sender: str
    recipient: str
    content: bytes
    is_plain: bool = False


class Reply(NamedTuple):
    """An SMTP server's answer about one recipient.

    Attributes:
        code: three digits; 0 = the connection broke before an answer came.
        text: as the server wrote it, control characters removed, at most 500 characters.
        uncertain: the whole message was handed over but no answer came back.
        relay: which server spoke, `host:port`, or the folder of a file transport.
    """

    code: int
    text: str
    uncertain: bool = False
    relay: str = ""


class AttemptOutcome(StrEnum):
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"


class Attempt(NamedTuple):
    """One try at a delivery, finished.

    Attributes:
        next_attempt_at: set if and only if DEFERRED.
        bad_address: the reply says that the address itself is dead (5.1.x).
    """

    delivery_id: str
    at: datetime
    outcome: AttemptOutcome
    reply: Reply
    next_attempt_at: datetime | None = None
    bad_address: bool = False
