"""The operator's page: who gets in, and what it shows."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from digest.config import Settings, WebSettings, admin_token
from digest.errors import ConfigError
from digest.model import AttemptOutcome, Verdict
from digest.store.items import recent_items
from digest.store.outbox import insert_deliveries, record_attempts
from digest.store.subscribers import add_feedback
from digest.store.tallies import count_days
from digest.web.operator import SIGNED_IN_FOR, is_vouched_for
from tests.store.makers import make_attempt, make_delivery, make_digest
from tests.web.conftest import ADMIN, World

BEARER = {"Authorization": f"Bearer {ADMIN}"}


def signed_in(world, token=ADMIN):
    return world.post("/admin", data={"token": token})


def cookie(answer):
    return answer.headers["set-cookie"].partition(";")[0]


def test_there_is_no_page_where_nobody_could_get_in(world_of):
    world = world_of(admin_token=None)

    for answer in (world.get("/admin"), world.post("/admin", data={"token": ""})):
        assert answer.status_code == 404
    assert world.get("/api/v1/admin/status", headers=BEARER).status_code == 401


def test_a_stranger_meets_a_door_and_no_figure(world):
    answer = world.get("/admin")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Sign in" in answer.text
    assert "Queue" not in answer.text


@pytest.mark.parametrize("token", ["", "wrong", ADMIN[:-1], f"{ADMIN}a", "é" * 40])
def test_a_wrong_token_opens_nothing_and_is_not_repeated(world, token, caplog):
    answer = signed_in(world, token)

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert not token or token not in answer.text
    assert not token or token not in caplog.text


def test_the_token_is_exchanged_for_a_cookie_that_scripts_and_other_sites_do_not_get(world):
    answer = signed_in(world)

    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
    given = answer.headers["set-cookie"]
    assert given.startswith("__Secure-digest-admin=")
    attributes = {part.strip().lower() for part in given.split(";")[1:]}
    assert attributes == {"httponly", "samesite=strict", "secure", "path=/admin", "max-age=43200"}
    assert ADMIN not in given
    page = world.get("/admin", headers={"Cookie": cookie(answer)})
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"


def test_a_cookie_ends_and_cannot_be_prolonged(world):
    held = cookie(signed_in(world))
    name, _, value = held.partition("=")
    expires, _, signature = value.partition(".")
    later = f"{name}={int(expires) + 999999}.{signature}"

    assert world.get("/admin", headers={"Cookie": later}).status_code == 401
    for nonsense in ("", ".", f"{expires}.", f"{'9' * 400}.{signature}", f"²{expires}.{signature}"):
        answer = world.get("/admin", headers={"Cookie": f"{name}={nonsense}".encode()})
        assert answer.status_code == 401
    world.clock.now += SIGNED_IN_FOR - timedelta(seconds=1)
    assert world.get("/admin", headers={"Cookie": held}).status_code == 200
    world.clock.now += timedelta(seconds=2)
    assert world.get("/admin", headers={"Cookie": held}).status_code == 401


def test_a_cookie_is_void_when_the_token_changes(world, world_of):
    held = cookie(signed_in(world))
    other = world_of(admin_token="b" * 40)

    assert other.get("/admin", headers={"Cookie": held}).status_code == 401


def test_signing_out_takes_the_cookie_back(world):
    held = cookie(signed_in(world))
    page = world.get("/admin", headers={"Cookie": held})
    assert "Sign out" in page.text

    answer = world.post("/admin/sign-out")

    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert "Sign out" not in world.get("/admin", headers=BEARER).text


def test_over_http_the_cookie_has_a_name_that_browsers_take(world_of):
    world = world_of(base_url="http://digest.example.org")

    given = world.request("POST", "http://digest.example.org/admin", data={"token": ADMIN}).headers[
        "set-cookie"
    ]

    assert given.startswith("digest-admin=")
    assert "secure" not in given.lower()


def test_a_form_of_another_site_signs_nobody_in_or_out(world):
    foreign = {"Sec-Fetch-Site": "cross-site"}

    for path in ("/admin", "/admin/sign-out"):
        assert world.post(path, data={"token": ADMIN}, headers=foreign).status_code == 403


PROXIED = WebSettings(
    admin_header="X-Forwarded-User",
    admin_users=("ada", "bo"),
    trusted_proxies=("10.0.0.0/8", "::1/128"),
)


@pytest.mark.parametrize(
    ("peer", "named", "is_in"),
    [
        pytest.param("10.0.0.1", ["ada"], True, id="named by the proxy"),
        pytest.param("::ffff:10.0.0.1", ["bo"], True, id="mapped address"),
        pytest.param("::1", ["bo"], True, id="IPv6"),
        pytest.param("192.0.2.1", ["ada"], False, id="not the proxy"),
        pytest.param("10.0.0.1", ["eve"], False, id="another user"),
        pytest.param("10.0.0.1", ["ADA"], False, id="another spelling"),
        pytest.param("10.0.0.1", ["ada, eve"], False, id="two in one"),
        pytest.param("10.0.0.1", ["eve", "ada"], False, id="visitor's own and the proxy's"),
        pytest.param("10.0.0.1", [], False, id="nobody named"),
        pytest.param("", ["ada"], False, id="no address"),
    ],
)
def test_a_user_is_believed_from_the_proxy_alone(peer, named, is_in):
    assert is_vouched_for(PROXIED, lambda _: named, peer) is is_in


def test_without_a_header_in_the_settings_none_is_believed():
    assert not is_vouched_for(WebSettings(), lambda _: ["ada"], "127.0.0.1")


def test_the_proxys_user_sees_the_page_and_needs_no_token(world_of):
    world = world_of(
        admin_token=None,
        admin_header="X-Forwarded-User",
        admin_users=["ada"],
        trusted_proxies=["127.0.0.1/32"],
    )

    assert world.get("/admin", headers={"X-Forwarded-User": "ada"}).status_code == 200
    stranger = world.get("/admin", headers={"X-Forwarded-User": "eve"})
    assert stranger.status_code == 401
    assert "Token" not in stranger.text
    assert signed_in(world, "").status_code == 401


@pytest.mark.parametrize(
    "web",
    [
        {"admin_header": "X-User"},
        {"admin_header": "X-User", "admin_users": ["ada"]},
        {"admin_header": "X-User", "trusted_proxies": ["127.0.0.1/32"]},
        {"admin_header": "X User:", "admin_users": ["a"], "trusted_proxies": ["127.0.0.1/32"]},
    ],
)
def test_a_header_without_proxy_or_users_stops_the_start(web):
    with pytest.raises(ValueError, match="admin_header"):
        Settings(web=web)


def test_a_token_that_could_be_guessed_stops_the_start():
    with pytest.raises(ConfigError, match="at least 32 characters"):
        admin_token(WebSettings(admin_token="secret"))


@pytest.fixture
def busy(world):
    """A day with a reader, mail, verdicts, a hostile title and a source that fails."""
    reader = world.joined()
    now = world.clock()
    outcomes = [*AttemptOutcome]
    made = [
        make_delivery(make_digest(reader, []), digest_id=None, created_at=now, next_attempt_at=now)
        for _ in outcomes
    ]
    with world.database.write() as connection:
        insert_deliveries(connection, made)
        record_attempts(
            connection,
            [make_attempt(one, out, at=now) for one, out in zip(made, outcomes, strict=True)],
        )
        item = recent_items(connection, 1)[0]
        add_feedback(connection, reader.id, item.id, Verdict.MORE, now)
    count_days(world.database, now)
    world.clock.move(hours=1)
    return world


def test_the_page_shows_the_day_as_charts_with_a_table_behind_each(busy):
    page = busy.get("/admin", headers=BEARER).text

    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) == 4 + 5 + 1  # statuses, outcomes, sources
    for one in charts:
        assert re.search(r'role="img" aria-labelledby="(\w+)-t \1-d"', one)
        assert "<title" in one
        assert "<desc" in one
    assert page.count("<table") >= 4
    assert '<th scope="row">2026-11-21</th>' in page
    assert "study" in page
    assert "style=" not in page
    assert "<script" not in page
    assert "@" not in page


def test_the_page_loads_nothing_and_obeys_its_own_policy(busy):
    answer = busy.get("/admin", headers=BEARER)

    assert "unsafe" not in answer.headers["content-security-policy"]
    found = re.findall(r'(?:src|href|action)="([^"]+)"', answer.text)
    assert not any(urlsplit(one).netloc for one in found)


def test_page_command_and_api_show_the_same(busy):
    given = busy.get("/api/v1/admin/status?days=2", headers=BEARER).json()["overview"]

    assert given["days"] == ["2026-11-20", "2026-11-21"]
    assert given["subscribers"]["confirmed"] == [None, 1]
    assert given["attempts"]["sent"] == [0, 1]
    assert [one["more"] for one in given["feedback"]] == [1]
    # The confirmation mail waits since an hour.
    assert given["queue"]["due"] == 2
    assert "oldest for 60 min" in given["alarms"][0]
    page = busy.get("/admin?days=2", headers=BEARER).text
    assert "oldest for 60 min" in page


@pytest.mark.parametrize("days", ["0", "367", "x", "-1"])
def test_days_out_of_bounds_are_refused(world, days):
    assert world.get(f"/admin?days={days}", headers=BEARER).status_code == 400


@pytest.fixture
def world_of(sqlite_url):
    """Make an installation with other settings of [web]."""
    made = []

    def make(**web):
        made.append(World(sqlite_url, **web))
        return made[-1]

    yield make
    for one in made:
        one.runner.close()
        one.database.close()
