"""The folder transport: one whole file a message, whatever the recipient is called."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.file import FileTransport, file_name
from digest.errors import TransportError
from tests.deliver.conftest import CONTENT, make_message


async def test_message_becomes_a_file_named_by_day_recipient_and_delivery(tmp_path):
    transport = FileTransport(tmp_path / "new" / "outbox")

    reply = await transport.send(make_message("ada@example.org", name="0193"))

    [path] = (tmp_path / "new" / "outbox").iterdir()
    assert path.name == "2026-11-21-ada@example.org-0193.eml"
    assert path.read_bytes() == CONTENT
    assert (reply.code, reply.text) == (250, f"written as {path.name}")


async def test_file_is_for_this_user_alone(tmp_path):
    await FileTransport(tmp_path / "outbox").send(make_message())

    [path] = (tmp_path / "outbox").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_same_message_twice_leaves_one_file(tmp_path):
    transport = FileTransport(tmp_path)

    await transport.send(make_message())
    await transport.send(make_message())

    assert len(list(tmp_path.iterdir())) == 1


async def test_planted_link_is_replaced_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    folder = tmp_path / "outbox"
    folder.mkdir()
    (folder / file_name(make_message())).symlink_to(victim)

    await FileTransport(folder).send(make_message())

    assert victim.read_bytes() == b"precious"


async def test_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "outbox").write_text("a file where the folder should be")

    with pytest.raises(TransportError, match=r"outbox: .*check deliver\.folder"):
        await FileTransport(tmp_path / "outbox").send(make_message())


async def test_failed_write_leaves_nothing_behind(tmp_path):
    """A folder stands where the file should go, so the last step, the renaming, fails."""
    (tmp_path / file_name(make_message())).mkdir()

    with pytest.raises(TransportError):
        await FileTransport(tmp_path).send(make_message())

    assert [path.name for path in tmp_path.iterdir()] == [file_name(make_message())]


@given(recipient=st.text(max_size=300), name=st.text(max_size=300), date=st.text(max_size=40))
def test_no_name_leads_out_of_the_folder(recipient, name, date):
    content = f"Date: {date}\r\n\r\n".encode(errors="replace")

    named = file_name(make_message(recipient, name=name or "x", content=content))

    assert named.isascii()
    assert "/" not in named
    assert not named.startswith(".")
    assert named.endswith(".eml")
    assert len(named) <= 150


@pytest.mark.parametrize("content", [b"", b"\r\n", b"Date: yesterday\r\n\r\n", b"\x00\xff"])
def test_message_without_a_readable_date_has_a_name_too(content):
    assert file_name(make_message(name="1", content=content)) == "undated-ada@example.org-1.eml"
