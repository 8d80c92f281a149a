"""The demonstration's listings: well-formed, counted, and one id for one paper."""

import json
import re
from collections import Counter
from datetime import date
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import pytest

from digest.demo.listings import arxiv_rss, daily_papers_json

TODAY = date(2026, 11, 22)
ANNOUNCE_TYPE = "{http://arxiv.org/schemas/atom}announce_type"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"


def daily_papers(day):
    entries = json.loads(daily_papers_json(day, TODAY))
    return {entry["paper"]["id"]: entry for entry in entries}


def rss_items(day):
    channel = ElementTree.fromstring(arxiv_rss(day, TODAY)).find("channel")
    return {
        item.findtext("link").removeprefix("https://arxiv.org/abs/"): item
        for item in channel.findall("item")
    }


@pytest.mark.parametrize(
    ("day", "daily", "announced", "in_both"),
    [
        pytest.param(1, 14, {"new": 14}, 6, id="day one"),
        pytest.param(2, 17, {"new": 11, "cross": 1, "replace": 2}, 5, id="day two"),
    ],
)
def test_listings_hold_the_promised_counts(day, daily, announced, in_both):
    papers, items = daily_papers(day), rss_items(day)

    assert len(papers) == len(json.loads(daily_papers_json(day, TODAY))) == daily
    assert Counter(item.findtext(ANNOUNCE_TYPE) for item in items.values()) == announced
    assert len(papers.keys() & items.keys()) == in_both


def test_day_two_brings_eighteen_new_items_to_the_twenty_two_of_day_one():
    first_day = daily_papers(1).keys() | rss_items(1).keys()
    fresh = daily_papers(2).keys() | {
        key for key, item in rss_items(2).items() if item.findtext(ANNOUNCE_TYPE) != "replace"
    }

    assert len(first_day) == 22
    assert len(fresh - first_day) == 18


@pytest.mark.parametrize("day", [1, 2])
def test_an_item_in_both_forms_has_one_id_title_and_author_list(day):
    papers, items = daily_papers(day), rss_items(day)

    for key in papers.keys() & items.keys():
        paper = papers[key]["paper"]
        assert items[key].findtext("title") == paper["title"]
        assert items[key].findtext(CREATOR).split(", ") == [a["name"] for a in paper["authors"]]
        assert items[key].findtext("guid") == f"oai:arXiv.org:{key}v1"


@pytest.mark.parametrize("day", [1, 2])
def test_every_id_is_of_a_form_that_arxiv_gives(day):
    ids = daily_papers(day).keys() | rss_items(day).keys()

    assert all(re.fullmatch(r"2611\.9\d{4}", key) for key in ids)


def test_an_item_that_rolls_over_gains_votes_and_keeps_its_dates():
    first, second = daily_papers(1), daily_papers(2)

    rolled_over = first.keys() & second.keys()

    assert len(rolled_over) == 5
    for key in rolled_over:
        assert second[key]["paper"]["upvotes"] > first[key]["paper"]["upvotes"]
        assert second[key]["publishedAt"] == first[key]["publishedAt"]
        assert (
            second[key]["paper"]["submittedOnDailyAt"] == first[key]["paper"]["submittedOnDailyAt"]
        )


def test_an_item_of_arxiv_on_day_one_comes_to_daily_papers_on_day_two():
    late = (daily_papers(2).keys() & rss_items(1).keys()) - daily_papers(1).keys()

    assert late == {"2611.90047"}


def test_one_replacement_revises_a_known_abstract_and_one_was_never_seen():
    first, second = rss_items(1), rss_items(2)
    replaced = {key for key, item in second.items() if item.findtext(ANNOUNCE_TYPE) == "replace"}

    known = replaced & first.keys()

    assert known == {"2611.90015"}
    assert replaced - known == {"2611.90005"}
    assert "2611.90015v2" in second["2611.90015"].findtext("guid")
    assert "no longer claim a detection" in second["2611.90015"].findtext("description")
    assert "no longer claim a detection" not in first["2611.90015"].findtext("description")


def test_papers_and_announcements_are_dated_from_today():
    entry = daily_papers(2)["2611.90307"]
    item = rss_items(2)["2611.90307"]

    assert entry["paper"]["submittedOnDailyAt"] == "2026-11-22T00:00:00.000Z"
    assert entry["paper"]["publishedAt"] == "2026-11-21T00:00:00.000Z"
    assert entry["publishedAt"] == "2026-11-20T20:00:00.000Z"
    assert parsedate_to_datetime(item.findtext("pubDate")).isoformat() == (
        "2026-11-22T00:00:00-05:00"
    )


def test_the_most_voted_paper_stands_first():
    votes = [entry["paper"]["upvotes"] for entry in json.loads(daily_papers_json(2, TODAY))]

    assert votes == sorted(votes, reverse=True)


def test_a_day_beyond_the_two_announces_nothing():
    assert json.loads(daily_papers_json(3, TODAY)) == []
    assert rss_items(3) == {}
