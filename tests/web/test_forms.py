"""What the forms make of what somebody typed, pasted or uploaded."""

import pytest

from digest.model import Form
from digest.web.forms import LIKED, MOST_LINES
from digest.web.library import LIBRARY_BYTES

ADA = "ada@example.org"
BIBTEX = """
@article{one, title={Graph neural networks, study 3}, author={Author 3}, eprint={2603.00003},
  archivePrefix={arXiv}}
@article{two, title={A paper that nobody announced}, author={Somebody Else}, year={2020}}
"""
EXAMPLES = ("arxiv:2603.00003", "A paper that nobody announced")


def liked(world):
    return {one.name: one for one in world.subscriber().interests}[LIKED].examples


def test_pasted_bibtex_becomes_examples(world):
    world.sign_up(ADA, topics="graphs", examples=BIBTEX)

    assert [one.name for one in world.subscriber().interests] == ["graphs", LIKED]
    assert liked(world) == EXAMPLES


def test_an_uploaded_bibtex_file_becomes_examples_beside_those_typed(world):
    files = {"library": ("my.bib", BIBTEX.encode(), "application/x-bibtex")}
    world.sign_up(ADA, examples="arxiv:2603.00001", files=files)

    assert liked(world) == ("arxiv:2603.00001", *EXAMPLES)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no library at all", id="text"),
        pytest.param(b"\x00\xff" * 500, id="bytes"),
        pytest.param(b"@article{" * 5000, id="never closed"),
        pytest.param(b"", id="empty"),
        pytest.param(b" " * (LIBRARY_BYTES - 1000), id="blank"),
    ],
)
def test_a_file_that_is_no_library_is_left_out_and_the_sign_up_goes_on(world, content):
    answer = world.sign_up(ADA, topics="graphs", files={"library": ("x.bib", content, "text/x")})

    assert answer.status_code == 200
    assert [one.name for one in world.subscriber().interests] == ["graphs"]
    assert len(world.deliveries()) == 1


def test_a_library_too_large_is_refused(world):
    files = {"library": ("x.bib", b"a" * 300_000, "text/x")}

    assert world.sign_up(ADA, files=files).status_code == 413


def test_of_a_large_library_so_many_works_are_kept(world):
    works = "".join(f"@misc{{w{n}, title={{A work that has number {n}}}}}\n" for n in range(500))
    world.sign_up(ADA, examples=works)

    assert len(liked(world)) == MOST_LINES


def test_the_preview_shows_what_was_read_of_a_library(world):
    page = world.post("/preview", data={"examples": BIBTEX}).text

    assert "\n".join(EXAMPLES) in page
    assert "Your digest today would be" in page
    assert "Graph neural networks, study" in page


def test_who_signs_up_in_a_language_gets_mail_in_it(world):
    headers = {"Accept-Language": "de", "Sec-Fetch-Site": "same-origin"}
    stamp = world.links.form_stamp(world.clock())
    world.clock.move(seconds=5)
    world.post("/subscribe", data={"email": ADA, "stamp": stamp}, headers=headers)

    assert world.subscriber().language == "de"


def test_preferences_take_a_library_too(world):
    reader = world.joined(ADA, topics="graphs")
    fields = {"name-0": "graphs", "text-0": "graphs"}
    files = {"library": ("my.bib", BIBTEX.encode(), "application/x-bibtex")}
    world.post(world.preferences(reader), data=fields, files=files)

    assert liked(world) == EXAMPLES


def test_boxes_that_were_shown_and_not_ticked_are_off(world):
    reader = world.joined(ADA)
    page = world.preferences(reader)
    assert (reader.explore, reader.revisions, reader.form) == (True, False, Form.FULL)

    world.post(page, data={"wishes": "1", "revisions": "1", "form": "short"})
    changed = world.subscriber()
    assert (changed.explore, changed.revisions, changed.form) == (False, True, Form.SHORT)

    world.post(page, data={"max_items": "5", "form": "long"})
    unchanged = world.subscriber()
    assert (unchanged.explore, unchanged.revisions, unchanged.form) == (False, True, Form.SHORT)


def test_a_form_of_more_fields_than_ours_has_is_refused(world):
    assert world.post("/subscribe", data={f"f{n}": "x" for n in range(500)}).status_code == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", "25:00"),
        ("at", "now"),
        ("timezone", "Mars/Olympus"),
        ("weekdays", "9"),
        ("max_items", "-1"),
        ("max_items", "9" * 400),
        ("at_least", "1e3"),
        ("popularity", "nan"),
        ("popularity", "2"),
        ("language", "xx"),
        ("paused_until", "99999-01-01"),
        ("paused_until", "9001-01-01"),
        ("form", "../x"),
    ],
)
def test_a_field_that_says_nothing_usable_changes_nothing(world, field, value):
    reader = world.joined(ADA)
    world.post(world.preferences(reader), data={"name-0": "", field: value})

    assert world.subscriber() == reader
