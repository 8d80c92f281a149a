"""The API: what the pages can do, for programs; described at /api/v1/openapi.json."""

from dataclasses import asdict, replace
from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from digest.config import InterestSettings, Share
from digest.links import Purpose
from digest.model import Form, Item, Subscriber
from digest.overview import read_overview
from digest.schedule.clock import next_digest_at
from digest.store.items import count_items
from digest.store.membership import save_wishes
from digest.store.outbox import outbox_counts
from digest.store.subscribers import count_by_status
from digest.web.desk import SignUp, TheDesk
from digest.web.forms import MOST_INTERESTS, with_times, zones
from digest.web.operator import Operator
from digest.web.reading import (
    FOUND_A_PAGE,
    MOST_PAGES,
    found_items,
    latest_day,
    stored_item,
    stretch_of,
)
from digest.web.sign_up import network_of
from digest.web.site import Here
from digest.web.tongues import SPOKEN

Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


# Wishes that are values of a subscriber as they stand.
PLAIN = {
    *("language", "max_items", "at_least", "popularity"),
    *("form", "explore", "thumbnails", "revisions"),
}


class Strict(BaseModel):
    """What may be sent: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class ItemOut(BaseModel):
    """An item of the public list."""

    id: str
    title: str
    summary: str
    authors: list[str]
    url: str | None
    upvotes: int | None
    comments: int | None
    sources: list[str]
    published_on: date | None
    eligible_at: datetime | None


class SignUpIn(Strict):
    """A sign-up; a mail asks for confirmation."""

    email: str = Field(max_length=320)
    topics: list[Annotated[str, Field(max_length=2000)]] = Field([], max_length=20)
    timezone: str = Field("", max_length=64)


class Accepted(BaseModel):
    """The same for every address."""

    detail: str = "if the address can get mail, a message with a link is on its way"


class PreferencesOut(BaseModel):
    """What a subscriber wishes."""

    timezone: str
    at: time
    weekdays: list[int]
    language: str
    paused_until: datetime | None
    max_items: int
    at_least: int
    popularity: float
    form: Form
    explore: bool
    thumbnails: bool
    revisions: bool
    interests: list[InterestSettings]


class PreferencesIn(Strict):
    """What shall change; what is left out stays; `paused_until` may be null, to go on."""

    timezone: str | None = Field(None, max_length=64)
    at: time | None = None
    weekdays: set[Annotated[int, Field(ge=0, le=6)]] | None = Field(None, min_length=1)
    language: str | None = Field(None, max_length=8)
    paused_until: AwareDatetime | None = None
    max_items: int | None = Field(None, ge=1, le=100)
    at_least: int | None = Field(None, ge=1, le=100)
    popularity: Share | None = None
    form: Form | None = None
    explore: bool | None = None
    thumbnails: bool | None = None
    revisions: bool | None = None
    interests: list[InterestSettings] | None = Field(None, max_length=MOST_INTERESTS)


class StatusOut(BaseModel):
    """Figures for the operator."""

    items: int
    subscribers: dict[str, int]
    outbox: dict[str, int]
    overview: dict[str, object]


router = APIRouter()


@router.get("/items", operation_id="listItems")
def list_items(
    site: Here,
    day: date | None = None,
    q: Annotated[str, Query(max_length=200)] = "",
    topic: Annotated[str, Query(max_length=200)] = "",
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
) -> list[ItemOut]:
    """List the items of a day (the latest, if none is given), or those of words or a topic."""
    if q.strip() or topic.strip():
        return [_item(one) for one in found_items(site, q, topic, page)[:FOUND_A_PAGE]]
    if day and not 1990 <= day.year <= 9000:
        return []
    return [_item(one) for one in stretch_of(site, day or latest_day(site), page).items]


@router.get("/items/{item_id}", operation_id="getItem", responses={404: {}})
def get_item(site: Here, item_id: str) -> ItemOut:
    """Give one item by id or key, as `arxiv:2401.01234`."""
    return _item(stored_item(site, item_id))


@router.post("/subscriptions", operation_id="subscribe", status_code=202)
async def subscribe(site: Here, desk: TheDesk, request: Request, wanted: SignUpIn) -> Accepted:
    """Ask for a subscription; the answer never says whether the address is known."""
    fields = FormData(email=wanted.email, topics="\n".join(wanted.topics), timezone=wanted.timezone)
    desk.offer(SignUp(fields=fields, network=network_of(site, request), at=site.clock()))
    return Accepted()


def reader(site: Here, bearer: Bearer) -> Subscriber:
    return site.reader(Purpose.PREFERENCES, bearer.credentials)[1]


Reader = Annotated[Subscriber, Depends(reader)]


@router.get("/preferences", operation_id="getPreferences", responses={410: {}})
def get_preferences(subscriber: Reader) -> PreferencesOut:
    """Give the preferences that the token of a preferences link speaks for."""
    return _preferences(subscriber)


@router.patch("/preferences", operation_id="changePreferences", responses={409: {}, 410: {}})
def change_preferences(site: Here, subscriber: Reader, wanted: PreferencesIn) -> PreferencesOut:
    """Change preferences."""
    if subscriber.config_owned:
        raise HTTPException(409, "the settings file keeps these preferences")
    changed = _changed(subscriber, wanted, site.clock())
    with site.database.write() as connection:
        save_wishes(connection, changed)
    return _preferences(changed)


@router.get("/admin/status", operation_id="status", responses={401: {}})
def status(
    site: Here,
    _operator: Operator,
    _documented: Annotated[object, Depends(HTTPBearer(auto_error=False))],
    days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> StatusOut:
    """Give the figures that `digest status --days` and the operator's page show."""
    now = site.clock()
    overview = read_overview(site.database, now, days, site.templates.broken)
    with site.database.read() as connection:
        outbox = outbox_counts(connection, now)
        return StatusOut(
            items=count_items(connection),
            subscribers={str(key): n for key, n in count_by_status(connection).items()},
            outbox={key: n for key, n in outbox.items() if isinstance(n, int)},
            overview=asdict(overview),
        )


def _item(item: Item) -> ItemOut:
    return ItemOut(
        id=item.id,
        title=item.title,
        summary=item.summary,
        authors=list(item.authors),
        url=item.links.page,
        upvotes=item.upvotes,
        comments=item.comments,
        sources=list(item.sources),
        published_on=item.published_on,
        eligible_at=item.eligible_at,
    )


def _changed(subscriber: Subscriber, wanted: PreferencesIn, now: datetime) -> Subscriber:
    names = [one.name for one in wanted.interests or ()]
    if len(set(names)) < len(names):
        raise HTTPException(422, "two interests have the same name")
    if wanted.timezone is not None and wanted.timezone not in zones():
        raise HTTPException(422, "there is no such time zone")
    if wanted.language is not None and wanted.language not in SPOKEN:
        raise HTTPException(422, "this language is not spoken here")
    plain = wanted.model_dump(exclude_none=True, include=PLAIN)
    changed = replace(subscriber, **plain)
    if wanted.interests is not None:
        interests = tuple(one.interest() for one in wanted.interests)
        changed = replace(changed, interests=interests)
    if "paused_until" in wanted.model_fields_set:
        changed = replace(changed, paused_until=wanted.paused_until)
    days = subscriber.schedule.weekdays if wanted.weekdays is None else wanted.weekdays
    at = wanted.at or subscriber.schedule.at
    schedule = with_times(
        subscriber.schedule,
        timezone=wanted.timezone or subscriber.schedule.timezone,
        at=at.replace(second=0, microsecond=0, tzinfo=None),
        weekdays=frozenset(days),
    )
    if schedule == subscriber.schedule:
        return changed
    return replace(changed, schedule=schedule, next_digest_at=next_digest_at(schedule, now))


def _preferences(subscriber: Subscriber) -> PreferencesOut:
    schedule = subscriber.schedule
    return PreferencesOut(
        timezone=schedule.timezone,
        at=schedule.at,
        weekdays=sorted(schedule.weekdays),
        interests=[InterestSettings(**asdict(one)) for one in subscriber.interests],
        **{name: getattr(subscriber, name) for name in (*PLAIN, "paused_until")},
    )
