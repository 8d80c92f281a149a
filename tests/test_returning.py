"""Mail that comes back, from the mailbox to the store; on both databases."""

from datetime import timedelta

import pytest

from digest.deliver.maildir import Maildir
from digest.deliver.returns import ReturnPaths
from digest.errors import TransportError
from digest.model import Attempt, AttemptOutcome, DeliveryStatus, Reply, SubscriberStatus
from digest.pipeline.returning import ReturnDesk, Suppressor, read_returns
from digest.store import membership, outbox, subscribers
from tests.store.makers import (
    NOW,
    make_digest,
    make_item,
    make_subscriber,
    store_digest,
    store_items,
    store_subscribers,
)

PATHS = ReturnPaths("bounces@example.org", ["a key of the tests"])

DSN = """From: MAILER-DAEMON@relay.test
To: {to}
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.test

Final-Recipient: rfc822; ada@example.org
Action: failed
Status: {status}
Diagnostic-Code: smtp; {code}

--b
Content-Type: message/rfc822

Message-ID: <{message_id}>
Subject: digest

--b--
"""
HARD = {"status": "5.1.1", "code": "550 5.1.1 no such user"}
SOFT = {"status": "5.2.2", "code": "552 5.2.2 mailbox full"}
POLICY = {"status": "5.7.1", "code": "550 5.7.1 refused by policy"}
COMPLAINT = """From: fbl@provider.test
To: {to}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Version: 1

--b--
"""


@pytest.fixture
def ada(database):
    ada = make_subscriber("ada")
    store_subscribers(database, [ada])
    return ada


@pytest.fixture
def sent(database, ada):
    """Three deliveries to Ada that the relay took, oldest first."""
    items = [make_item(number) for number in range(3)]
    store_items(database, items)
    made = []
    for day, item in enumerate(items):
        edition = NOW.date() + timedelta(days=day)
        made.append(store_digest(database, make_digest(ada, [item], edition=edition)))
    made.sort(key=lambda one: one.id)
    taken = Reply(code=250, text="ok", relay="relay:25")
    with database.write() as connection:
        outbox.record_attempts(
            connection,
            [
                Attempt(delivery_id=one.id, at=NOW, outcome=AttemptOutcome.SENT, reply=taken)
                for one in made
            ],
        )
    return made


@pytest.fixture
def mailbox(tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


def put(mailbox, *mails):
    for mail in mails:
        number = len(list(mailbox.glob("*/*")))
        (mailbox / "new" / f"{number}.host").write_text(mail)


def read(database, mailbox, soft_limit=2):
    suppressor = Suppressor(hashed=lambda address: f"hash of {address}", soft_limit=soft_limit)
    desk = ReturnDesk(mailbox=Maildir(mailbox), paths=PATHS, suppressor=suppressor)
    return read_returns(database, desk, NOW)


def state(database, ada):
    with database.read() as connection:
        reader = subscribers.get_subscribers(connection, [ada.id])[ada.id]
        remembered = [one.reason for one in membership.list_suppressions(connection)]
    return reader.status, remembered


def attempts_of(database, delivery):
    with database.read() as connection:
        return outbox.attempts_of(connection, delivery.id)


def status_of(database, delivery):
    with database.read() as connection:
        return outbox.find_delivery(connection, delivery.id).status


def test_dead_address_is_suppressed_and_remembered(database, mailbox, ada, sent):
    put(mailbox, DSN.format(to=PATHS.of(sent[0].id), message_id="other@test", **HARD))

    assert read(database, mailbox) == 1

    assert state(database, ada) == (SubscriberStatus.SUPPRESSED, ["bounced"])
    assert status_of(database, sent[0]) is DeliveryStatus.FAILED
    assert read(database, mailbox) == 0


def test_message_id_of_ours_counts_as_a_signature(database, mailbox, ada, sent):
    put(mailbox, DSN.format(to="bounces@example.org", message_id=sent[0].message_id, **HARD))

    read(database, mailbox)

    assert state(database, ada)[0] is SubscriberStatus.SUPPRESSED


def test_forged_bounce_changes_nothing(database, mailbox, ada, sent):
    forged = ReturnPaths("bounces@example.org", ["guessed"]).of(sent[0].id)
    put(mailbox, DSN.format(to=forged, message_id="guessed@example.org", **HARD))

    assert read(database, mailbox) == 1

    assert state(database, ada) == (SubscriberStatus.CONFIRMED, [])
    assert status_of(database, sent[0]) is DeliveryStatus.SENT


def test_soft_bounces_in_a_row_suppress(database, mailbox, ada, sent):
    soft = [DSN.format(to=PATHS.of(one.id), message_id=one.message_id, **SOFT) for one in sent[1:]]
    put(mailbox, soft[1], soft[1])  # the same one twice counts once

    read(database, mailbox)
    assert state(database, ada)[0] is SubscriberStatus.CONFIRMED

    put(mailbox, soft[0])
    read(database, mailbox)
    assert state(database, ada) == (SubscriberStatus.SUPPRESSED, ["bounced"])


def test_soft_bounces_that_come_days_late_count_as_well(database, mailbox, ada, sent):
    """A relay tries for days: when the first comes back, newer ones are with it already."""
    for one in sent[:2]:
        assert state(database, ada)[0] is SubscriberStatus.CONFIRMED
        put(mailbox, DSN.format(to=PATHS.of(one.id), message_id=one.message_id, **SOFT))
        read(database, mailbox)

    assert state(database, ada)[0] is SubscriberStatus.SUPPRESSED


def test_good_delivery_between_soft_bounces_starts_the_count_anew(database, mailbox, ada, sent):
    put(
        mailbox,
        *(
            DSN.format(to=PATHS.of(one.id), message_id=one.message_id, **SOFT)
            for one in (sent[0], sent[2])
        ),
    )

    read(database, mailbox)

    assert state(database, ada)[0] is SubscriberStatus.CONFIRMED


def test_complaint_suppresses_at_once(database, mailbox, ada, sent):
    put(mailbox, COMPLAINT.format(to=PATHS.of(sent[0].id)))

    read(database, mailbox)

    assert state(database, ada) == (SubscriberStatus.SUPPRESSED, ["complained"])


def test_policy_refusals_suppress_nobody_and_alarm(database, mailbox, ada, sent, caplog):
    """Our reputation is at stake, not the reader's mailbox."""
    put(
        mailbox,
        *(DSN.format(to=PATHS.of(one.id), message_id=one.message_id, **POLICY) for one in sent),
    )

    read(database, mailbox)

    assert state(database, ada) == (SubscriberStatus.CONFIRMED, [])
    assert [record.levelname for record in caplog.records].count("ERROR") == 3


@pytest.mark.parametrize("subject", ["unsubscribe", "", "whatever a client writes"])
def test_mail_to_the_readers_own_address_ends_the_subscription(
    database, mailbox, ada, sent, subject
):
    put(mailbox, f"From: Else <x@y.test>\nTo: {PATHS.leaving(ada.id)}\nSubject: {subject}\n\n")

    read(database, mailbox)

    assert state(database, ada) == (SubscriberStatus.UNSUBSCRIBED, ["unsubscribed"])


def test_answer_to_a_digest_that_says_unsubscribe_ends_the_subscription(
    database, mailbox, ada, sent
):
    """Only its reader knows the Message-ID."""
    answer = f"In-Reply-To: <{sent[1].message_id}>\nSubject: unsubscribe\n\n"
    put(mailbox, f"From: x@y.test\nTo: bounces@example.org\n{answer}")

    read(database, mailbox)

    assert state(database, ada)[0] is SubscriberStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "to",
    [
        "bounces@example.org",
        ReturnPaths("bounces@example.org", ["guessed"]).leaving("0" * 32),
        "bounces+unsubscribe@example.org",
    ],
    ids=["bare", "signed by another key", "made up"],
)
def test_from_line_alone_unsubscribes_nobody(database, mailbox, ada, sent, caplog, to):
    put(mailbox, f"From: Ada <{ada.email}>\nTo: {to}\nSubject: unsubscribe\n\n")

    assert read(database, mailbox) == 1

    assert state(database, ada) == (SubscriberStatus.CONFIRMED, [])
    assert "ignored=1" in caplog.text


@pytest.mark.parametrize("mail", [DSN, COMPLAINT], ids=["bounce", "complaint"])
def test_mail_whose_mark_was_lost_has_no_second_effect(database, mailbox, ada, sent, mail):
    """A kill between the effect and the mark: the mail is read again."""
    fields = {"to": PATHS.of(sent[0].id), "message_id": sent[0].message_id} | SOFT
    put(mailbox, mail.format(**fields))
    read(database, mailbox)
    before = state(database, ada), attempts_of(database, sent[0])

    for kept in (mailbox / "cur").iterdir():
        kept.rename(mailbox / "new" / kept.name.partition(":")[0])
    assert read(database, mailbox) == 1

    assert (state(database, ada), attempts_of(database, sent[0])) == before


def test_auto_reply_is_ignored(database, mailbox, ada, sent):
    answer = f"In-Reply-To: <{sent[0].message_id}>\nAuto-Submitted: auto-replied"
    put(mailbox, f"From: {ada.email}\n{answer}\nSubject: unsubscribe\n\naway")

    read(database, mailbox)

    assert state(database, ada)[0] is SubscriberStatus.CONFIRMED


def test_missing_mailbox_is_named(database, tmp_path):
    with pytest.raises(TransportError, match=r"bounces: .*nowhere: .*check bounces\.maildir"):
        read(database, tmp_path / "nowhere")
