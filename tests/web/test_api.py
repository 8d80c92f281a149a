"""The API: each ability by itself, and its own description turned against it."""

import json
from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.conftest import ADMIN


@pytest.fixture
def bearer(world):
    token = world.preferences(world.joined(topics="graphs")).rpartition("/")[2]
    return {"Authorization": f"Bearer {token}"}


def test_items_are_found_by_words_and_topic(world):
    assert len(world.get("/api/v1/items?q=folding").json()) == 4
    assert world.get("/api/v1/items?topic=nothing").json() == []
    assert world.get("/api/v1/items?q=folding&page=2").json() == []


def test_an_item_is_found_by_id_and_by_key(world):
    first = world.get("/api/v1/items").json()[0]

    assert world.get(f"/api/v1/items/{first['id']}").json() == first
    assert world.get("/api/v1/items/arxiv:2603.00012").json() == first
    assert world.get("/api/v1/items/nothing").status_code == 404


def test_what_is_read_of_preferences_can_be_sent_back(world, bearer):
    before = world.subscriber()
    read = world.get("/api/v1/preferences", headers=bearer).json()

    answer = world.request("PATCH", "/api/v1/preferences", json=read, headers=bearer)

    assert answer.json() == read
    assert world.subscriber() == before


@pytest.mark.parametrize(
    "wish",
    [
        {"timezone": "Asia/Tokyo"},
        {"at": "05:30:00"},
        {"weekdays": [0, 4]},
        {"language": "zh"},
        {"paused_until": "2027-01-01T00:00:00Z"},
        {"max_items": 3},
        {"at_least": 2},
        {"popularity": 0.9},
        {"form": "short"},
        {"explore": False},
        {"thumbnails": True},
        {"revisions": True},
    ],
    ids=lambda wish: next(iter(wish)),
)
def test_each_wish_is_changed_alone(world, bearer, wish):
    before = world.get("/api/v1/preferences", headers=bearer).json()

    answer = world.request("PATCH", "/api/v1/preferences", json=wish, headers=bearer)

    assert answer.json() == before | wish
    assert world.get("/api/v1/preferences", headers=bearer).json() == before | wish


def test_a_pause_ends_when_it_is_taken_away(world, bearer):
    later = datetime(2027, 1, 1, tzinfo=UTC).isoformat()
    for until in (later, None):
        wish = {"paused_until": until}
        world.request("PATCH", "/api/v1/preferences", json=wish, headers=bearer)

    assert world.subscriber().paused_until is None


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"timezone": "Mars/Olympus"}, id="no such zone"),
        pytest.param({"language": "xx"}, id="no such language"),
        pytest.param({"weekdays": []}, id="no day"),
        pytest.param({"weekdays": [7]}, id="no such day"),
        pytest.param({"paused_until": "2027-01-01T00:00:00"}, id="an instant without zone"),
        pytest.param({"email": "other@example.org"}, id="no wish"),
        pytest.param({"status": "confirmed"}, id="no wish either"),
        pytest.param({"interests": [{"name": "a"}, {"name": "a"}]}, id="a name twice"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_and_changes_nothing(world, bearer, wish):
    before = world.subscriber()

    answer = world.request("PATCH", "/api/v1/preferences", json=wish, headers=bearer)

    assert answer.status_code == 422
    assert world.subscriber() == before


def operations(world):
    """Give what the description promises, as schemathesis reads it."""
    described = world.get("/api/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(described)
    return [found.ok() for found in schema.get_all_operations()]


# Each example drives the whole application: the time of one says nothing.
SETTINGS = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def test_nothing_that_fits_the_description_or_breaks_it_breaks_the_api(world, bearer):
    """schemathesis makes requests of both kinds for each operation: none is answered by 5xx."""
    tokens = st.sampled_from([bearer["Authorization"], f"Bearer {ADMIN}", "x"])
    answered = set()
    for operation in operations(world):
        modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

        @SETTINGS
        @given(case=cases, token=tokens)
        def send(case, token):
            made = case.as_transport_kwargs(base_url=world.links.base_url)
            body = made.get("data", made.get("json"))
            answer = world.request(
                case.method,
                made["url"],
                params=made.get("params"),
                content=body if isinstance(body, bytes | None) else json.dumps(body),
                headers={"Authorization": token, "Content-Type": "application/json"},
            )
            assert answer.status_code < 500, made
            answered.add((case.method, answer.status_code))

        send()

    assert {("GET", 200), ("PATCH", 200), ("POST", 202)} <= answered
