"""The rules of the public side, each over every page that it holds for."""

import re
from dataclasses import replace
from email import message_from_bytes

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select

from digest.errors import StoreError
from digest.model import SubscriberStatus
from digest.store.membership import SuppressionReason, suppress
from digest.store.schema import metadata
from digest.store.subscriber_rows import address_key
from digest.web.app import make_app
from tests.web.conftest import ADMIN, BASE, World

ADA = "ada@example.org"
CANARY = "c4nary"


# --- the answer to a sign-up says nothing -------------------------------------------------


class NoDatabase:
    """Refuses whoever asks: what is answered in spite of it depends on nothing stored."""

    def read(self):
        raise StoreError("asked", permanent=False)

    write = read


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("new@example.org", id="new"),
        pytest.param(ADA, id="known"),
        pytest.param("never@example.org", id="suppressed"),
        pytest.param("no address", id="wrong"),
        pytest.param("ada@example.org\r\nBcc: x@example.org", id="header"),
        pytest.param("", id="none"),
        pytest.param("a" * 5000, id="endless"),
    ],
)
def test_the_answer_is_given_before_anything_stored_is_looked_at(world, email):
    """So its words and its time are the same for every address: nothing is there to differ."""
    world.joined(ADA)
    with world.database.write() as connection:
        hashed = world.links.hashes(address_key("never@example.org"))[0]
        suppress(connection, hashed, SuppressionReason.REFUSED, world.clock())
    right = world.sign_up("somebody@example.org")
    world.web = make_app(replace(world.site, database=NoDatabase()))

    answer = world.sign_up(email)

    assert (answer.status_code, answer.text) == (right.status_code, right.text)
    assert str(answer.headers) == str(right.headers)


def test_limits_hold_after_a_restart(sqlite_url):
    first = World(sqlite_url, sign_ups_per_network=2)
    for who in "ab":
        first.sign_up(f"{who}@example.org")
    second = World(sqlite_url, sign_ups_per_network=2)
    second.clock.now = first.clock.now

    second.sign_up("c@example.org")

    assert len(second.deliveries()) == 2
    for one in (first, second):
        one.runner.close()
        one.database.close()


def test_nothing_that_was_typed_stands_in_the_confirmation(world):
    world.sign_up(
        ADA,
        topics=f"{CANARY}\r\nBcc: {CANARY}@example.org\n<b>{CANARY}</b>",
        examples=f"{CANARY} http://{CANARY}.example",
        timezone=CANARY,
        name=CANARY,
    )
    [delivery] = world.deliveries()

    content = world.app.builder.notice(delivery, world.subscriber()).content

    assert CANARY.encode() not in content
    for part in message_from_bytes(content).walk():
        assert CANARY.encode() not in (part.get_payload(decode=True) or b"")


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.org\nBcc: x@example.org",
        "ada@example.org\r\n\r\nbody",
        "ada@example.org\x00",
        "ada@exam\u2028ple.org",
        '"a\\\r\nb"@example.org',
        "<ada@example.org>",
        "ada@example.org,x@example.org",
        "ada@example.org%0aBcc:x@example.org",
    ],
    ids=["line feed", "body", "nul", "line separator", "quoted", "brackets", "two", "encoded"],
)
def test_no_address_brings_a_header_with_it(world, email):
    world.sign_up(email)

    for delivery in world.deliveries():
        assert not re.search(r"[\s<>,\x00-\x1f\u2028]", delivery.recipient)


# --- every address of every page ----------------------------------------------------------


def addresses(world, method):
    """Fill each route of the application with what a reader's links hold."""
    reader = world.joined(ADA, topics="graph neural networks\nprotein folding")
    world.clock.move(days=1)
    [digest] = world.composed()
    token = {
        "c": world.links.confirm(reader.id, 0, world.clock()),
        "p": world.preferences(reader),
        "u": world.links.unsubscribe(reader.id),
        "d": world.links.digest(reader.id, digest.id, 0),
        "f": world.links.feed(reader.id, 0),
    }
    found = []
    for route in world.web.routes:
        for path in paths_below(route):
            if method not in path.methods:
                continue
            at = path.path.replace("{item_id}", digest.picks[0].item.id)
            for name, value in (("on", "2026-11-21"), ("kind", "json"), ("name", "style.css")):
                at = at.replace(f"{{{name}}}", value)
            at = at.replace("{place}", "1").replace("{verdict}", "more")
            if "{token}" in at:
                at = at.replace(at[:2] + "/{token}", token[at[1]].removeprefix(BASE))
            found.append(at)
    return found


def paths_below(route):
    if isinstance(route, APIRoute):
        return [route]
    inner = getattr(route, "original_router", None) or getattr(route, "router", None)
    return [one for each in getattr(inner, "routes", ()) for one in paths_below(each)]


def stored(world):
    with world.database.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in metadata.sorted_tables
        }


def test_no_get_changes_anything(world):
    """Mail scanners follow every link of a mail, some of them with HEAD first."""
    paths = addresses(world, "GET")
    assert len(paths) > 20
    before = stored(world)

    for path in paths:
        for method in ("HEAD", "GET"):
            answer = world.request(method, path, headers={"Authorization": f"Bearer {ADMIN}"})
            assert answer.status_code < 500, path

    assert stored(world) == before


def test_no_form_of_another_site_is_taken(world):
    paths = [path for path in addresses(world, "POST") if not path.startswith("/u/")]
    assert len(paths) > 8
    before = stored(world)

    for path in paths:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert world.request("POST", path, data={"x": "y"}, headers=headers).status_code == 403

    assert stored(world) == before
    assert world.subscriber(ADA).status is SubscriberStatus.CONFIRMED


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"=&=", b"a" * 100_000], ids=len)
def test_no_malformed_form_breaks_a_page(world, content):
    # Those that end the subscription come last.
    paths = sorted(addresses(world, "POST"), key=lambda path: ("erase" in path, "never" in path))
    for path in paths:
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer: httpx.Response = world.post(
                path, content=content, headers={"Content-Type": kind, "Origin": BASE}
            )
            assert answer.status_code < 500, (path, kind)
