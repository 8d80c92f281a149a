"""Settings: their names, types, defaults and checks; frozen values.

Every key can be given in the environment as `DIGEST_<GROUP>__<KEY>` (`DIGEST_SMTP__PASSWORD`);
lists of tables as JSON (`DIGEST_SOURCES='[{...}]'`).  `config_file.py` reads the file.
"""

import re
from datetime import date, datetime, time, timedelta
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from digest.errors import ConfigError
from digest.model import Announce, Form, Frequency, Interest, Schedule, Source, Subscriber

SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)", re.IGNORECASE)
SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
RAMP = re.compile(r"(\d{1,7})\s*/\s*day\s*(?:,\s*(?:(doubling)|x?(\d+(?:\.\d+)?)))?", re.IGNORECASE)
DOMAIN = (
    r"^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$"
)
# What a signed address leaves of the 64 that stand before "@" (RFC 5321 section 4.5.3.1.1).
RETURN_ROOM = 28
# A reader is given up after so many soft bounces in a row.
SOFT_LIMIT = 5
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# What a frequency means where no weekdays are given.
USUAL_DAYS = {
    Frequency.DAILY: frozenset(range(7)),
    Frequency.WEEKDAYS: frozenset(range(5)),
    Frequency.WEEKLY: frozenset({0}),
}
# The newest by submission; at two thousand a day over all of arXiv, enough for an hour.
ARXIV_PAGE_ITEMS = 200
ENVIRONMENT_PREFIX = "DIGEST_"
# Shorter keys of signed links could be guessed; `openssl rand -base64 32` gives 44 characters.
KEY_CHARS = 32


def parse_span(value: object) -> object:
    """Read "90s", "30m", "1h 30m", "2d"; anything else is left to pydantic's own message."""
    if not isinstance(value, str):
        return value
    parts = SPAN.findall(value)
    if not parts or SPAN.sub("", value).strip():
        raise ValueError('expected a span such as "30m", "6h" or "1d"')
    return timedelta(seconds=sum(float(number) * SECONDS[unit.lower()] for number, unit in parts))


def check_zone(name: str) -> str:
    """Accept an IANA time zone name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError('expected an IANA time zone such as "Europe/Berlin"') from error
    return name


def check_address(address: str) -> str:
    """Accept one deliverable-looking address; normalised, case of the local part kept."""
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"expected an email address: {error}") from error


def check_mailbox(text: str) -> str:
    """Accept `ada@example.org` or `Ada <ada@example.org>`."""
    name, address = parseaddr(text)
    checked = check_address(address)
    return str(Address(name, addr_spec=checked)) if name else checked


def parse_weekdays(value: object) -> object:
    """Read ["mon", "thu"] into {0, 3}."""
    if not isinstance(value, list | tuple):
        return value
    try:
        return frozenset(WEEKDAYS.index(str(day).lower()[:3]) for day in value)
    except ValueError as error:
        raise ValueError(f"expected days out of {', '.join(WEEKDAYS)}") from error


class Ramp(NamedTuple):
    """How a new sender warms up: messages on the first day, and the factor from day to day."""

    first_day: int
    growth: float


def parse_ramp(value: object) -> object:
    """Read "50/day, doubling" or "50/day, x1.5"; without a factor it doubles."""
    if not isinstance(value, str):
        return value
    parts = RAMP.fullmatch(value.strip())
    ramp = Ramp(int(parts[1]), float(parts[3] or 2.0)) if parts else Ramp(0, 0.0)
    if ramp.first_day < 1 or ramp.growth < 1:
        raise ValueError('expected a ramp such as "50/day, doubling" or "50/day, x1.5"')
    return ramp


def check_local_time(value: time) -> time:
    """Accept a wall-clock time; its zone is a setting of its own."""
    if value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError('expected a local time such as "07:30", without seconds or zone')
    return value


def check_base_url(url: str) -> str:
    """Accept `https://digest.example.org`: scheme and host alone."""
    parts = urlsplit(url.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError('expected an address such as "https://digest.example.org"')
    if parts.path or parts.query or parts.fragment:
        raise ValueError("expected an address without a path")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def check_image_url(url: str) -> str:
    """Accept an absolute http(s) address that can stand in an attribute as it is."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
        raise ValueError('expected an address such as "https://example.org/logo.png"')
    return url


def check_listen(listen: str) -> str:
    """Accept `127.0.0.1:8080` or `[::1]:8080`; port 0 = any that is free."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError('expected an address and a port such as "127.0.0.1:8080"')
    return listen


LocalTime = Annotated[time, AfterValidator(check_local_time)]
Span = Annotated[timedelta, BeforeValidator(parse_span)]
Zone = Annotated[str, AfterValidator(check_zone)]
EmailAddress = Annotated[str, AfterValidator(check_address)]
Mailbox = Annotated[str, AfterValidator(check_mailbox)]
Weekdays = Annotated[frozenset[int], BeforeValidator(parse_weekdays)]
Share = Annotated[float, Field(ge=0, le=1)]


class Group(BaseModel):
    """A table of the settings file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ServiceSettings(Group):
    """[service]: the process itself."""

    contact: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    tick: Span = timedelta(seconds=20)
    stop_within: Span = timedelta(seconds=60)


class DatabaseSettings(Group):
    """[database]: SQLite (one file) or PostgreSQL."""

    url: str = "sqlite:///digest.db"


class FetchSettings(Group):
    """[fetch]: how sources are read."""

    body_limit_mb: int = Field(20, ge=1, le=200)


class DeliverSettings(Group):
    """[deliver]: where messages go."""

    to: Literal["smtp", "files"] = "smtp"
    folder: Path = Path("outbox")
    lease: Span = timedelta(minutes=15)
    give_up_after: Span = timedelta(hours=24)
    batch: int = Field(200, ge=1, le=5000)
    record_every: int = Field(32, ge=1, le=1000)
    senders: int = Field(0, ge=0, le=64)
    uncertain: Literal["retry", "give up"] = "retry"
    per_second: float | None = Field(None, gt=0)
    domain_per_second: float | None = Field(None, gt=0)
    domain_connections: int | None = Field(None, ge=1)
    warmup: Annotated[Ramp | None, BeforeValidator(parse_ramp)] = None
    warmup_from: date | None = None


class SmtpSettings(Group):
    """[smtp]: the relay."""

    protocol: Literal["smtp", "lmtp"] = "smtp"
    host: str = "localhost"
    port: int = Field(587, ge=1, le=65535)
    socket: Path | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    login: Literal["password", "xoauth2"] = "password"
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    connections: int = Field(4, ge=1, le=64)
    per_connection: int = Field(100, ge=1)
    timeout: Span = timedelta(seconds=60)
    local_name: str | None = None

    @model_validator(mode="after")
    def check_login(self) -> Self:
        """A user name needs a password, and the two of them an encrypted connection."""
        if self.password and self.password_file:
            raise ValueError("password and password_file exclude each other")
        if self.username and not (self.password or self.password_file):
            raise ValueError("username needs password or password_file")
        if self.username and self.security == "none":
            raise ValueError('a login needs security = "starttls" or "tls"')
        return self


class RelaySettings(SmtpSettings):
    """[[relays]]: one of several relays, in order of preference; stands instead of [smtp]."""

    weight: int = Field(1, ge=0, le=1000)


class DkimSettings(Group):
    """[dkim]: the key that signs, for relays that do not sign themselves."""

    domain: str = Field(pattern=DOMAIN)
    selector: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    key_file: Path


class ImapSettings(Group):
    """[bounces.imap]: an account of a mail server that nobody else reads."""

    host: str
    port: int | None = Field(None, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    login: Literal["password", "xoauth2"] = "password"
    username: str
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    folder: str = "INBOX"
    move_to: str | None = None
    timeout: Span = timedelta(seconds=60)

    @property
    def number(self) -> int:
        """The port, by default that of the chosen encryption."""
        return self.port or (993 if self.security == "tls" else 143)

    @model_validator(mode="after")
    def check_login(self) -> Self:
        """A login needs a password, and an encrypted connection to any other machine."""
        if bool(self.password) == bool(self.password_file):
            raise ValueError("needs either password or password_file")
        if self.security == "none" and self.host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError('security = "none" is for this very machine: use "tls" or "starttls"')
        return self


class BounceSettings(Group):
    """[bounces]: where mail comes back to, and who reads it."""

    address: EmailAddress
    maildir: Path | None = None
    imap: ImapSettings | None = None
    every: Annotated[Span, Field(ge=timedelta(seconds=1))] = timedelta(minutes=5)
    soft_limit: int = Field(SOFT_LIMIT, ge=1, le=100)

    @model_validator(mode="after")
    def check_mailbox(self) -> Self:
        """One mailbox holds what comes back."""
        if bool(self.maildir) == bool(self.imap):
            raise ValueError("needs either maildir or [bounces.imap]")
        return self


class MailSettings(Group):
    """[mail]: how messages look and whom they speak for."""

    sender: Mailbox = Field("Daily Digest <digest@localhost.localdomain>", alias="from")
    reply_to: Mailbox | None = None
    unsubscribe: EmailAddress | None = None
    list_id: str | None = None
    subject: str = "{date} · {title}{more}"
    accent: str = Field("#b45309", pattern=r"^#[0-9a-fA-F]{6}$")
    logo_text: str = "Daily Digest"
    logo_image: Annotated[str, AfterValidator(check_image_url)] | None = None
    logo_width: int = Field(140, ge=16, le=568)
    thumbnails: Literal["off", "proxied", "direct"] = "off"
    contact: str = ""
    templates: Path | None = None


class WebSettings(Group):
    """[web]: the public pages; there are none without a base_url."""

    base_url: Annotated[str, AfterValidator(check_base_url)] | None = None
    listen: Annotated[str, AfterValidator(check_listen)] = "127.0.0.1:8080"
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    admin_token: SecretStr | None = None
    admin_token_file: Path | None = None
    admin_header: str | None = Field(None, pattern=r"^[A-Za-z0-9-]{1,64}$")
    admin_users: tuple[str, ...] = ()
    sign_ups_per_network: int = Field(20, ge=1)
    sign_ups_per_hour: int = Field(500, ge=1)
    unconfirmed_for: Span = timedelta(days=7)
    unsubscribed_for: Span = timedelta(days=30)

    @model_validator(mode="after")
    def check_key(self) -> Self:
        """Links of mails need a key that outlives the process."""
        for name in ("secret_key", "admin_token"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise ValueError(f"{name} and {name}_file exclude each other")
        if self.admin_header and not (self.admin_users and self.trusted_proxies):
            raise ValueError("admin_header needs admin_users and trusted_proxies")
        if self.base_url and not (self.secret_key or self.secret_key_file):
            raise ValueError(
                "base_url needs secret_key or secret_key_file,"
                ' make one with "openssl rand -base64 32"'
            )
        return self


class EmbeddingSettings(Group):
    """[embeddings]: a sentence-embedding model beside the default ranker; an optional extra."""

    folder: Path | None = None
    url: str | None = Field(None, pattern=r"^https?://[^\s/?#]+[^\s?#]*$")
    model: str = ""
    key: SecretStr | None = None
    key_file: Path | None = None
    timeout: Annotated[Span, Field(ge=timedelta(seconds=1))] = timedelta(seconds=30)
    budget: Annotated[Span, Field(ge=timedelta(seconds=1))] = timedelta(minutes=2)
    weight: Share = 0.25

    @model_validator(mode="after")
    def check_model(self) -> Self:
        """One model, from one place."""
        if bool(self.folder) == bool(self.url):
            raise ValueError("expected either folder or url")
        if self.url and not self.model:
            raise ValueError("url needs the name of a model")
        if self.key and self.key_file:
            raise ValueError("key and key_file exclude each other")
        return self


class DigestSettings(Group):
    """[digest]: what every digest keeps to, and the defaults of a subscriber."""

    timezone: Zone = "UTC"
    at: LocalTime = time(7, 0)
    frequency: Frequency = Frequency.DAILY
    weekdays: Weekdays | None = None
    max_items: int = Field(10, ge=1, le=100)
    at_least: int = Field(1, ge=1, le=100)
    minimum_score: Share = 0.0
    popularity: Share = 0.3
    explore: bool = True
    form: Form = Form.FULL
    thumbnails: bool = False
    revisions: bool = False
    language: str = "en"
    window_days: int = Field(3, ge=1, le=60)
    catch_up_days: int = Field(14, ge=1, le=60)
    diversity: Share = 0.2
    interest_share: Share = 0.7
    source_share: Share = 0.7
    feedback_half_life: Annotated[Span, Field(ge=timedelta(days=1))] = timedelta(days=730)

    @model_validator(mode="after")
    def check_windows(self) -> Self:
        """The window after an outage is never shorter than the usual one."""
        if self.catch_up_days < self.window_days:
            raise ValueError("catch_up_days must not be below window_days")
        return self


Expression = Annotated[str, Field(max_length=1000)]


class MappingSettings(Group):
    """[sources.mapping]: where the facts stand in a JSON document, as JMESPath expressions."""

    items: Expression = "@"
    title: Expression
    id: Expression = ""
    arxiv: Expression = ""
    doi: Expression = ""
    link: Expression = ""
    pdf: Expression = ""
    summary: Expression = ""
    authors: Expression = ""
    organisation: Expression = ""
    categories: Expression = ""
    keywords: Expression = ""
    date: Expression = ""
    version: Expression = ""
    upvotes: Expression = ""
    comments: Expression = ""
    next: Expression = ""


class SelectorSettings(Group):
    """[sources.selectors]: where the facts stand on a page, as CSS selectors.

    What is left out is looked for where most pages have it.
    """

    item: Expression = ""
    title: Expression = ""
    link: Expression = ""
    id: Expression = ""
    arxiv: Expression = ""
    doi: Expression = ""
    pdf: Expression = ""
    summary: Expression = ""
    authors: Expression = ""
    organisation: Expression = ""
    categories: Expression = ""
    date: Expression = ""
    upvotes: Expression = ""
    comments: Expression = ""
    next: Expression = ""


class ArxivSettings(Group):
    """The key arxiv of [[sources]]: categories instead of an address."""

    categories: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z-]+(\.[A-Za-z-]+)?$")], ...],
        Field(min_length=1, max_length=50),
    ]
    via: Literal["rss", "api", "list"] = "rss"

    @model_validator(mode="after")
    def check_list(self) -> Self:
        """A list page is of one category."""
        if self.via == "list" and len(self.categories) > 1:
            raise ValueError('via = "list" takes one category: make one source of each')
        return self

    def url(self) -> str:
        """Build the address that the categories are announced at."""
        query = {
            "search_query": " OR ".join(
                f"cat:{name}" if "." in name else f"cat:{name}*" for name in self.categories
            ),
            "sortBy": "submittedDate",
            "sortOrder": "descending",
            "max_results": ARXIV_PAGE_ITEMS,
        }
        match self.via:
            case "api":
                return f"https://export.arxiv.org/api/query?{urlencode(query)}"
            case "list":
                return f"https://arxiv.org/list/{self.categories[0]}/new"
            case "rss":
                return f"https://rss.arxiv.org/rss/{'+'.join(self.categories)}"


class SourceSettings(Group):
    """[[sources]]: a place that announces items."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    url: str = ""
    arxiv: ArxivSettings | None = None
    kind: Literal["auto", "huggingface", "arxiv", "feed", "api", "page", "file"] = "auto"
    every: Annotated[Span, Field(ge=timedelta(minutes=1))] = timedelta(hours=1)
    backlog: Annotated[int, Field(ge=0)] | Literal["skip", "include"] = 20
    announce: tuple[Announce, ...] = (Announce.NEW, Announce.CROSS_LIST)
    private_network: bool = False
    pages: Annotated[int, Field(ge=1, le=50)] | None = None
    mapping: MappingSettings | None = None
    selectors: SelectorSettings | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def check_tables(self) -> Self:
        """A table says how one kind is read; with another it would be passed over in silence."""
        if self.mapping and self.kind != "api":
            raise ValueError('mapping needs kind = "api"')
        if self.selectors and self.kind != "page":
            raise ValueError('selectors need kind = "page"')
        return self

    @model_validator(mode="after")
    def check_address(self) -> Self:
        """A source has an address, or categories of arXiv that stand for one."""
        if bool(self.url) == bool(self.arxiv):
            raise ValueError("give either url or arxiv = { categories = [...] }")
        if self.arxiv and self.kind not in ("auto", "arxiv"):
            raise ValueError(f'arxiv = {{...}} is of kind "arxiv", got kind = "{self.kind}"')
        return self

    def source(self) -> Source:
        """Give the source as the stages know it; what one kind alone needs stands in options."""
        backlog = {"skip": 0, "include": None}.get(str(self.backlog), self.backlog)
        tables = {"pages", "mapping", "selectors"}
        special = self.model_dump(include=tables, exclude_defaults=True)
        fields = self.model_dump(exclude={"backlog", "options", "arxiv", *tables})
        if self.arxiv:
            fields |= {"url": self.arxiv.url(), "kind": "arxiv"}
        return Source(
            backlog=backlog if backlog is None else int(backlog),
            options=self.options | special,
            **fields,
        )


class InterestSettings(Group):
    """[[subscribers.interests]]: a named wish."""

    name: str = Field(min_length=1, max_length=100)
    text: str = Field("", max_length=5000)
    keywords: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    muted_words: tuple[str, ...] = ()
    muted_authors: tuple[str, ...] = ()
    less_of: tuple[str, ...] = ()
    weight: float = Field(1.0, gt=0, le=100)

    def interest(self) -> Interest:
        """Give the interest as the stages know it."""
        return Interest(**self.model_dump())


WISHES = {
    *("max_items", "at_least", "minimum_score", "popularity"),
    *("explore", "form", "thumbnails", "revisions", "language"),
}
"""What [digest] holds as the default of each subscriber, its schedule apart."""


class SubscriberSettings(Group):
    """[[subscribers]]: one address; what is left out comes from [digest]."""

    email: EmailAddress
    name: str = Field("", max_length=200)
    timezone: Zone | None = None
    at: LocalTime | None = None
    frequency: Frequency | None = None
    weekdays: Weekdays | None = None
    max_items: int | None = Field(None, ge=1, le=100)
    at_least: int | None = Field(None, ge=1, le=100)
    minimum_score: Share | None = None
    popularity: Share | None = None
    explore: bool | None = None
    form: Form | None = None
    thumbnails: bool | None = None
    revisions: bool | None = None
    language: str | None = None
    interests: tuple[InterestSettings, ...] = ()

    @model_validator(mode="after")
    def check_names(self) -> Self:
        """Two interests of one subscriber need two names."""
        names = [interest.name for interest in self.interests]
        if len(set(names)) < len(names):
            raise ValueError("two interests have the same name")
        return self

    def subscriber(
        self,
        defaults: DigestSettings,
        *,
        subscriber_id: str,
        next_digest_at: datetime | None,
        config_owned: bool,
    ) -> Subscriber:
        """Give the subscriber as the stages know it, gaps filled from [digest]."""
        own = self.model_dump(exclude_none=True, exclude={"interests", "email"})
        usual = defaults.model_dump(include=WISHES)
        fields = {key: value for key, value in own.items() if key in usual or key == "name"}
        return Subscriber(
            id=subscriber_id,
            email=self.email,
            config_owned=config_owned,
            schedule=self.schedule(defaults),
            interests=tuple(interest.interest() for interest in self.interests),
            next_digest_at=next_digest_at,
            **(usual | fields),
        )

    def schedule(self, defaults: DigestSettings) -> Schedule:
        """Give the schedule, gaps filled from [digest]; own frequency beats default weekdays."""
        frequency = self.frequency or defaults.frequency
        weekdays = self.weekdays or (None if self.frequency else defaults.weekdays)
        return Schedule(
            timezone=self.timezone or defaults.timezone,
            at=self.at or defaults.at,
            weekdays=weekdays or USUAL_DAYS[frequency],
            frequency=frequency,
        )


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    service: ServiceSettings = ServiceSettings()
    database: DatabaseSettings = DatabaseSettings()
    fetch: FetchSettings = FetchSettings()
    deliver: DeliverSettings = DeliverSettings()
    smtp: SmtpSettings = SmtpSettings()
    relays: tuple[RelaySettings, ...] = ()
    dkim: DkimSettings | None = None
    bounces: BounceSettings | None = None
    mail: MailSettings = MailSettings()
    digest: DigestSettings = DigestSettings()
    embeddings: EmbeddingSettings | None = None
    web: WebSettings = WebSettings()
    sources: tuple[SourceSettings, ...] = ()
    subscribers: tuple[SubscriberSettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings passes it by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - *_file keys do that
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands above the file."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def check_unique(self) -> Self:
        """A source's name and a subscriber's address stand for one thing each."""
        for what, names in (
            ("sources", [source.name for source in self.sources]),
            ("subscribers", [subscriber.email.casefold() for subscriber in self.subscribers]),
        ):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"{what}: given twice: {', '.join(sorted(twice))}")
        return self

    @property
    def has_key(self) -> bool:
        """True if links are signed and addresses remembered by their hash."""
        return bool(self.web.secret_key or self.web.secret_key_file)

    @model_validator(mode="after")
    def check_thumbnails(self) -> Self:
        """Pictures that come through us need pages of ours."""
        if self.mail.thumbnails == "proxied" and not self.web.base_url:
            raise ValueError('mail.thumbnails: "proxied" needs web.base_url')
        return self

    @model_validator(mode="after")
    def check_bounces(self) -> Self:
        """Return paths are signed with the key of the links."""
        if self.bounces and not self.has_key:
            raise ValueError(
                "[bounces] needs web.secret_key or web.secret_key_file,"
                ' make one with "openssl rand -base64 32"'
            )
        if self.bounces and len(self.bounces.address.rpartition("@")[0]) > RETURN_ROOM:
            raise ValueError(f"bounces.address: at most {RETURN_ROOM} characters before the @")
        return self

    @model_validator(mode="after")
    def check_relays(self) -> Self:
        """Several relays stand instead of the one, and one of them takes mail by itself."""
        if self.relays and "smtp" in self.model_fields_set:
            raise ValueError("[smtp] and [[relays]] exclude each other: make [smtp] one of them")
        if self.relays and not any(relay.weight for relay in self.relays):
            raise ValueError("relays: one of them needs a weight above 0")
        return self


def smtp_password(smtp: SmtpSettings) -> str | None:
    """Give the SMTP password from the settings or from its file.

    Raises:
        ConfigError: the file cannot be read or is empty.
    """
    return _secret("smtp.password", smtp.password, smtp.password_file)


def imap_password(imap: ImapSettings) -> str:
    """Give the password of the bounce mailbox from the settings or from its file.

    Raises:
        ConfigError: the file cannot be read or is empty.
    """
    return _secret("bounces.imap.password", imap.password, imap.password_file) or ""


def web_keys(web: WebSettings) -> tuple[str, ...]:
    """Give the keys of signed links, the newest first; the file holds one a line.

    Raises:
        ConfigError: the file cannot be read or is empty, or a key is too short.
    """
    secret = _secret("web.secret_key", web.secret_key, web.secret_key_file)
    keys = tuple((secret or "").split())
    if any(len(key) < KEY_CHARS for key in keys):
        raise ConfigError(f"web.secret_key: expected at least {KEY_CHARS} characters a key")
    return keys


def admin_token(web: WebSettings) -> str | None:
    """Give the token of the operator's page; None = nobody gets in by one.

    Raises:
        ConfigError: the file cannot be read or is empty, or the token is too short.
    """
    token = _secret("web.admin_token", web.admin_token, web.admin_token_file)
    if token is not None and len(token) < KEY_CHARS:
        raise ConfigError(
            f"web.admin_token: expected at least {KEY_CHARS} characters,"
            ' make one with "openssl rand -base64 32"'
        )
    return token


def embedding_key(embeddings: EmbeddingSettings) -> str | None:
    """Give the key of the endpoint from the settings or from its file.

    Raises:
        ConfigError: the file cannot be read or is empty.
    """
    return _secret("embeddings.key", embeddings.key, embeddings.key_file)


def _secret(name: str, value: SecretStr | None, path: Path | None) -> str | None:
    if path is None:
        return value.get_secret_value() if value else None
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}_file: {path}: {error}") from error
    if not secret:
        raise ConfigError(f"{name}_file: {path}: the file is empty")
    return secret
