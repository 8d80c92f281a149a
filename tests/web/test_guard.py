"""What holds for every request, and what hostile text can do: nothing."""

from ipaddress import ip_network

import pytest

from digest.model import Links as ItemLinks
from digest.store.items import recent_items
from digest.web.guard import BODY_BYTES
from digest.web.network import client_network
from tests.store.makers import make_item, store_items
from tests.web.conftest import BASE

PUBLIC = ["/", "/day/2026-11-21", "/search?q=graph", "/subscribe", "/feed.atom", "/feed.json"]
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ 7*7 }}",
    "</title><svg onload=alert(1)>",
    "\u202e\x00\x1b[31m",
    "' OR 1=1 --",
]


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_answer_with_safe_headers(world, path):
    answer = world.get(path)

    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "max-age" in answer.headers["strict-transport-security"]
    assert "set-cookie" not in answer.headers


def test_pages_behind_a_link_are_kept_nowhere_and_told_nobody(world):
    answer = world.get(world.preferences(world.joined()))

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Host": "evil.example"}, 421, id="other host"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="form of another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="form of a sister site"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="older browser, other site"),
        pytest.param({"Origin": "null"}, 403, id="origin kept secret"),
        pytest.param({"Origin": BASE}, 200, id="our form"),
        pytest.param({"Content-Length": str(BODY_BYTES + 1)}, 413, id="too large"),
        pytest.param({"Content-Length": "-1"}, 411, id="no length"),
    ],
)
def test_a_form_from_elsewhere_or_out_of_bounds_is_refused(world, headers, status):
    assert (
        world.post("/subscribe", data={"email": "a@b.example"}, headers=headers).status_code
        == status
    )


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/item/nowhere",
        "/day/1066-10-14",
        "/p/forged",
        "/c/x",
        "/u/x.y",
        "/d/x",
        "/f/x/atom",
        "/static/../x",
    ],
)
def test_a_page_that_is_not_there_is_an_honest_page(world, path):
    answer = world.get(path)

    assert answer.status_code in (404, 410)
    assert "<h1>" in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/subscribe", "/preview", "/u/x", "/p/x", "/day/x", "/search"])
@pytest.mark.parametrize("body", [b"\xff\xfe", b"a" * 9000, b"=&=&;", b"name=" + b"%00" * 99])
def test_malformed_bodies_never_break_anything(world, method, path, body):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": BASE}

    assert world.request(method, path, content=body, headers=headers).status_code < 500


def test_a_broken_multipart_body_is_refused(world):
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Origin": BASE}

    answer = world.post("/subscribe", content=b"--x\r\nbroken", headers=headers)
    assert answer.status_code < 500


OWN_PAGES = ("next", "feedback", "digests", "erase")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text_wherever_it_is_shown(world, text):
    evil = make_item(
        99,
        title=f"T {text}",
        summary=text,
        authors=(text,),
        organisation=text,
        categories=(text,),
        sources=("papers",),
        links=ItemLinks(page="javascript:alert(1)"),
        upvotes=999,
        eligible_at=world.clock(),
    )
    store_items(world.database, [evil])
    reader = world.joined(topics=f"topic {text}\ngraph neural networks")
    world.clock.move(days=1)
    [digest] = world.composed()
    copy = world.links.digest(reader.id, digest.id, reader.link_epoch)
    world.post(f"{copy}/1/more")
    pages = [
        world.get(copy).text,
        world.get(f"{copy}/1").text,
        *(world.get(f"{world.preferences(reader)}/{part}").text for part in OWN_PAGES),
        world.get("/search", params={"topic": text}).text,
        world.get("/").text,
        world.get(f"/item/{evil.id}").text,
        world.get("/search", params={"q": text}).text,
        world.get(world.preferences(reader)).text,
        world.get(world.links.unsubscribe(reader.id)).text,
        world.post("/preview", data={"topics": text, "examples": text}).text,
    ]

    for page in pages:
        for harm in ("<script>alert", "<img src=x", "<svg onload", 'href="javascript:', "49 }}"):
            assert harm not in page


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("192.0.2.7", "", "192.0.2.0/24"),
        ("192.0.2.7", "198.51.100.9", "192.0.2.0/24"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.0/24"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.9", "198.51.100.0/24"),
        ("10.0.0.1", "203.0.113.5, 10.0.0.2", "203.0.113.0/24"),
        ("10.0.0.1", "nonsense", "10.0.0.0/24"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "", "192.0.2.0/24"),
        ("", "", "unknown"),
    ],
)
def test_only_trusted_proxies_are_believed(peer, forwarded, network):
    assert client_network(peer, forwarded, [ip_network("10.0.0.0/8")]) == network


def test_health_and_figures_answer_under_any_name_and_name_no_address(world):
    world.joined()
    headers = {"Host": "10.0.0.5:8080"}

    assert world.get("/healthz", headers=headers).status_code == 200
    assert world.get("/readyz", headers=headers).status_code == 200
    figures = world.get("/metrics", headers=headers).text
    assert 'digest_subscribers{status="confirmed"} 1.0' in figures
    assert "@" not in figures


def test_the_api_says_what_the_pages_say(world):
    titles = [one["title"] for one in world.get("/api/v1/items").json()]
    assert titles[0].endswith("study 12")
    assert len(world.get("/api/v1/items?q=folding").json()) == 4

    accepted = world.post("/api/v1/subscriptions", json={"email": "ada@example.org"})
    assert accepted.status_code == 202
    assert world.subscriber() is not None


def test_preferences_by_token(world):
    reader = world.joined(topics="graphs")
    token = world.preferences(reader).rpartition("/")[2]
    bearer = {"Authorization": f"Bearer {token}"}

    changed = world.request("PATCH", "/api/v1/preferences", json={"max_items": 3}, headers=bearer)
    assert changed.json()["max_items"] == world.subscriber().max_items == 3
    assert (
        world.get("/api/v1/preferences", headers={"Authorization": "Bearer x"}).status_code == 410
    )


@pytest.mark.parametrize(("token", "status"), [("a" * 40, 200), ("wrong", 401)])
def test_figures_of_the_operator_need_the_token(world, token, status):
    headers = {"Authorization": f"Bearer {token}"}

    assert world.get("/api/v1/admin/status", headers=headers).status_code == status


def test_feeds_hold_the_day_and_ones_own_digest(world):
    atom = world.get("/feed.atom").text
    assert atom.count("<entry>") == 12
    reader = world.joined()

    own = world.get(world.links.feed(reader.id, 0) + "/json")
    assert own.json()["items"] == []


def test_similar_items_stand_on_the_page_of_an_item(world):
    with world.database.read() as connection:
        first = recent_items(connection, 1)[0]

    assert first.title in world.get(f"/item/{first.id}").text


def test_a_preview_shows_what_would_come_before_any_address_is_given(world):
    page = world.post("/preview", data={"topics": "protein folding"}).text

    assert "Your digest today would be" in page
    assert "Protein folding, study" in page
    assert world.deliveries() == []
