"""The public pages: the day, the archive, search by words and topic, an item and its like."""

import re
from datetime import timedelta

import pytest

from tests.store.makers import make_item, store_items
from tests.web.conftest import NOW

ITEMS = [
    make_item(
        100 + number,
        title=f"Zebra stripes, part {number}",
        keywords=("zebras & <horses>",),
        categories=("q-bio.PE",),
        first_seen_at=NOW - timedelta(days=1),
        eligible_at=NOW - timedelta(days=1),
    )
    for number in range(35)
]


def titles(page):
    return re.findall(r"Zebra stripes, part \d+", page.text)


def test_the_day_before_and_the_day_after_are_one_link_away(world):
    store_items(world.database, ITEMS)

    today = world.get("/").text
    assert 'rel="prev" href="/day/2026-11-20"' in today
    assert 'rel="next"' not in today
    assert 'rel="next" href="/day/2026-11-21"' in world.get("/day/2026-11-20").text


def test_a_topic_of_the_home_page_leads_to_its_items(world):
    store_items(world.database, ITEMS)
    found = re.search(r'href="(/search\?topic=zebras[^"]*)"', world.get("/").text)[1]

    page = world.get(found.replace("&amp;", "&"))

    assert len(set(titles(page))) == 30
    assert "<option selected>zebras &amp; &lt;horses&gt;</option>" in page.text


def test_a_long_result_comes_in_pages(world):
    store_items(world.database, ITEMS)
    first = world.get("/search?q=zebra")
    following = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")

    second = world.get(f"/search{following}")

    assert len({*titles(first), *titles(second)}) == 35
    assert 'rel="next"' not in second.text
    assert 'rel="prev"' in second.text


def test_a_search_without_words_shows_the_form_alone(world):
    page = world.get("/search?q=&topic=")

    assert page.status_code == 200
    assert "<h2>" not in page.text


def test_what_is_like_an_item_comes_from_the_whole_archive(world):
    old = make_item(
        500,
        title="Protein folding of old",
        first_seen_at=NOW - timedelta(days=700),
        eligible_at=NOW - timedelta(days=700),
    )
    store_items(world.database, [old])

    page = world.get(f"/item/{old.id}").text.partition("Similar")[2]

    assert "Protein folding, study" in page
    assert old.id not in page


def test_who_comes_by_a_signed_link_can_say_more_like_this_on_the_page_of_an_item(world):
    reader = world.joined(topics="graph neural networks")
    world.clock.move(days=1)
    [digest] = world.composed()
    copy = world.links.digest(reader.id, digest.id, reader.link_epoch)

    page = world.get(f"{copy}/1").text

    assert digest.picks[0].item.title in page
    assert f'action="{copy.removeprefix(world.links.base_url)}/1/more"' in page
    assert "More like this" not in world.get(f"/item/{digest.picks[0].item.id}").text


def test_the_web_copy_names_what_the_mail_names(world):
    reader = world.joined(topics="graph neural networks", max_items="3")
    world.clock.move(days=1)
    [digest] = world.composed()
    assert digest.mentions

    page = world.get(world.links.digest(reader.id, digest.id, reader.link_epoch)).text

    assert "Also new today" in page
    for mention in digest.mentions:
        assert mention.item.title in page


@pytest.mark.parametrize("query", ["page=0", "page=61", "page=x", f"q={'a' * 201}"])
def test_a_search_out_of_bounds_is_refused(world, query):
    assert world.get(f"/search?{query}").status_code == 400
