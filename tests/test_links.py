"""Tokens: what they open, what they do not, and for how long."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import LinkError
from digest.links import CONFIRM_WITHIN, Links, Purpose
from digest.model import new_id

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
BASE = "https://digest.example.org"
OLD, NEW = "k" * 32, "n" * 32
LINKS = Links(BASE, [NEW])
ADA, EDITION = new_id(NOW), new_id(NOW)

ADDRESSES = {
    Purpose.CONFIRM: LINKS.confirm(ADA, 3, NOW),
    Purpose.PREFERENCES: LINKS.preferences(ADA, 3),
    Purpose.UNSUBSCRIBE: LINKS.unsubscribe(ADA),
    Purpose.DIGEST: LINKS.digest(ADA, EDITION, 3),
    Purpose.FEED: LINKS.feed(ADA, 3),
    Purpose.FORM: f"{BASE}/form/{LINKS.form_stamp(NOW)}",
}


def token_of(purpose: Purpose) -> str:
    return ADDRESSES[purpose].rpartition("/")[2]


@pytest.mark.parametrize("purpose", Purpose)
def test_an_address_says_purpose_and_token(purpose):
    assert ADDRESSES[purpose] == f"{BASE}/{purpose}/{token_of(purpose)}"


def test_a_token_gives_back_what_it_was_made_of():
    ticket = LINKS.read(Purpose.DIGEST, token_of(Purpose.DIGEST), NOW)

    assert (ticket.subscriber_id, ticket.digest_id, ticket.epoch) == (ADA, EDITION, 3)


@pytest.mark.parametrize(("made_for", "used_for"), list(permutations(Purpose, 2)))
def test_a_token_opens_nothing_but_its_purpose(made_for, used_for):
    with pytest.raises(LinkError):
        LINKS.read(used_for, token_of(made_for), NOW)


@pytest.mark.parametrize("purpose", Purpose)
def test_every_changed_sign_is_noticed(purpose):
    token = token_of(purpose)
    for place, sign in enumerate(token):
        forged = f"{token[:place]}{'B' if sign == 'A' else 'A'}{token[place + 1 :]}"
        with pytest.raises(LinkError):
            LINKS.read(purpose, forged, NOW)


@given(st.text(max_size=200))
def test_no_text_is_a_token(text):
    with pytest.raises(LinkError):
        LINKS.read(Purpose.UNSUBSCRIBE, text, NOW)


def test_a_confirmation_expires_after_two_days():
    token = token_of(Purpose.CONFIRM)

    assert LINKS.read(Purpose.CONFIRM, token, NOW + CONFIRM_WITHIN).subscriber_id == ADA
    with pytest.raises(LinkError, match="expired"):
        LINKS.read(Purpose.CONFIRM, token, NOW + CONFIRM_WITHIN + timedelta(minutes=1))


def test_an_older_key_is_believed_until_it_is_taken_away():
    token = Links(BASE, [OLD]).unsubscribe(ADA).rpartition("/")[2]

    assert Links(BASE, [NEW, OLD]).read(Purpose.UNSUBSCRIBE, token, NOW).subscriber_id == ADA
    with pytest.raises(LinkError):
        LINKS.read(Purpose.UNSUBSCRIBE, token, NOW)


def test_the_newest_key_signs():
    token = Links(BASE, [NEW, OLD]).unsubscribe(ADA).rpartition("/")[2]

    assert LINKS.read(Purpose.UNSUBSCRIBE, token, NOW).subscriber_id == ADA


def test_an_unsubscribe_address_is_short_enough_for_its_header():
    """Longer ones are folded or encoded by some; the angle brackets count."""
    assert len(f"<{LINKS.unsubscribe(ADA)}>") < 76


def test_a_hash_is_known_again_after_a_new_key_came():
    [before] = Links(BASE, [OLD]).hashes("ada@example.org")

    newest, older = Links(BASE, [NEW, OLD]).hashes("ada@example.org")
    assert older == before
    assert newest != before
    assert "ada" not in newest
