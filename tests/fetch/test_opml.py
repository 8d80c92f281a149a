"""OPML of feed readers, well-formed or not."""

import pytest

from digest.errors import ParseError
from digest.fetch.opml import Feed, read_feeds


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("India.opml", 36),
        ("SubsNoTitleAttributes.opml", 207),
        ("category.opml", 1),
        ("duplication.xml", 1),
        ("end-element-missing.xml", 1),
        ("example.opml", 7),
        ("feedvalidator_category.opml", 0),
        ("hier-4-mixed.xml", 1),
        ("states.opml", 0),
        ("subscriptionList.opml", 13),
        ("tags-3-cats_mixed.xml", 1),
        ("undefined-entity-text.xml", 0),
    ],
)
def test_sample_gives_exactly_its_feeds(samples, name, expected):
    assert len(read_feeds((samples / "opml" / name).read_bytes()).feeds) == expected


def test_commands_in_place_of_addresses_are_left_out_and_told():
    found = read_feeds(
        b"<opml><body><outline xmlUrl='exec:rm -rf /'/><outline xmlUrl='|cat x'/><outline "
        b"xmlUrl='filter:~/x:http://a.example/'/><outline text='A &amp; B' XMLURL='http://a.example/f'/>"
        b"<outline text='again'><outline title='A' xmlurl='http://a.example/f'/></outline></body></opml>"
    )

    assert found.feeds == (Feed(title="A & B", url="http://a.example/f"),)
    assert [warning.split('"')[1] for warning in found.warnings] == [
        *("exec:rm -rf /", "|cat x", "filter:~/x:http://a.example/")
    ]


def test_list_that_is_not_well_formed_is_read():
    found = read_feeds(
        b"<opml><body></outline></body></opml><outline text=A&B xmlUrl='http://a.example/?a=1&b=2'>"
    )

    assert found.feeds == (Feed(title="A&B", url="http://a.example/?a=1&b=2"),)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"<html><body>no</body></html>", "expected OPML, got <html>"),
        (b"{}", "expected OPML"),
        (b"<!DOCTYPE opml [<!ENTITY a 'b'>]><opml/>", "declares entities: refused"),
    ],
)
def test_what_is_no_opml_is_refused(content, cause):
    with pytest.raises(ParseError, match=cause):
        read_feeds(content)


def test_feed_scheme_is_a_web_address_and_an_ill_formed_list_is_told():
    found = read_feeds(
        b'<opml><body><outline xmlUrl="feed://a.example/f"/>'
        b'<outline xmlUrl="feed:https://b.example/f?x=1&y=2"/></body></opml>'
    )

    assert [feed.url for feed in found.feeds] == [
        "http://a.example/f",
        "https://b.example/f?x=1&y=2",
    ]
    assert found.warnings[0].startswith("not well-formed, read as far as it goes")
