"""Reading replies and writing bodies: the bytes of RFC 5321, however the network cuts them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.deliver.envelope import UnsendableError, stuffed
from digest.deliver.replies import Answer, Replies, WireError, cleaned

SPOKEN = b"250-first\r\n250-second\r\n250 third\r\n354\r\n550 5.1.1 no\n421-\r\n421 \r\n"
READ = [
    Answer(250, b"first\nsecond\nthird"),
    Answer(354, b""),
    Answer(550, b"5.1.1 no"),
    Answer(421, b"\n"),
]

lines = st.lists(st.text("ab.\x00é", max_size=12), min_size=1, max_size=20)


@given(cuts=st.sets(st.integers(1, len(SPOKEN) - 1)))
def test_replies_are_the_same_however_the_bytes_were_cut(cuts):
    replies = Replies()
    ends = [*sorted(cuts), len(SPOKEN)]

    read = [
        answer
        for start, end in zip([0, *ends], ends, strict=False)
        for answer in replies.feed(SPOKEN[start:end])
    ]

    assert read == READ


@pytest.mark.parametrize(
    "spoken",
    [
        pytest.param(b"hello\r\n", id="no code"),
        pytest.param(b"25\r\n", id="code too short"),
        pytest.param(b"2500 ok\r\n", id="code too long"),
        pytest.param(b"150 ok\r\n", id="1yz is unknown to SMTP"),
        pytest.param(b"650 ok\r\n", id="code out of range"),
        pytest.param("²50 ok\r\n".encode(), id="digits that are not ASCII"),
        pytest.param(b"250-one\r\n550 two\r\n", id="two codes in one reply"),
        pytest.param(b"\r\n", id="empty line"),
        pytest.param(b"250 " + b"x" * 9000, id="endless line"),
        pytest.param(b"250-x\r\n" * 7000, id="endless reply"),
    ],
)
def test_what_is_no_reply_is_an_error(spoken):
    with pytest.raises(WireError):
        list(Replies().feed(spoken))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(spoken):
    replies = Replies()
    try:
        answers = list(replies.feed(spoken))
    except WireError:
        return
    assert all(200 <= answer.code < 600 for answer in answers)


@given(lines)
def test_stuffed_content_ends_at_its_one_final_dot(written):
    content = "".join(f"{line}\r\n" for line in written).encode()

    body = stuffed(content)

    assert body.endswith(b".\r\n")
    sent = body.split(b"\r\n")[:-2]
    assert b"." not in sent
    assert [line.removeprefix(b".") for line in sent] == content.split(b"\r\n")[:-1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(b"one\ntwo", "one two", id="lines"),
        pytest.param(b"\x1b[2J\x00\x7fx", "[2Jx", id="controls"),
        pytest.param(b"caf\xe9", "caf\ufffd", id="not utf-8"),
        pytest.param("\u202eevil".encode(), "evil", id="direction marks"),
        pytest.param(b"x" * 3000, "x" * 500, id="long"),
    ],
)
def test_reply_text_is_shown_on_one_clean_line(text, shown):
    assert cleaned(text) == shown


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a"]), max_size=12).map(b"".join))
@example(b"a\r\n.b")
@example(b"\r\n")
@example(b"")
def test_a_bare_line_end_is_refused_wherever_it_stands(content):
    if b"\r" in (rest := content.replace(b"\r\n", b"")) or b"\n" in rest:
        with pytest.raises(UnsendableError):
            stuffed(content)
    else:
        lines = content.split(b"\r\n")
        told = [b"." * line.startswith(b".") + line for line in lines]
        whole = b"\r\n".join(told)
        assert stuffed(content) == whole + (b"" if whole.endswith(b"\r\n") else b"\r\n") + b".\r\n"
