"""Files of subscribers: hostile ones are bounded, wrong rows told, and nothing lost on the way."""

import io
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import subscriber_files
from digest.app import ignore_progress
from digest.config import DigestSettings
from digest.errors import ConfigError
from digest.model import Form, Frequency, Interest, Schedule, Subscriber
from digest.subscriber_files import read_file, write_csv, write_json

WRITERS = {"csv": write_csv, "json": write_json}
ADA = Subscriber(
    id="",
    email="Ada+x@example.org",
    name="Ada, \"the\" 'first'",
    schedule=Schedule(
        timezone="Asia/Tokyo", at=time(5, 30), weekdays=frozenset({0, 3}), frequency=Frequency.DAILY
    ),
    interests=(
        Interest(name="graphs", text="graph\nnetworks", keywords=("a, b", "=c"), weight=2.5),
        Interest(name="日本", muted_words=("x",), less_of=("y",), categories=("cs.IR",)),
    ),
    max_items=3,
    at_least=2,
    minimum_score=0.25,
    popularity=1.0,
    explore=False,
    form=Form.SHORT,
    thumbnails=True,
    revisions=True,
    language="de",
    paused_until=datetime(2026, 12, 1, tzinfo=UTC),
)


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_file(path, DigestSettings(), ignore_progress)

    return read


def emails(file):
    return [one.subscriber.email for one in file.wanted]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_written_is_read_back_the_same(read, form):
    plain = Subscriber(id="", email="bo@example.org")
    written = io.StringIO(newline="")
    WRITERS[form](written, [ADA, plain])

    file = read(written.getvalue())

    assert file.faults == []
    assert [one.subscriber for one in file.wanted] == [ADA, plain]


@settings(deadline=None, max_examples=25)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30),
    st.sampled_from(["", "=", "+", "-", "@", "'", "'=", "''+", '"', ";", "\t="]),
)
def test_no_name_is_a_formula_and_none_is_changed(tmp_path_factory, text, before):
    name = (before + text).strip()
    written = io.StringIO(newline="")
    write_csv(written, [replace(ADA, name=name)])

    assert f",{name}," not in written.getvalue() or name[:1] not in set("=+-@")
    path = tmp_path_factory.mktemp("written") / "file.csv"
    path.write_text(written.getvalue(), encoding="utf-8", newline="")
    [one] = read_file(path, DigestSettings(), ignore_progress).wanted
    assert one.subscriber.name == name


def test_a_formula_is_made_text():
    written = io.StringIO(newline="")
    write_csv(written, [replace(ADA, email="=cmd@example.org", name="=cmd|' /C calc'!A0")])

    [_, row] = written.getvalue().split("\r\n", 1)
    assert row.startswith("'=cmd@example.org,'=cmd|")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("email\na@example.org\nb@example.org\n", id="one column"),
        pytest.param("a@example.org\nb@example.org", id="plain list"),
        pytest.param("\ufeffemail,name\na@example.org,A\nb@example.org,B", id="mark"),
        pytest.param("Email;Name\r\na@example.org;A\r\nb@example.org;B\r\n", id="semicolon"),
        pytest.param("sep=;\r\nemail;name\r\na@example.org;A\r\nb@example.org;B", id="sep line"),
        pytest.param("E-Mail Address\tx\na@example.org\t1\nb@example.org\t2", id="tabs"),
        pytest.param("email\r\n\r\na@example.org\r\n,\r\nb@example.org", id="empty rows"),
        pytest.param('"email"\n"a@example.org"\n" b@example.org "', id="quotes and spaces"),
        pytest.param("email\na@example.org\nb@example.org".encode("utf-16"), id="UTF-16"),
        pytest.param('[{"email": "a@example.org"}, {"email": "b@example.org"}]', id="JSON"),
    ],
)
def test_addresses_are_found_in_what_other_programs_write(read, content):
    file = read(content)

    assert (emails(file), file.faults) == (["a@example.org", "b@example.org"], [])


def test_topics_in_plain_words_are_interests(read):
    [one] = read("email,interests\na@example.org,graph networks | proteins").wanted

    assert [(i.name, i.text) for i in one.subscriber.interests] == [
        ("graph networks", "graph networks"),
        ("proteins", "proteins"),
    ]


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        pytest.param("nobody", "email address", id="no address"),
        pytest.param(",x", "email address", id="empty address"),
        pytest.param("a@example.org,,Nowhere/Land", "timezone: expected an IANA", id="zone"),
        pytest.param("a@example.org,,,25:00", "at: ", id="time"),
        pytest.param("a@example.org,,,,0", "max_items: ", id="too few"),
        pytest.param("a@example.org,,,,many", "max_items: ", id="no number"),
        pytest.param('a@example.org,,,,,"[{"', "interests: not JSON", id="broken JSON"),
        pytest.param('a@example.org,,,,,"[{}]"', "name: Field required", id="nameless"),
        pytest.param('a@example.org,,,,,"[1]"', "0: ", id="no table"),
        pytest.param("a@example.org,a\x00b", "control characters", id="NUL"),
        pytest.param("a@example.org\x1b", "control characters", id="escape"),
        pytest.param(f"a@example.org,{'x' * 201}", "at most 200", id="long name"),
        pytest.param("a@example.org,1,UTC,07:00,5,,extra", "7 cells under 6 names", id="too long"),
        pytest.param("a@example.org b@example.org", "email address", id="two"),
        pytest.param(f"{'x' * 260}@example.org", "email address", id="long local part"),
    ],
)
def test_a_wrong_row_is_told_by_its_line_and_left_out(read, row, cause):
    heads = "email,name,timezone,at,max_items,interests\n"
    file = read(f"{heads}good@example.org\n{row}\nlast@example.org\n")

    assert emails(file) == ["good@example.org", "last@example.org"]
    [fault] = file.faults
    assert fault.line == 3
    assert cause in fault.cause


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ("7", "expected an object"),
        ("{}", "email address"),
        ('{"email": 7}', "expected texts"),
        ('{"email": "a@example.org", "interests": 5}', "tuple"),
        ('{"email": "a@example.org", "interests": [{"name": "a\\u0000"}]}', "control characters"),
        ('{"email": "a@example.org", "interests": [{"name": "a"}, {"name": "a"}]}', "same name"),
        ('{"email": "a@example.org", "weekdays": ["someday"]}', "weekdays: "),
        ('{"email": "a@example.org", "paused_until": "soon"}', "paused_until: "),
    ],
)
def test_a_wrong_entry_of_json_is_left_out(read, entry, cause):
    file = read(f'[{{"email": "good@example.org"}}, {entry}]')

    assert emails(file) == ["good@example.org"]
    assert (file.faults[0].line, cause in file.faults[0].cause) == (2, True), file.faults


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param("name,zone\nAda,UTC", "one column named email", id="no address column"),
        pytest.param("email,mail\na,b", "one column named email", id="two address columns"),
        pytest.param("email,at,at\na,b,c", "two columns named at", id="column twice"),
        pytest.param(
            b"email\na@example.org\n\xe4@example.org\n", "line 3: not UTF-8", id="Latin-1"
        ),
        pytest.param('email\n"a@example.org\n', "unreadable", id="open quote"),
        pytest.param("[1, 2", "not JSON", id="cut JSON"),
        pytest.param('{"email": "a@example.org"}', "an array", id="no array"),
        pytest.param("[" * 100_000, "recursion", id="deep JSON"),
        pytest.param("email,name\na@example.org," + "x" * 100_001, "unreadable", id="huge cell"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(read, content, cause):
    with pytest.raises(ConfigError, match=cause):
        read(content)


@pytest.mark.parametrize(("limit", "value"), [("MOST_BYTES", 10), ("MOST_ROWS", 1)])
def test_a_file_that_is_too_large_is_refused(read, monkeypatch, limit, value):
    monkeypatch.setattr(subscriber_files, limit, value)

    with pytest.raises(ConfigError, match="cut it into parts"):
        read("email\na@example.org\nb@example.org\n")


def test_columns_that_say_nothing_to_us_are_named(read):
    file = read("email,shoe size,colour\na@example.org,44,red")

    assert (file.unknown, emails(file)) == (["shoe_size", "colour"], ["a@example.org"])


def test_addresses_are_normalised_as_everywhere(read):
    file = read("email\nAda.L@EXAMPLE.org\nx@bücher.example")

    assert emails(file) == ["Ada.L@example.org", "x@bücher.example"]
