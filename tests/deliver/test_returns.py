"""Return paths: who is written back to, and who may say so."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.returns import ReturningTransport, ReturnPaths
from digest.model import Reply, new_id
from tests.deliver.conftest import NOW, make_message

PATHS = ReturnPaths("bounces@example.org", ["new-key", "old-key"])


@given(st.uuids())
def test_delivery_is_read_back_whatever_the_case(own: UUID):
    path = PATHS.of(str(own))

    assert PATHS.read(path) == PATHS.read(path.upper()) == str(own)
    assert len(path.partition("@")[0]) <= 64


@given(st.uuids())
def test_leaving_address_names_its_reader_and_is_no_return_path(own: UUID):
    address = PATHS.leaving(str(own))

    assert PATHS.read_leaving(address) == PATHS.read_leaving(address.upper()) == str(own)
    assert PATHS.read(address) is None
    assert PATHS.read_leaving(PATHS.of(str(own))) is None
    assert PATHS.read_leaving(address.replace("+u", "+")) is None


def test_return_path_cannot_be_rewritten_to_unsubscribe_its_reader():
    own = new_id(NOW)

    assert PATHS.read_leaving(PATHS.of(own).replace("+", "+u")) is None


def test_rotated_key_is_still_believed():
    own = new_id(NOW)

    assert PATHS.read(ReturnPaths("bounces@example.org", ["old-key"]).of(own)) == own


@pytest.mark.parametrize(
    "address",
    [
        "bounces@example.org",
        "bounces+@example.org",
        "bounces+" + "a" * 34 + "@example.org",
        "bounces+" + "1" * 34 + "@example.org",
        "bounces+" + "é" * 34 + "@example.org",
        ReturnPaths("bounces@example.org", ["other"]).of(new_id(NOW)),
        ReturnPaths("bounces@other.test", ["new-key"]).of(new_id(NOW)),
        "",
    ],
    # Two of them are new at each run, and parallel workers must agree on the names.
    ids=["bare", "nothing signed", "letters", "digits", "accents", "key", "place", "empty"],
)
def test_what_we_did_not_sign_says_nothing(address):
    assert PATHS.read(address) is None


async def test_message_leaves_from_its_own_return_path():
    class Inner:
        connections = 3

        async def send(self, message, following):
            self.sender = message.sender
            return Reply(code=250, text="ok")

    inner = Inner()
    own = new_id(NOW)

    await ReturningTransport(inner, PATHS).send(make_message(name=own))

    assert PATHS.read(inner.sender) == own
