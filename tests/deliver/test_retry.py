"""What a reply means: the table of codes, and the laws of waiting."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.retry import (
    FEWEST_TRIES,
    Cause,
    cause_of,
    decide,
    is_soft_bounce,
    next_wait,
    soft_bounces,
)
from digest.model import AttemptOutcome, Reply
from tests.deliver.conftest import NOW, make_delivery

DAY = timedelta(hours=24)
SENT, DEFERRED, FAILED = AttemptOutcome.SENT, AttemptOutcome.DEFERRED, AttemptOutcome.FAILED


def judge(reply, *, attempts=1, age=timedelta(0), jitter=0.0, **fields):
    delivery = make_delivery(attempts=attempts, created_at=NOW - age)._replace(**fields)
    return decide(delivery, reply, now=NOW, give_up_after=DAY, jitter=jitter)


@pytest.mark.parametrize(
    ("code", "text", "outcome", "bad_address"),
    [
        pytest.param(250, "2.0.0 queued", SENT, False, id="taken"),
        pytest.param(252, "cannot verify, taken", SENT, False, id="taken unverified"),
        pytest.param(0, "connection lost", DEFERRED, False, id="connection broke"),
        pytest.param(354, "go on", DEFERRED, False, id="nonsense for a last answer"),
        pytest.param(421, "4.3.2 shutting down", DEFERRED, False, id="service closing"),
        pytest.param(450, "4.2.0 greylisted", DEFERRED, False, id="greylisted"),
        pytest.param(450, "4.1.1 unverified", DEFERRED, False, id="address not verified yet"),
        pytest.param(451, "4.3.0 local error", DEFERRED, False, id="local error"),
        pytest.param(452, "4.2.2 mailbox full", DEFERRED, False, id="full, transient"),
        pytest.param(452, "4.5.3 too many recipients", DEFERRED, False, id="too many recipients"),
        pytest.param(552, "5.5.3 too many recipients", DEFERRED, False, id="too many, old code"),
        pytest.param(552, "over quota", DEFERRED, False, id="552 without enhanced code"),
        pytest.param(552, "5.2.2 mailbox full", DEFERRED, False, id="full, called permanent"),
        pytest.param(550, "5.2.2 over quota", DEFERRED, False, id="full, called no mailbox"),
        pytest.param(552, "5.3.4 too big", FAILED, False, id="over the system's size"),
        pytest.param(552, "5.2.3 too big", FAILED, False, id="over the mailbox's size"),
        pytest.param(552, "5.7.0 no attachments", FAILED, False, id="552 for policy"),
        pytest.param(550, "5.1.1 no such user", FAILED, True, id="no such mailbox"),
        pytest.param(550, "5.1.2 no such host", FAILED, True, id="no such host"),
        pytest.param(553, "5.1.3 bad syntax", FAILED, True, id="malformed address"),
        pytest.param(551, "5.1.6 moved", FAILED, True, id="mailbox moved"),
        pytest.param(556, "5.1.10 null MX", FAILED, True, id="domain takes no mail"),
        pytest.param(550, "5.1.7 bad sender", FAILED, False, id="our address malformed"),
        pytest.param(550, "5.1.8 sender domain", FAILED, False, id="our domain unknown"),
        pytest.param(550, "5.2.1 disabled", FAILED, False, id="mailbox disabled"),
        pytest.param(550, "5.7.1 SPF failed", FAILED, False, id="policy"),
        pytest.param(550, "5.7.26 unauthenticated", FAILED, False, id="not authenticated"),
        pytest.param(550, "no such user here", FAILED, False, id="550 without enhanced code"),
        pytest.param(550, "4.1.1 confused server", FAILED, False, id="classes that differ"),
        pytest.param(550, "5.1.1111 odd", FAILED, False, id="detail out of range"),
        pytest.param(554, "5.6.0 content", FAILED, False, id="content refused"),
        pytest.param(553, "5.6.7 SMTPUTF8 needed", FAILED, False, id="relay without SMTPUTF8"),
        pytest.param(571, "blocked", FAILED, False, id="unknown 5yz"),
        pytest.param(499, "what", DEFERRED, False, id="unknown 4yz"),
    ],
)
def test_reply_decides_the_outcome(code, text, outcome, bad_address):
    attempt = judge(Reply(code=code, text=text))

    assert (attempt.outcome, attempt.bad_address) == (outcome, bad_address)
    assert (attempt.next_attempt_at is not None) == (outcome is DEFERRED)
    assert attempt.at == NOW


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        pytest.param(450, "4.2.0 <a@b>: Greylisted, see https://x", Cause.GREYLISTED, id="grey"),
        pytest.param(451, "Gray-listing in action", Cause.GREYLISTED, id="gray"),
        pytest.param(451, "4.7.1 Greylisting, come back", Cause.GREYLISTED, id="grey as policy"),
        pytest.param(421, "4.7.28 unusual rate of mail", Cause.RATE_LIMITED, id="flood"),
        pytest.param(
            450, "4.2.1 receiving mail at a rate that", Cause.RATE_LIMITED, id="at a rate"
        ),
        pytest.param(451, "4.7.0 rate limit exceeded", Cause.RATE_LIMITED, id="rate limit"),
        pytest.param(421, "too many messages", Cause.RATE_LIMITED, id="too many messages"),
        pytest.param(421, "4.3.2 shutting down", Cause.CONNECTION, id="closing"),
        pytest.param(0, "lost", Cause.CONNECTION, id="broken"),
        pytest.param(450, "4.7.1 SPF lookup failed", Cause.POLICY, id="policy, transient"),
        pytest.param(552, "5.2.2 full", Cause.MAILBOX_FULL, id="full"),
        pytest.param(554, "rejected: 192.0.2.1 is on our blocklist", Cause.POLICY, id="blocked"),
        pytest.param(550, "SPF check failed", Cause.POLICY, id="SPF in words"),
        pytest.param(550, "5.1.1 <spam@x>: unknown", Cause.BAD_ADDRESS, id="code before words"),
        pytest.param(451, "4.3.0 oops", Cause.OTHER, id="anything else"),
    ],
)
def test_cause_is_read_from_enhanced_code_and_words(code, text, cause):
    assert cause_of(Reply(code=code, text=text)) is cause


@pytest.mark.parametrize(
    ("code", "text", "is_soft"),
    [
        pytest.param(452, "4.2.2 full", True, id="full"),
        pytest.param(550, "5.2.1 disabled", True, id="mailbox disabled"),
        pytest.param(550, "no such user here", True, id="bare, of the mailbox"),
        pytest.param(550, "5.1.1 unknown", False, id="hard"),
        pytest.param(550, "message refused as spam", False, id="policy in words"),
        pytest.param(550, "5.7.1 refused", False, id="policy"),
        pytest.param(554, "transaction failed", False, id="bare, of anything"),
        pytest.param(451, "4.3.0 local error", False, id="the relay's own trouble"),
        pytest.param(451, "4.4.1 no answer from host", False, id="network"),
        pytest.param(554, "5.6.0 content", False, id="content"),
        pytest.param(552, "5.3.4 too big", False, id="size"),
        pytest.param(0, "connection lost", False, id="connection"),
    ],
)
def test_soft_bounce_speaks_of_the_mailbox_alone(code, text, is_soft):
    assert is_soft_bounce(Reply(code=code, text=text)) is is_soft


@pytest.mark.parametrize(
    ("endings", "judged", "standing"),
    [
        pytest.param("s", 0, 1, id="one"),
        pytest.param("sss", 2, 3, id="in a row"),
        pytest.param("ss", 0, 2, id="a later one came back first"),
        pytest.param("ssg", 1, 2, id="told late, after a good one went out"),
        pytest.param("sssg", 3, 1, id="a good one halves"),
        pytest.param("ssgs", 3, 2, id="and the next adds one"),
        pytest.param("sgsgsgsg", 7, 0, id="every other one never adds up"),
        pytest.param("spps", 3, 2, id="our own fault says nothing"),
    ],
)
def test_soft_bounces_add_up_and_decay(endings, judged, standing):
    replies = {
        "s": Reply(code=552, text="5.2.2 full"),
        "g": Reply(code=250, text="ok"),
        "p": Reply(code=550, text="5.7.1 refused"),
    }

    assert soft_bounces([replies[one] for one in endings], judged) == standing


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        pytest.param("4.2.2 mailbox full", timedelta(hours=2), id="mailbox full"),
        pytest.param("4.7.0 rate limited", timedelta(minutes=30), id="rate limited"),
        pytest.param("4.2.0 greylisted", timedelta(minutes=5), id="greylisted"),
    ],
)
def test_wait_suits_the_cause(text, shortest):
    assert judge(Reply(code=450, text=text)).next_attempt_at == NOW + shortest


def test_last_attempt_is_made_when_time_is_up():
    attempt = judge(Reply(code=451, text="later"), attempts=20, age=DAY - timedelta(minutes=1))

    assert attempt.outcome is DEFERRED
    assert attempt.next_attempt_at == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("code", [0, 421, 451])
def test_what_is_transient_fails_once_time_is_up(code):
    attempt = judge(Reply(code=code, text="later"), attempts=FEWEST_TRIES, age=DAY)

    assert (attempt.outcome, attempt.bad_address) == (FAILED, False)
    assert attempt.reply.text == "later (given up: tried for 24 h)"


def test_some_tries_are_made_although_time_is_up():
    """The relay was out of reach for a day: one "try later" after it is not the end."""
    later = Reply(code=451, text="later")
    waits = []
    for attempts in range(1, FEWEST_TRIES):
        attempt = judge(later, attempts=attempts, age=3 * DAY)
        assert attempt.outcome is DEFERRED
        waits.append(attempt.next_attempt_at - NOW)

    assert waits == [timedelta(minutes=one) for one in (5, 10, 20)]
    assert judge(later, attempts=FEWEST_TRIES, age=3 * DAY).outcome is FAILED


def test_time_in_which_nobody_tried_does_not_count():
    started = NOW - timedelta(hours=1)

    assert judge(Reply(code=451, text="later"), attempts=9, age=9 * DAY, counted_from=started) == (
        judge(Reply(code=451, text="later"), attempts=9, age=timedelta(hours=1))
    )


def test_what_the_next_digest_supersedes_is_given_up_and_says_so():
    superseded_at = NOW + timedelta(minutes=2)
    later = Reply(code=451, text="later")

    last = judge(later, attempts=9, superseded_at=superseded_at)
    ended = judge(later, attempts=9, superseded_at=NOW)

    assert last.next_attempt_at == superseded_at
    assert ended.outcome is FAILED
    assert ended.reply.text == "later (given up: the next digest is due)"


jitters = st.floats(0.0, 1.0)


@given(attempts=st.integers(-5, 10_000), jitter=jitters)
def test_waits_stay_between_five_minutes_and_six_hours(attempts, jitter):
    assert timedelta(minutes=5) <= next_wait(attempts, jitter) <= timedelta(hours=6)


@given(attempts=st.integers(1, 5), jitter=jitters, other=jitters)
def test_waits_grow_whatever_the_jitter_up_to_the_longest(attempts, jitter, other):
    assert next_wait(attempts + 1, other) > next_wait(attempts, jitter)


@given(
    code=st.integers(0, 599),
    text=st.text(max_size=60),
    attempts=st.integers(0, 100),
    minutes=st.integers(0, 1439),
    jitter=jitters,
)
def test_next_attempt_lies_ahead_and_not_beyond_the_end(code, text, attempts, minutes, jitter):
    age = timedelta(minutes=minutes)
    attempt = judge(Reply(code=code, text=text), attempts=attempts, age=age, jitter=jitter)

    if attempt.outcome is DEFERRED:
        assert NOW < attempt.next_attempt_at <= NOW - age + DAY


@pytest.mark.parametrize(
    ("retries_uncertain", "outcome"),
    [(True, AttemptOutcome.DEFERRED), (False, AttemptOutcome.FAILED)],
)
def test_setting_decides_on_a_message_that_may_have_been_taken(retries_uncertain, outcome):
    reply = Reply(code=0, text="connection lost after the message", uncertain=True)

    attempt = decide(
        make_delivery(),
        reply,
        now=NOW,
        give_up_after=timedelta(hours=24),
        jitter=0.0,
        retries_uncertain=retries_uncertain,
    )

    assert (attempt.outcome, attempt.bad_address) == (outcome, False)
