"""arXiv's mailings, plain-text listings and metadata records."""

from datetime import UTC, date, datetime

import pytest

from digest.errors import ParseError
from digest.fetch import arxiv_mail
from digest.model import Announce, Source
from tests.fetch.conftest import SAMPLES

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SOURCE = Source(name="mail", url="mail.txt", kind="arxiv")
RULE = "-" * 78
HEAD = f"""Date: Fri, 17 Mar 23 00:31:14 GMT
Subject: q-fin daily 1 new

{RULE}
received from  Wed 15 Mar 23 18:00:00 GMT  to  Thu 16 Mar 23 18:00:00 GMT
{RULE}
"""


def record(
    head="arXiv:2303.08867",
    dated="Date: Wed, 15 Mar 2023 18:34:08 GMT   (243kb,D)",
    fields="Title: A Bayesian derivation of the square\n  root law\nAuthors: Ada Lovelace",
    abstract="\n  We show it.\n",
):
    end = f"\\\\ ( https://arxiv.org/abs/1 )\n{RULE}\n"
    return f"\\\\\n{head}\n{dated}\n\n{fields}\n\\\\{abstract}{end}"


def parse(text):
    return arxiv_mail.parse(text.encode(), SOURCE, NOW)


def only(text):
    (one,) = parse(text).announcements
    return one


@pytest.mark.parametrize(
    ("name", "types", "shown_on"),
    [
        ("astro-ph.EP.txt", {"new": 6, "cross": 4, "replace": 8}, date(2023, 3, 3)),
        ("astro-ph.EP-pastweek.txt", {"new": 36, "cross": 13}, date(2023, 3, 3)),
        ("q-fin-2023-03-17.txt", {"new": 13, "replace": 3}, date(2023, 3, 17)),
        ("q-fin.TR-2023-03-17.txt", {"new": 1}, date(2023, 3, 17)),
        ("math-ph-9701-month.txt", {"cross": 17}, None),
    ],
)
def test_sample_is_of_its_day_and_types(samples, name, types, shown_on):
    content = (samples / "arxiv-email" / name).read_bytes()

    listing = arxiv_mail.parse(content, SOURCE, NOW)

    kinds = [str(one.announce) for one in listing.announcements]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == types
    assert listing.shown_on == shown_on


def test_record_is_read_whole():
    one = only(
        HEAD
        + record(
            fields="Title: A Bayesian derivation of the\n  square root law of market impact\n"
            "Authors: Louis Saddier (Univ. (Paris), Y), M{\\aa}ns Holmberg and Matteo Marsili\n"
            "Categories: q-fin.TR cond-mat.stat-mech\nComments: 16 pages\n"
            "DOI: 10.1103/PhysRevD.76.013009",
            abstract="\n  We show $0<x<1$ and\nmore.\n  A second paragraph.\n",
        )
    )

    assert one.title == "A Bayesian derivation of the square root law of market impact"
    assert one.authors == ("Louis Saddier", "Måns Holmberg", "Matteo Marsili")
    assert one.categories == ("q-fin.TR", "cond-mat.stat-mech")
    assert one.summary == "We show 0<x<1 and more.\n\nA second paragraph."
    assert one.keys[:2] == ("arxiv:2303.08867", "doi:10.1103/physrevd.76.013009")
    assert one.published_on == date(2023, 3, 15)
    assert one.announced_on == date(2023, 3, 17)
    assert one.links.page == "https://arxiv.org/abs/2303.08867"


@pytest.mark.parametrize(
    ("head", "dated", "announce"),
    [
        ("arXiv:2303.08867", "Date: Wed, 15 Mar 2023 18:34:08 GMT (1kb)", Announce.NEW),
        (
            "arXiv:2303.08867 (*cross-listing*)",
            "Date: Wed, 15 Mar 2023 18:34:08 GMT (1kb)",
            Announce.CROSS_LIST,
        ),
        (
            "Paper (*cross-listing*): cond-mat/9701067",
            "Date: Fri, 10 Jan 1997 08:26:03 GMT (29kb)",
            Announce.CROSS_LIST,
        ),
        (
            "arXiv:2303.08867",
            "replaced with revised version Wed, 15 Mar 2023 22:37:33 GMT (1kb)",
            Announce.REPLACEMENT,
        ),
        (
            "arXiv:2303.08867 (*cross-listing*)",
            "replaced with revised version Wed, 15 Mar 2023 22:37:33 GMT (1kb)",
            Announce.REPLACEMENT_CROSS,
        ),
    ],
)
def test_type_is_told_by_the_records_own_marks(head, dated, announce):
    """Separators between sections get lost in forwarded mails."""
    assert only(record(head, dated)).announce is announce


def test_versions_are_counted_and_a_size_of_nothing_means_withdrawn():
    one = only(
        record(
            dated="Date: Mon, 25 Jan 2021 11:32:05 GMT   (171kb)\n"
            "Date (revised v2): Tue, 17 Jan 2023 19:27:37 GMT   (0kb,I)"
        )
    )

    assert one.version == 2
    assert one.published_on == date(2021, 1, 25)
    assert one.withdrawn


def test_forwarded_mail_is_read_through_its_quotes():
    text = HEAD + record()

    one = only("".join(f"> {line}\n" for line in text.splitlines()))

    assert one.title == "A Bayesian derivation of the square root law"
    assert one.summary == "We show it."


def test_id_inside_an_abstract_begins_no_record():
    one = only(record(abstract="\n  See the work of\narXiv:2303.00001\nand others.\n"))

    assert one.keys[0] == "arxiv:2303.08867"
    assert one.summary.endswith("and others.")


def test_day_blocks_date_what_follows():
    block = f"\\\\\n/* Thu, 2 Mar 2023 */\n\\\\\n{RULE}\n"

    one = only(block + record())

    assert one.announced_on == date(2023, 3, 2)


@pytest.mark.parametrize(
    ("until", "day"),
    [("Thu 16 Mar 23", date(2023, 3, 17)), ("Fri 17 Mar 23", date(2023, 3, 20))],
)
def test_mail_without_a_date_is_of_the_working_day_after_its_submissions(until, day):
    text = f"{RULE}\nreceived from  Wed 15 Mar 23 18:00:00 GMT  to  {until} 18:00:00 GMT\n{RULE}\n"

    assert parse(text + record()).shown_on == day


def test_mail_of_a_day_without_papers_is_empty():
    assert parse(HEAD).announcements == ()


@pytest.mark.parametrize("text", ["Hello Bob", "arXiv:2303.08867v is nice", ""])
def test_other_text_is_an_error(text):
    with pytest.raises(ParseError, match="expected an arXiv mailing"):
        parse(text)


def test_every_new_record_of_a_mailing_has_its_abstract_and_authors():
    if not SAMPLES.is_dir():
        pytest.skip(f"no sample listings at {SAMPLES}")
    content = (SAMPLES / "arxiv-email" / "q-fin-2023-03-17.txt").read_bytes()

    found = arxiv_mail.parse(content, SOURCE, NOW).announcements

    assert all(one.authors and one.categories for one in found)
    assert all(len(one.summary) > 300 for one in found if one.announce is Announce.NEW)
