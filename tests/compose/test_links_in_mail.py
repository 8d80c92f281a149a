"""What a mail says once there are pages to lead to, and the notices about a subscription."""

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default, strict

import pytest
from selectolax.lexbor import LexborHTMLParser

from digest.compose.letter import HTML_BYTES
from digest.compose.message import MessageBuilder
from digest.deliver.returns import ReturnPaths
from digest.errors import RenderError
from digest.links import Links, Purpose
from digest.model import DeliveryKind, Ranked, new_id
from digest.render import Templates
from tests.compose.samples import ADA, MAIL, NOW, make_delivery, make_digest, make_item

LINKS = Links("https://digest.example.org", ["k" * 32])
BUILDER = MessageBuilder(MAIL, Templates(), LINKS)
READER = replace(ADA, id=new_id(NOW), link_epoch=4)
DIGEST = replace(make_digest(subscriber=READER), id=new_id(NOW))
NOTICES = [kind for kind in DeliveryKind if kind is not DeliveryKind.DIGEST]


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=strict + default)
    assert isinstance(message, EmailMessage)
    return message


def hrefs(html: str) -> list[str]:
    return [node.attributes["href"] for node in LexborHTMLParser(html).css("a")]


def test_unsubscribing_is_one_click_by_header_and_whole_in_its_raw_bytes():
    """RFC 8058 section 3.1; an encoded or broken address could not be posted to."""
    content = BUILDER.build(make_delivery(READER), DIGEST, READER).content

    page = LINKS.unsubscribe(READER.id)
    assert f"List-Unsubscribe:\r\n <{page}>,\r\n <mailto:".encode() in content
    assert read(content)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read(content)["List-Unsubscribe"].lstrip().startswith(f"<{page}>, <mailto:")


def test_footer_leads_to_the_readers_own_pages():
    found = hrefs(BUILDER.html(DIGEST, READER))[-4:]

    preferences = LINKS.preferences(READER.id, 4)
    assert found == [
        preferences,
        f"{preferences}#pause",
        LINKS.digest(READER.id, DIGEST.id, 4),
        LINKS.unsubscribe(READER.id),
    ]
    text = BUILDER.text(DIGEST, READER)
    assert all(link in text for link in found if "#" not in link)


def test_each_item_can_be_judged():
    found = hrefs(BUILDER.html(DIGEST, READER))

    web_copy = LINKS.digest(READER.id, DIGEST.id, 4)
    for place in range(1, len(DIGEST.picks) + 1):
        assert f"{web_copy}/{place}/more" in found
        assert f"{web_copy}/{place}/less" in found
        assert f"{web_copy}/{place}\n" in BUILDER.text(DIGEST, READER)


def test_without_pages_nothing_leads_to_any():
    plain = MessageBuilder(MAIL, Templates())

    content = plain.build(make_delivery(READER), DIGEST, READER).content
    assert b"List-Unsubscribe-Post" not in content
    assert "like this" not in plain.html(DIGEST, READER)


def test_who_leaves_by_mail_has_an_address_of_his_own():
    """A From line may be anybody's, an address that only this reader got may not."""
    leaving = ReturnPaths("bounces+a&b@example.org", ["key"]).leaving
    own = leaving(READER.id).replace("&", "%26")

    with_pages = MessageBuilder(MAIL, Templates(), LINKS, leaving)
    content = with_pages.build(make_delivery(READER), DIGEST, READER).content
    assert f",\r\n <mailto:{own}>\r\nList-Unsubscribe-Post:".encode() in content

    without = MessageBuilder(MAIL, Templates(), None, leaving)
    content = without.build(make_delivery(READER), DIGEST, READER).content
    assert f"List-Unsubscribe: <mailto:{own}>\r\n".encode() in content
    assert f"mailto:{own}" in hrefs(without.html(DIGEST, READER))
    assert f"mailto:{own}\n" in without.text(DIGEST, READER)
    assert b"List-Unsubscribe-Post" not in content


def test_a_long_mail_counts_what_its_links_take():
    many = [
        Ranked(item=make_item(number, f"Title {number}", "A summary of some length. " * 9), score=1)
        for number in range(100)
    ]
    reader = replace(READER, max_items=100)
    digest = replace(make_digest(many, reader), id=new_id(NOW))

    assert len(BUILDER.html(digest, reader).encode()) <= HTML_BYTES


@pytest.mark.parametrize("kind", NOTICES)
def test_a_notice_holds_one_link_and_nothing_that_was_typed(kind):
    reader = replace(READER, name="Buy now at evil.example")
    delivery = make_delivery(reader)._replace(kind=kind)

    message = BUILDER.notice(delivery, reader)
    mail = read(message.content)
    text, html = (part.get_content() for part in mail.iter_parts())
    [link] = hrefs(html)
    assert link in text.replace("\r\n", "\n").split("\n")
    assert b"evil" not in message.content
    assert b"Retrieval" not in message.content
    assert mail["Auto-Submitted"] == "auto-generated"
    assert max(map(len, message.content.split(b"\r\n"))) <= 76
    assert b"\n" not in message.content.replace(b"\r\n", b"")
    assert message.content == BUILDER.notice(delivery, reader).content


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        (DeliveryKind.CONFIRMATION, Purpose.CONFIRM),
        (DeliveryKind.ACCESS, Purpose.PREFERENCES),
        (DeliveryKind.FAREWELL, Purpose.CONFIRM),
    ],
)
def test_a_notice_leads_to_the_page_of_its_kind(kind, purpose):
    delivery = make_delivery(READER)._replace(kind=kind)
    [_, html] = read(BUILDER.notice(delivery, READER).content).iter_parts()

    [link] = hrefs(html.get_content())
    ticket = LINKS.read(purpose, link.rpartition("/")[2], NOW)
    assert (ticket.subscriber_id, ticket.epoch) == (READER.id, 4)


def test_a_notice_without_pages_says_what_to_set():
    delivery = make_delivery(READER)._replace(kind=DeliveryKind.ACCESS)

    with pytest.raises(RenderError, match=r"set web\.base_url"):
        MessageBuilder(MAIL, Templates()).notice(delivery, READER)
