"""Alert mails: one message, an mbox, a Maildir."""

from datetime import UTC, date, datetime
from email.message import EmailMessage

import pytest

from digest.errors import ParseError
from digest.fetch.fetcher import ListingFetcher
from digest.fetch.parsing import detect
from digest.fetch.saved_mail import is_mail, parse
from digest.model import Source, Validators

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SOURCE = Source(name="alerts", url="alerts.mbox")

SCHOLAR = """<html><body><h3 style="font-weight:normal"><span>[PDF]</span> <a class="gse_alrt_title"
 href="https://scholar.google.com/scholar_url?url=https://arxiv.org/pdf/2401.01234&amp;hl=en&amp;sa=X"
>On <b>dense</b> retrieval</a></h3><div style="color:#006621">A Lovelace, A Turing… - arXiv preprint
 arXiv:2401.01234, 2026</div><div class="gse_alrt_sni">We retrieve <br>densely …</div><br>
<h3><a class="gse_alrt_title" href="https://scholar.google.com/scholar_url?url=https://journal.example/7"
>Other things entirely</a></h3><div>B Curie - Journal of Things, 2026</div></body></html>"""
PAPER_ID = "7cbc2a7843411a1768ab762930707af0a3c33a19"
SEMANTIC = f"""<table><tr><td><a class="paper-link" href="https://www.semanticscholar.org/paper/On-things/
{PAPER_ID}?utm_source=alert_email"><img></a><a href="https://www.semanticscholar.org/paper/On-things/{PAPER_ID}
?utm_source=alert_email&amp;email=x">A title of some length</a>
<a href="https://www.semanticscholar.org/me/alerts">Manage all
 of my alerts here</a></td></tr></table>"""
DOIS = """<p><a href="https://www.biorxiv.org/content/10.1101/2023.12.16.571984v1?rss=1">A genome of
 some length</a> <a href="https://doi.org/10.1234/x">PDF</a> <a href="https://example.org/">Read
 all of our news</a></p>"""


def mail(markup, subject="Alert", day=1):
    message = EmailMessage()
    message["From"] = "Alerts <alerts@example.org>"
    message["Subject"] = subject
    message["Date"] = f"Thu, {day:02} Oct 2026 10:00:00 +0200"
    message.set_content("see HTML")
    message.add_alternative(markup, subtype="html")
    return message.as_bytes()


def mbox(*messages):
    return b"".join(
        b"From alerts@example.org Thu Oct  1 10:00:00 2026\n" + m + b"\n" for m in messages
    )


def read(content):
    return parse(content, SOURCE, NOW)


def test_google_scholar_alert_is_read_with_its_links_undone():
    one, other = read(mail(SCHOLAR)).announcements

    assert (one.keys[0], one.title) == ("arxiv:2401.01234", "On dense retrieval")
    assert (one.authors, one.author_count) == (("A Lovelace", "A Turing"), None)
    assert one.summary == "We retrieve densely …"
    assert one.announced_on == date(2026, 10, 1)
    assert other.links.page == "https://journal.example/7"
    assert (other.authors, other.author_count) == (("B Curie",), 1)


def test_semantic_scholar_alert_shows_each_paper_once():
    (one,) = read(mail(SEMANTIC)).announcements

    assert one.title == "A title of some length"
    assert one.keys[0] == f"guid:alerts:{PAPER_ID}"
    assert one.links.page == f"https://www.semanticscholar.org/paper/{PAPER_ID}"


def test_other_alert_is_read_by_links_that_name_works():
    (one,) = read(mail(DOIS)).announcements

    assert (one.keys[0], one.title) == (
        *("doi:10.1101/2023.12.16.571984", "A genome of some length"),
    )


def test_box_is_read_newest_first_and_other_mails_are_told():
    content = mbox(
        mail(DOIS, day=1), mail("<p>Hello</p>", subject="Hello", day=2), mail(SCHOLAR, day=3)
    )

    listing = read(content)

    assert detect(content) == listing.kind == "file"
    assert [one.title[:5] for one in listing.announcements] == ["On de", "Other", "A gen"]
    assert listing.warnings == ('mail "Hello" skipped: expected an alert with links to works',)


def test_arxiv_mailing_in_a_mail_is_read_as_one(samples):
    mailing = (samples / "arxiv-email/q-fin-2023-03-17.txt").read_text()
    message = EmailMessage()
    message["From"] = "no-reply@arxiv.org"
    message.set_content(mailing, cte="quoted-printable")

    listing = read(message.as_bytes())

    assert len(listing.announcements) == 16


async def test_maildir_is_read_as_a_box(tmp_path, http, sandbox):
    for folder in ("new", "cur", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / "1.host").write_bytes(mail(SCHOLAR))
    (tmp_path / "cur" / "2.host:2,S").write_bytes(mail("<p>Hello</p>"))
    fetcher = ListingFetcher(http, sandbox, lambda: NOW)

    fetched = await fetcher.fetch(Source(name="box", url=str(tmp_path), kind="file"), Validators())

    assert len(fetched.listing.announcements) == 2
    assert "2.host:2,S could not be read" in fetched.listing.warnings[0]


def test_mail_without_works_is_an_error():
    with pytest.raises(ParseError, match='no mail announces a work: mail "Alert" skipped'):
        read(mail("<p>Hello</p>"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"<html>",
        b"From here on\nwe go",
        b"Date: today\nSubject: x\n\nbody",
        b"a: b\n\nc",
    ],
)
def test_what_is_no_mail_is_not_taken_for_one(content):
    assert not is_mail(content)


def test_nested_parts_are_bounded():
    head = b"From: a@example.org\n"
    for depth in range(3_000):
        head += b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (depth, depth)

    with pytest.raises(ParseError):
        read(head + b"\nx")
