"""The demonstration's two days, as Hugging Face and arXiv would announce them.

Pure: bytes from the invented items of `items.json`.  Nothing here listens on a socket; the
demo's server hands these bytes out.  Day two is *today* and day one the day before, so a
demonstration is always fresh; the ids stay as they are.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from importlib.resources import files
from typing import NotRequired, TypedDict
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

# arXiv announces at midnight US Eastern.
_ARXIV_ZONE = ZoneInfo("America/New_York")
_ARXIV_ARCHIVES = "astro-ph+cs+eess+math+q-bio+stat"
_ARXIV = "http://arxiv.org/schemas/atom"
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"

# Hugging Face dates an entry so long before its paper.
_HUGGINGFACE_LEAD = timedelta(hours=4)

# For the eye alone: readers go by the namespace, whatever its prefix.
ElementTree.register_namespace("arxiv", _ARXIV)
ElementTree.register_namespace("dc", _DUBLIN_CORE)


class _DailyShowing(TypedDict):
    """What Daily Papers counts for an item on one day."""

    upvotes: int
    comments: int


class _ArxivShowing(TypedDict):
    """How arXiv announces an item on one day; a summary here stands for the item's own."""

    announce: str
    version: int
    summary: NotRequired[str]


class _DemoItem(TypedDict):
    """One invented paper, with the days ("1", "2") on which each source shows it.

    `hub` holds what only Hugging Face says of it, under Hugging Face's own keys.
    """

    id: str
    title: str
    summary: str
    authors: list[str]
    categories: list[str]
    daily: dict[str, _DailyShowing]
    arxiv: dict[str, _ArxivShowing]
    hub: dict[str, object]


def daily_papers_json(day: int, today: date) -> bytes:
    """Give one day's answer of Hugging Face's `api/daily_papers`, most voted first.

    Its form is that of 2026 without database ids, avatars, submitters and thumbnails: no
    reader needs them, and a thumbnail that does not exist would be a broken picture in the mail.

    Args:
        day: 1 or 2; on any other day nothing is announced.
        today: the date of day two.
    """
    shown = [item for item in _items() if str(day) in item["daily"]]
    shown.sort(key=lambda item: item["daily"][str(day)]["upvotes"], reverse=True)
    entries = [_daily_entry(item, item["daily"][str(day)], today) for item in shown]
    return json.dumps(entries, ensure_ascii=False).encode()


def arxiv_rss(day: int, today: date) -> bytes:
    """Give one day's answer of `rss.arxiv.org`: RSS 2.0 with announce types.

    arXiv's `skipDays` are left out, because a demonstration may be run on a Sunday.

    Args:
        day: 1 or 2; on any other day nothing is announced.
        today: the date of day two.
    """
    announced_at = datetime.combine(_date_of(day, today), time(), _ARXIV_ZONE)
    rss = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(rss, "channel")
    _add(channel, "title", f"{_ARXIV_ARCHIVES} updates on arXiv.org (invented)")
    _add(channel, "link", f"https://rss.arxiv.org/rss/{_ARXIV_ARCHIVES}")
    _add(channel, "description", "Invented papers in the form of the arXiv.org e-print archive.")
    _add(channel, "language", "en-us")
    _add(channel, "lastBuildDate", format_datetime(announced_at.astimezone(UTC)))
    _add(channel, "pubDate", format_datetime(announced_at))
    for item in _items():
        if str(day) in item["arxiv"]:
            _add_rss_item(channel, item, item["arxiv"][str(day)], announced_at)
    answer: bytes = ElementTree.tostring(rss, encoding="utf-8", xml_declaration=True)
    return answer


def _items() -> list[_DemoItem]:
    text = files("digest.demo").joinpath("items.json").read_text(encoding="utf-8")
    items: list[_DemoItem] = json.loads(text)
    return items


def _date_of(day: int, today: date) -> date:
    return today - timedelta(days=2 - day)


def _daily_entry(item: _DemoItem, showing: _DailyShowing, today: date) -> dict[str, object]:
    submitted_on = _date_of(int(min(item["daily"])), today)
    # A paper is of the day before any source first showed it.
    first_shown_on = _date_of(int(min([*item["daily"], *item["arxiv"]])), today)
    published_at = datetime.combine(first_shown_on, time(), UTC) - timedelta(days=1)
    return {
        "paper": {
            "id": item["id"],
            "authors": [{"name": name, "hidden": False} for name in item["authors"]],
            "publishedAt": _instant(published_at),
            "submittedOnDailyAt": _instant(datetime.combine(submitted_on, time(), UTC)),
            "title": item["title"],
            "summary": item["summary"],
            "upvotes": showing["upvotes"],
            **item["hub"],
        },
        "publishedAt": _instant(published_at - _HUGGINGFACE_LEAD),
        "title": item["title"],
        "summary": item["summary"],
        "numComments": showing["comments"],
        "isAuthorParticipating": False,
    }


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _add_rss_item(
    channel: ElementTree.Element, item: _DemoItem, showing: _ArxivShowing, announced_at: datetime
) -> None:
    versioned_id = f"{item['id']}v{showing['version']}"
    summary = showing.get("summary", item["summary"])
    element = ElementTree.SubElement(channel, "item")
    _add(element, "title", item["title"])
    _add(element, "link", f"https://arxiv.org/abs/{item['id']}")
    _add(
        element,
        "description",
        f"arXiv:{versioned_id} Announce Type: {showing['announce']} \nAbstract: {summary}",
    )
    _add(element, "guid", f"oai:arXiv.org:{versioned_id}").set("isPermaLink", "false")
    for category in item["categories"]:
        _add(element, "category", category)
    _add(element, "pubDate", format_datetime(announced_at))
    _add(element, f"{{{_ARXIV}}}announce_type", showing["announce"])
    _add(element, f"{{{_DUBLIN_CORE}}}creator", ", ".join(item["authors"]))


def _add(parent: ElementTree.Element, tag: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag)
    element.text = text
    return element
