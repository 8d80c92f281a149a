from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.fetch.diff import diff
from digest.fetch.merge import is_revised, join_items, merge
from digest.identity import keys
from digest.model import Announce, Announcement, ChangeKind, Item, Links, Listing, Source

NOW = datetime(2026, 6, 12, 6, tzinfo=UTC)
HF = Source(name="hf", url="https://huggingface.co/papers", backlog=2)
ARXIV = Source(name="arxiv-cs", url="https://rss.arxiv.org/rss/cs")
BLOG = Source(name="blog", url="https://blog.example/feed")

TITLE = "Sparse Expansion Models for First-Stage Ranking"
ABSTRACT = (
    "We study how sparse expansion of queries and documents helps the first stage of ranking. "
    "Our model is trained end to end and needs no index of dense vectors at all."
)


def announce(title=TITLE, summary=ABSTRACT, authors=(), **values):
    identity = {
        name: values.pop(name) for name in ("arxiv", "doi", "guid", "link") if name in values
    }
    return Announcement(
        keys=keys(title=title, authors=authors, summary=summary, **identity),
        title=title,
        summary=summary,
        authors=authors,
        **values,
    )


def find(announcements, source, store=None, *, now=NOW, baseline=False):
    store = {} if store is None else store
    ids = (f"id-{now:%d}-{source.name}-{n}" for n in count())
    listing = Listing(kind="feed", announcements=tuple(announcements))
    return diff(listing, source, store, now=now, baseline=baseline, new_id=lambda: next(ids))


def apply(changes, store):
    """Do with a mapping what the store does with its tables."""
    for change in changes:
        for key in [key for key, item in store.items() if item.id in change.merged_ids]:
            store[key] = change.item
        for key in {*change.item.keys, *(k for k, i in store.items() if i.id == change.item.id)}:
            assert key not in store or store[key].id == change.item.id, "a key belongs to one item"
            store[key] = change.item
    return store


def seen(*announcements, source=ARXIV, store=None, baseline=False, now=NOW - timedelta(days=1)):
    """A store that has these announcements of a source."""
    store = {} if store is None else store
    return apply(find(announcements, source, store, baseline=baseline, now=now), store)


# --- identity ---------------------------------------------------------------------------


def test_one_work_from_four_kinds_of_sources_is_one_item():
    store = seen(announce(arxiv="2606.00001", authors=("Ada Lovelace",), version=1))
    text = Source(name="text", url="/saved/listing.txt")

    from_hf = find([announce(arxiv="2606.00001", authors=("Ada Lovelace",), upvotes=7)], HF, store)
    apply(from_hf, store)
    spaced = ABSTRACT.replace("sparse expansion", "sparseexpansion")
    from_text = find([announce(summary=spaced)], text, store)
    apply(from_text, store)
    bare = find([announce(summary="")], text, store)

    assert [c.kind for c in (*from_hf, *from_text, *bare)] == [ChangeKind.SEEN] * 3
    assert len({item.id for item in store.values()}) == 1
    assert from_text[0].item.authors == ("Ada Lovelace",)
    assert from_text[0].item.sources == ("arxiv-cs", "hf", "text")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            announce(arxiv="2107.05720", title="SPLADE"),
            announce(arxiv="2109.10086", title="SPLADE v2"),
            id="a title that continues another",
        ),
        pytest.param(
            announce(title="Diffusion Models Beat GANs on Image Classification"),
            announce(title="Do Diffusion Models Learn Discriminative Representations?"),
            id="abstracts that begin alike",
        ),
        pytest.param(
            announce(arxiv="2606.00001"), announce(arxiv="2606.00002"), id="two arXiv ids"
        ),
        pytest.param(
            announce(doi="10.1101/1"), announce(doi="10.1101/2"), id="two DOIs of one registrar"
        ),
        pytest.param(
            announce(guid=("blog", "a")), announce(guid=("blog", "b")), id="two guids of one feed"
        ),
        pytest.param(
            announce(link="https://blog.example/1"),
            announce(link="https://blog.example/2"),
            id="two pages of one feed",
        ),
        pytest.param(
            announce("Editorial", "", ("Ada Lovelace",), link="https://a.example/"),
            announce("Editorial", "", ("Alan Turing",), link="https://b.example/"),
            id="a title that says nothing",
        ),
        pytest.param(
            announce("An introduction to large language models", link="https://a.example/"),
            announce(
                "An introduction to large language models", ABSTRACT[::-1], arxiv="2606.00009"
            ),
            id="a long title with another abstract",
        ),
        pytest.param(
            announce("Introduction to the special issue on trees", "", ("Ada Lovelace",)),
            announce("Introduction to the special issue on trees", "", ("Alan Turing",)),
            id="a long title with other authors",
        ),
    ],
)
def test_two_works_stay_two(one, other):
    together = find([one, other], BLOG)
    store = seen(one, source=BLOG)
    later = find([other], BLOG, store)

    assert [change.kind for change in together] == [ChangeKind.NEW, ChangeKind.NEW]
    assert [change.kind for change in later] == [ChangeKind.NEW]
    first, second = (set(change.item.keys) for change in together)
    assert not first & second
    assert not set(later[0].item.keys) & set(store)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            announce(arxiv="2606.00001", doi="10.1101/1"),
            announce(doi="10.1145/9", arxiv="2606.00001"),
            id="preprint and journal DOI with an explicit arXiv id",
        ),
        pytest.param(
            announce(link="https://blog.example/1", guid=("blog", "1")),
            announce(link="https://mirror.example/1"),
            id="the same post on another page",
        ),
        pytest.param(
            announce(authors=("Kaur, M.",), summary=""),
            announce(authors=("Mandeep Kaur", "Bob Low"), summary=""),
            id="author lists of two lengths and orders",
        ),
        pytest.param(
            announce(link="https://blog.example/1", authors=("Ada Lovelace",)),
            announce(summary=ABSTRACT[::-1], link="https://blog.example/1", authors=("Bob Low",)),
            id="one page, other words about it",
        ),
        pytest.param(
            announce(authors=("Ada Lovelace",)),
            announce(summary=ABSTRACT[::-1], authors=("A. Lovelace", "Bob Low")),
            id="a rewritten abstract by the same author",
        ),
    ],
)
def test_one_work_stays_one_across_sources(one, other):
    changes = find([other], ARXIV, seen(one, source=BLOG))

    assert [change.kind for change in changes] == [ChangeKind.SEEN]


def test_two_announcements_of_one_work_in_a_listing_are_one_change():
    cross = announce(arxiv="2606.00001", announce=Announce.CROSS_LIST, authors=("A. Lovelace",))
    new = announce(arxiv="2606.00001v2", summary="", announce=Announce.NEW, version=2)

    (change,) = find([cross, new], ARXIV)

    assert change.announcement.announce is Announce.NEW
    assert (change.item.summary, change.item.version) == (ABSTRACT, 2)
    assert change.item.authors == ("A. Lovelace",)


def test_two_stored_items_that_prove_to_be_one_are_merged():
    journal = announce("Another title of the same work in print", "", doi="10.1145/9")
    store = seen(journal, source=BLOG, now=NOW - timedelta(days=3))
    old = store["doi:10.1145/9"]
    seen(announce(arxiv="2606.00001"), source=HF, store=store)
    young = store["arxiv:2606.00001"]

    (change,) = find([announce(arxiv="2606.00001", doi="10.1145/9")], ARXIV, store)

    assert change.merged_ids == (young.id,)
    assert change.item.id == old.id
    assert change.item.first_seen_at == old.first_seen_at
    assert change.item.eligible_at == old.eligible_at
    assert set(change.item.keys) >= {*old.keys, *young.keys}
    assert change.item.sources == ("blog", "hf", "arxiv-cs")


def test_a_title_that_two_works_share_merges_neither():
    """An announcement with no more than the title meets one of them, and joins no others."""
    store = seen(announce(arxiv="2606.00001"), announce(arxiv="2606.00002", summary=ABSTRACT[::-1]))

    (change,) = find([announce(summary="")], BLOG, store)

    assert change.kind is ChangeKind.SEEN
    assert change.merged_ids == ()


# --- what counts as a revision ----------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param({"upvotes": 99, "comments": 4}, ChangeKind.SEEN, id="votes"),
        pytest.param({"title": TITLE.upper()}, ChangeKind.SEEN, id="case"),
        pytest.param({"title": TITLE.replace(" ", "  ")}, ChangeKind.SEEN, id="white space"),
        pytest.param({"summary": ""}, ChangeKind.SEEN, id="no abstract this time"),
        pytest.param({"summary": ABSTRACT + " More."}, ChangeKind.SEEN, id="the rest of a cut one"),
        pytest.param({"ai_summary": "It ranks."}, ChangeKind.SEEN, id="a machine's summary"),
        pytest.param({"version": 1}, ChangeKind.SEEN, id="same version"),
        pytest.param({"version": 2}, ChangeKind.REVISED, id="new version"),
        pytest.param({"title": TITLE + " v2"}, ChangeKind.REVISED, id="longer title"),
        pytest.param({"title": "Other", "version": 2}, ChangeKind.REVISED, id="new title"),
        pytest.param({"summary": "Short.", "version": 2}, ChangeKind.REVISED, id="new abstract"),
    ],
)
def test_only_text_and_version_make_a_revision(values, kind):
    store = seen(announce(arxiv="2606.00001", version=1))

    (change,) = find([announce(**{"arxiv": "2606.00001", "version": 1} | values)], ARXIV, store)

    assert change.kind is kind
    assert change.item.revised_at == (NOW if kind is ChangeKind.REVISED else None)
    assert change.previous == store["arxiv:2606.00001"]


def test_first_source_may_correct_its_own_text():
    store = seen(announce(guid=("blog", "1"), title="A tpyo"), source=BLOG)

    (change,) = find([announce(guid=("blog", "1"), title="A typo")], BLOG, store)

    assert (change.kind, change.item.title) == (ChangeKind.REVISED, "A typo")


def test_two_sources_that_differ_do_not_take_turns():
    store = seen(announce(arxiv="2606.00001", title="One title", version=1))
    listings = [
        (HF, announce(arxiv="2606.00001", title="Another title", summary=ABSTRACT[:90])),
        (ARXIV, announce(arxiv="2606.00001", title="One title", version=1)),
    ]

    kinds = []
    for day in range(4):
        source, announcement = listings[day % 2]
        changes = find([announcement], source, store, now=NOW + timedelta(days=day))
        kinds += [change.kind for change in changes]
        apply(changes, store)

    assert kinds == [ChangeKind.SEEN] * 4


def test_withdrawal_needs_a_sign_and_absence_is_none():
    store = seen(announce(arxiv="2606.00001"), announce("Other", arxiv="2606.00002"))

    changes = find([announce(arxiv="2606.00001", withdrawn=True)], ARXIV, store)

    assert [change.item.withdrawn for change in changes] == [True]


# --- what is news -----------------------------------------------------------------------


def listing_of(number):
    return [
        announce(f"Paper number {n}", "", arxiv=f"2606.{n:05}", announced_on=date(2026, 6, n))
        for n in range(1, number + 1)
    ]


@pytest.mark.parametrize(
    ("backlog", "titles"),
    [
        pytest.param(0, [], id="skip"),
        pytest.param(2, ["Paper number 4", "Paper number 5"], id="two newest"),
        pytest.param(None, [f"Paper number {n}" for n in range(1, 6)], id="include"),
    ],
)
def test_baseline_makes_only_its_backlog_news(backlog, titles):
    changes = find(listing_of(5), replace(HF, backlog=backlog), baseline=True)

    assert len(changes) == 5
    assert [c.item.title for c in changes if c.item.eligible_at == NOW] == titles


def test_items_of_one_day_are_news_in_the_order_of_the_listing():
    listing = [replace(a, announced_on=date(2026, 6, 1)) for a in listing_of(4)]

    changes = find(listing, HF, baseline=True)

    assert [c.item.eligible_at is not None for c in changes] == [True, True, False, False]


@pytest.mark.parametrize(
    ("kind", "eligible"),
    [
        (Announce.NEW, True),
        (Announce.CROSS_LIST, True),
        (Announce.REPLACEMENT, False),
        (Announce.REPLACEMENT_CROSS, False),
    ],
)
def test_a_replacement_of_something_never_seen_is_no_news(kind, eligible):
    (change,) = find([announce(arxiv="2606.00001", announce=kind)], ARXIV)

    assert change.kind is ChangeKind.NEW
    assert (change.item.eligible_at is not None) is eligible


def test_skipped_item_stays_skipped_while_its_own_source_shows_it():
    store = seen(announce(arxiv="2606.00001"), source=replace(HF, backlog=0), baseline=True)

    changes = find([announce(arxiv="2606.00001", upvotes=3)], HF, store)

    assert [change.item.eligible_at for change in changes] == [None]


@pytest.mark.parametrize(
    ("kind", "baseline", "eligible"),
    [
        pytest.param(Announce.NEW, False, NOW, id="announced as new"),
        pytest.param(Announce.CROSS_LIST, False, NOW, id="cross-listed"),
        pytest.param(Announce.REPLACEMENT, False, None, id="replaced"),
        pytest.param(Announce.NEW, True, None, id="in another baseline"),
    ],
)
def test_skipped_item_becomes_news_when_another_source_announces_it(kind, baseline, eligible):
    store = seen(announce(arxiv="2606.00001"), source=replace(HF, backlog=0), baseline=True)

    listing = [announce(arxiv="2606.00001", announce=kind)]
    changes = find(listing, ARXIV, store, baseline=baseline)

    assert [change.item.eligible_at for change in changes] == [eligible]


def test_second_source_does_not_make_an_eligible_item_news_again():
    store = seen(announce(arxiv="2606.00001"))
    eligible_at = store["arxiv:2606.00001"].eligible_at

    changes = find([announce(arxiv="2606.00001")], HF, store)

    assert [change.item.eligible_at for change in changes] == [eligible_at]


# --- merging ----------------------------------------------------------------------------


def stored(**values):
    values = {"id": "1", "keys": ("arxiv:1",), "title": TITLE, "first_seen_at": NOW} | values
    return Item(**values)


def test_poorer_text_listing_erases_nothing():
    rich = stored(
        summary=ABSTRACT, authors=("Ada Lovelace", "Alan Turing"), author_count=2, upvotes=3,
        organisation="Bletchley", published_on=date(2026, 6, 1), links=Links(pdf="https://p/"),
    )  # fmt: skip

    poor = announce("sparse expansion", ABSTRACT[:50], upvotes=5, links=Links(page="https://h/"))
    merged = merge(rich, poor)

    assert merged.links == Links(page="https://h/", pdf="https://p/")
    assert merged.upvotes == 5
    assert replace(merged, links=rich.links, upvotes=3, keys=rich.keys) == rich


def test_outdated_version_adds_no_text():
    merged = merge(
        stored(summary="New.", version=2), announce(summary=ABSTRACT, version=1, title="Old")
    )

    assert (merged.title, merged.summary, merged.version) == (TITLE, "New.", 2)


def test_newer_version_replaces_text_though_shorter():
    merged = merge(stored(summary=ABSTRACT, version=1), announce("New", "Short.", version=2))

    assert (merged.title, merged.summary, merged.version) == ("New", "Short.", 2)


def test_date_that_was_read_replaces_one_that_was_concluded():
    concluded = stored(published_on=date(2026, 10, 24), published_on_inferred=True)

    merged = merge(concluded, announce(published_on=date(2025, 10, 24)))

    assert (merged.published_on, merged.published_on_inferred) == (date(2025, 10, 24), False)


TITLES = st.sampled_from(["Trees", "Woods", "A long title about trees and woods", TITLE])
IDENTITIES = st.fixed_dictionaries(
    {},
    optional={
        "arxiv": st.sampled_from(["2606.00001", "2606.00002"]),
        "doi": st.sampled_from(["10.1101/1", "10.1101/2", "10.1145/9"]),
        "guid": st.tuples(st.just("hf"), st.sampled_from(["a", "b"])),
        "link": st.sampled_from(["https://a.example/1", "https://b.example/2"]),
        "version": st.integers(1, 3),
        "upvotes": st.integers(0, 9),
        "announce": st.sampled_from(list(Announce)),
        "announced_on": st.dates(date(2026, 1, 1), date(2026, 6, 1)),
    },
)
ANNOUNCEMENTS = st.builds(
    lambda title, summary, authors, values: announce(title, summary, authors, **values),
    TITLES,
    st.sampled_from(["", "Short.", ABSTRACT, ABSTRACT[::-1]]),
    st.sampled_from([(), ("Ada Lovelace",), ("Alan Turing", "Ada Lovelace"), ("Bob Low",)]),
    IDENTITIES,
)
# Three works, each seen with some of its own keys, under one title or its own.
WORKS = [
    {
        "arxiv": f"2606.0000{n}",
        "doi": f"10.1101/{n}",
        "guid": ("hf", f"{n}"),
        "link": f"https://a.example/{n}",
    }
    for n in (1, 2, 3)
]


@st.composite
def sightings(draw):
    number = draw(st.sampled_from([0, 1, 2]))
    names = draw(st.sets(st.sampled_from(sorted(WORKS[number])), min_size=1))
    return announce(
        draw(st.sampled_from(["Trees", f"The long title of work number {number}"])),
        draw(st.sampled_from(["", f"Work {number}. {ABSTRACT}"])),
        draw(st.sampled_from([(), (f"Author{number} Low",)])),
        version=draw(st.none() | st.integers(1, 3)),
        announce=draw(st.sampled_from(list(Announce))),
        **{name: WORKS[number][name] for name in names},
    )


LISTINGS = st.lists(sightings(), max_size=5)


@settings(max_examples=100, deadline=None)
@given(LISTINGS, LISTINGS)
def test_listing_applied_twice_changes_nothing_more(first, second):
    """Keys stay unique in the store (asserted by `apply`), and a second look finds nothing."""
    store = seen(*first, source=ARXIV)
    apply(find(second, HF, store), store)

    again = find(second, HF, store, now=NOW + timedelta(days=1))
    apply(again, store)
    third = find(second, HF, store, now=NOW + timedelta(days=2))

    assert all(change.kind is not ChangeKind.NEW for change in again)
    assert all(change.kind is ChangeKind.SEEN and not change.merged_ids for change in third)
    assert all(change.item == change.previous for change in third)


@settings(max_examples=100, deadline=None)
@given(ANNOUNCEMENTS, ANNOUNCEMENTS)
def test_order_of_sources_does_not_matter_for_sets_and_sizes(one, other):
    blank = stored(title=TITLE)

    ab, ba = merge(merge(blank, one), other), merge(merge(blank, other), one)

    assert set(ab.keys) == set(ba.keys)
    assert ab.version == ba.version
    assert ab.withdrawn == ba.withdrawn
    if one.version == other.version:
        assert len(ab.summary) == len(ba.summary)
        assert len(ab.authors) == len(ba.authors)


@settings(max_examples=50, deadline=None)
@given(ANNOUNCEMENTS, ANNOUNCEMENTS)
def test_joining_items_keeps_the_older_one_in_either_order(one, other):
    old = merge(stored(id="old", eligible_at=None), one)
    young = merge(stored(id="young", first_seen_at=NOW + timedelta(days=1), eligible_at=NOW), other)

    joined = join_items(young, old)

    assert joined == join_items(old, young)
    assert (joined.id, joined.first_seen_at, joined.eligible_at) == ("old", NOW, NOW)


def test_learning_a_text_is_no_revision():
    assert not is_revised(stored(), stored(summary=ABSTRACT, version=1))
