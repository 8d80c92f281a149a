"""Feeds of PubMed and the ACL Anthology, written after their documentation."""

from datetime import UTC, datetime

import pytest

from digest.fetch import feed
from digest.model import Source

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SOURCE = Source(name="s", url="https://example.org/feed", kind="feed")

PUBMED = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>pubmed: x</title><item>
<title>Deep nets in the clinic.</title>
<link>https://pubmed.ncbi.nlm.nih.gov/41234567/?utm_source=x&amp;fc=2026&amp;ff=1&amp;v=2.18</link>
<description>CONCLUSIONS: It works.</description>
<content:encoded><![CDATA[<div><p style="color: #4aa564;">J Med. 2026 Jan 1.
 doi: 10.1016/j.jmed.2026.01.001. Online ahead of print.</p><p><b>ABSTRACT</b></p>
<p>BACKGROUND: Why.</p><p>CONCLUSIONS: It works.</p>
<p style="color: lightgray">PMID:<a href="x">41234567</a> | DOI:<a>10.1016/x</a></p></div>]]>
</content:encoded><guid isPermaLink="false">pubmed:41234567</guid>
<pubDate>Thu, 01 Jan 2026 06:00:00 -0500</pubDate>
<dc:creator>Jane Doe</dc:creator><dc:creator>John Roe</dc:creator>%s</item></channel></rss>"""


def only(content):
    (one,) = feed.parse(content.encode(), SOURCE, NOW).announcements
    return one


PMID = "<dc:identifier>pmid:41234567</dc:identifier>"
DOI = "<dc:identifier>doi:10.1016/j.jmed.2026.01.001</dc:identifier>"


@pytest.mark.parametrize(
    "identifiers", [PMID + DOI, DOI + PMID, ""], ids=["doi last", "pmid last", "none"]
)
def test_article_of_pubmed_is_read_whole(identifiers):
    one = only(PUBMED % identifiers)

    assert one.keys[:2] == ("doi:10.1016/j.jmed.2026.01.001", "guid:s:pubmed:41234567")
    assert one.links.page == "https://pubmed.ncbi.nlm.nih.gov/41234567/"
    assert one.summary == "BACKGROUND: Why.\n\nCONCLUSIONS: It works."
    assert one.authors == ("Jane Doe", "John Roe")


@pytest.mark.parametrize(
    ("link", "identifier"),
    [
        ("https://aclanthology.org/2024.acl-long.12/", "2024.acl-long.12"),
        ("https://aclanthology.org/2024.acl-long.12.pdf", "2024.acl-long.12"),
        ("https://www.aclweb.org/anthology/P19-1001/", "P19-1001"),
    ],
)
def test_paper_of_the_anthology_has_one_page(link, identifier):
    one = only(
        "<rss version='2.0'><channel><title>x</title><item><title>&lt;fixed-case&gt;BERT"
        f"&lt;/fixed-case&gt; revisited</title><link>{link}</link></item></channel></rss>"
    )

    assert one.title == "BERT revisited"
    assert one.links.page == f"https://aclanthology.org/{identifier}/"
    assert one.links.pdf == f"https://aclanthology.org/{identifier}.pdf"
