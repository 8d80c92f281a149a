"""Thumbnails: of stored items alone, fetched once, images alone, through our own address."""

import pytest

from digest.errors import FetchError
from digest.web.pictures import KEPT_BYTES, Gallery, picture_type
from tests.store.makers import make_item, store_items
from tests.web.conftest import NOW, World

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
AT = "https://pictures.example/1.png"


@pytest.fixture
def pictured(sqlite_url):
    world = World(sqlite_url, mail={"thumbnails": "proxied"})
    world.item = make_item(700, title="Pictured", thumbnail=AT, eligible_at=NOW, upvotes=999)
    store_items(world.database, [world.item])
    world.pictures[AT] = PNG
    yield world
    world.runner.close()
    world.database.close()


def test_a_picture_comes_through_our_own_address_and_is_fetched_once(pictured):
    path = f"/thumbnail/{pictured.item.id}"
    assert f'src="{path}"' in pictured.get("/").text

    answers = [pictured.get(path) for _ in range(3)]

    assert [(one.status_code, one.content) for one in answers] == [(200, PNG)] * 3
    assert answers[0].headers["content-type"] == "image/png"
    assert answers[0].headers["x-content-type-options"] == "nosniff"
    assert answers[0].headers["cross-origin-resource-policy"] == "cross-origin"
    assert "public" in answers[0].headers["cache-control"]
    assert pictured.fetched == [AT]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", id="svg"),
        pytest.param(b"<html><script>alert(1)</script>", id="html"),
        pytest.param(FetchError("it is private", permanent=True), id="refused"),
    ],
)
def test_what_is_no_picture_is_not_shown_and_not_asked_for_again(pictured, found):
    pictured.pictures[AT] = found

    for _ in range(2):
        assert pictured.get(f"/thumbnail/{pictured.item.id}").status_code == 404
    assert pictured.fetched == [AT]


@pytest.mark.parametrize(
    "thumbnail",
    [None, "javascript:alert(1)", "file:///etc/passwd", "https://x.example/" + "a" * 2000, "//x"],
    ids=["none", "script", "file", "endless", "no scheme"],
)
def test_an_address_that_is_none_is_not_asked(pictured, thumbnail):
    odd = make_item(701, title="Odd", thumbnail=thumbnail, eligible_at=NOW)
    store_items(pictured.database, [odd])

    assert pictured.get(f"/thumbnail/{odd.id}").status_code == 404
    assert f"/thumbnail/{odd.id}" not in pictured.get("/").text
    assert pictured.fetched == []


def test_no_other_address_can_be_asked_for(pictured):
    for other in ("nothing", "https://evil.example/x.png", "..%2f..%2fx"):
        assert pictured.get(f"/thumbnail/{other}").status_code == 404
    assert pictured.fetched == []


def test_there_are_no_pictures_unless_the_operator_wants_them(world):
    item = make_item(700, title="Pictured", thumbnail=AT, eligible_at=NOW, upvotes=999)
    store_items(world.database, [item])

    assert "/thumbnail/" not in world.get("/").text
    assert world.get(f"/thumbnail/{item.id}").status_code == 404
    assert world.fetched == []


async def test_what_is_kept_has_a_bound(world):
    gallery = Gallery(world.site, kept_bytes=1000)
    for number in range(50):
        world.pictures[str(number)] = PNG
        await gallery.get(str(number))

    assert sum(map(len, gallery._kept.values())) <= 1000 < KEPT_BYTES


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b" <svg", None),
        (b"", None),
    ],
    ids=["png", "jpeg", "gif", "webp", "sound", "svg", "nothing"],
)
def test_a_picture_is_known_by_what_it_begins_with(content, kind):
    assert picture_type(content) == kind
