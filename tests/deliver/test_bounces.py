"""What comes back: each kind of mail in the shapes that servers write it in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.bounces import ReportKind, read_report

RETURNED = "Message-ID: <one@digest.test>\nTo: ada@example.org\nSubject: the digest\n"


def dsn(*blocks, returned="text/rfc822-headers"):
    """Write a delivery status notification as Postfix does."""
    status = "\n".join(["Reporting-MTA: dns; mx.example.org", "", *blocks])
    return (
        "Return-Path: <>\nTo: bounce+Signed@digest.test\nAuto-Submitted: auto-replied\n"
        "Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nI'm sorry.\n"
        f"--b\nContent-Type: message/delivery-status\n\n{status}\n"
        f"--b\nContent-Type: {returned}\n\n{RETURNED}\n--b--\n"
    ).encode()


def failure(status, diagnostic="", *, action="failed", recipient="ada@example.org"):
    lines = [f"Final-Recipient: rfc822; {recipient}", f"Action: {action}", f"Status: {status}"]
    return "\n".join([*lines, *([f"Diagnostic-Code: {diagnostic}"] if diagnostic else []), ""])


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind"),
    [
        pytest.param("5.1.1", "smtp; 550 5.1.1 unknown", ReportKind.HARD, id="no such user"),
        pytest.param("5.1.10", "smtp;550 5.1.10 NotFound", ReportKind.HARD, id="not found"),
        pytest.param("5.1.2", "", ReportKind.HARD, id="no such host, no words"),
        pytest.param("5.0.0", "smtp; 550 5.1.1 no such", ReportKind.HARD, id="only in words"),
        pytest.param("5.0.0", "smtp; 550 rejected", ReportKind.SOFT, id="no reason given"),
        pytest.param("5.2.2", "smtp; 552 5.2.2 full", ReportKind.SOFT, id="mailbox full"),
        pytest.param("5.7.1", "smtp; 550 5.7.1 SPF", ReportKind.POLICY, id="policy"),
        pytest.param("5.1.8", "smtp; 550 5.1.8 sender", ReportKind.POLICY, id="our address"),
        pytest.param("5.6.0", "smtp; 554 5.6.0 content", ReportKind.POLICY, id="our content"),
        pytest.param("5.3.4", "smtp; 552 5.3.4 size", ReportKind.POLICY, id="too big"),
        pytest.param("5.0.0", "smtp; 554 listed by a DNSBL", ReportKind.POLICY, id="block list"),
        pytest.param("4.4.7", "smtp; 450 4.2.0 later", ReportKind.SOFT, id="given up"),
        pytest.param("4.4.1", "X-Postfix; timed out", ReportKind.SOFT, id="no connection"),
        pytest.param("", "", ReportKind.SOFT, id="no status at all"),
    ],
)
def test_failure_is_hard_only_where_the_address_is_dead(status, diagnostic, kind):
    report = read_report(dsn(failure(status, diagnostic)))

    assert report.kind is kind
    assert report.recipients == ("ada@example.org",)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_is_not_final_is_not_acted_on(action):
    assert read_report(dsn(failure("4.4.1", action=action))).kind is ReportKind.OTHER


@pytest.mark.parametrize(
    ("status", "kind"), [("5.2.2", ReportKind.SOFT), ("5.7.1", ReportKind.POLICY)]
)
def test_one_other_failure_among_hard_ones_spares_all(status, kind):
    """A report may speak of several recipients; none is judged by another's fate."""
    blocks = [failure("5.1.1"), failure(status, recipient="bob@example.org")]

    report = read_report(dsn(*blocks))

    assert report.kind is kind
    assert report.recipients == ("ada@example.org", "bob@example.org")


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_report_tells_where_it_came_to_and_what_it_returns(returned):
    report = read_report(dsn(failure("5.1.1"), returned=returned))

    assert report.addressed_to == ("bounce+signed@digest.test",)
    assert report.message_id == "one@digest.test"


def test_original_recipient_counts_before_the_forwarded_one():
    block = f"Original-Recipient: rfc822;ada@example.org\n{failure('5.1.1', recipient='x@y.test')}"

    assert read_report(dsn(block)).recipients == ("ada@example.org",)


def complaint(kind):
    return (
        "From: fbl@provider.test\nTo: bounce@digest.test\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nA complaint.\n"
        "--b\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: {kind}\nVersion: 1\nOriginal-Rcpt-To: <Ada@example.org>\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{RETURNED}\n\n--b--\n"
    ).encode()


@pytest.mark.parametrize("kind", ["abuse", "fraud", "other", "Abuse "])
def test_complaint_names_reader_and_message(kind):
    report = read_report(complaint(kind))

    assert report.kind is ReportKind.COMPLAINT
    assert (report.recipients, report.message_id) == (("ada@example.org",), "one@digest.test")


def test_praise_is_no_complaint():
    assert read_report(complaint("not-spam")).kind is ReportKind.OTHER


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-replied (vacation); owner-email=ada@example.org",
        "Precedence: bulk",
        "X-Autoreply: yes",
        "X-Autorespond: holidays",
    ],
)
def test_auto_replies_are_told_apart(header):
    mail = f"{header}\nSubject: Out of office: unsubscribe me not\n\nI am away.\n"

    assert read_report(mail.encode()).kind is ReportKind.AUTO_REPLY


@pytest.mark.parametrize("subject", ["unsubscribe", "Unsubscribe ab12.xyz", "  UNSUBSCRIBE"])
def test_unsubscribe_request_is_recognised_with_what_it_answers(subject):
    heads = "In-Reply-To: <1@digest.test>\nReferences: <0@digest.test>\n <1@digest.test>\n"
    report = read_report(f"{heads}To: list@digest.test\nSubject: {subject}\n\n".encode())

    assert report.kind is ReportKind.UNSUBSCRIBE
    assert report.answers == ("1@digest.test", "0@digest.test")


@pytest.mark.parametrize("subject", ["unsubscribed?", "how do I unsubscribe", "hello", ""])
def test_other_mail_is_left_alone(subject):
    assert read_report(f"Subject: {subject}\n\nhello\n".encode()).kind is ReportKind.OTHER


def test_bounce_of_a_server_without_rfc_3464_is_recognised():
    mail = (
        b"From: MAILER-DAEMON@old.test\nSubject: failure notice\n\n"
        b"Hi. This is the qmail-send program at old.test.\n"
        b"I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        b"This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        b"<ada@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        b"--- Below this line is a copy of the message.\n\n"
    )

    report = read_report(mail)

    assert (report.kind, report.recipients) == (ReportKind.HARD, ("ada@example.org",))


@pytest.mark.parametrize(
    "nested",
    [
        pytest.param(b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n', id="multipart"),
        pytest.param(b"Content-Type: message/rfc822\n\n", id="message"),
    ],
)
def test_deep_nesting_is_not_followed(nested):
    assert read_report(nested * 5000).kind is ReportKind.OTHER


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"To: " + b"(" * 100_000, id="nested comments"),
        pytest.param(b"From: " + b"(" * 100_000, id="nested comments in From"),
        pytest.param(b"To: " + b"a@b.test, " * 20_000, id="many addresses"),
        pytest.param(b"To: a@b.test\n" * 20_000, id="many headers"),
        pytest.param(b"Subject: " + b"\n " * 100_000, id="many folds"),
    ],
)
def test_hostile_headers_give_some_report(header):
    assert len(read_report(header + b"\n\nhello\n").addressed_to) <= 1


def test_huge_mail_is_read_no_further_than_the_limit():
    assert read_report(dsn(failure("5.1.1")) + b"x" * 5_000_000).kind is ReportKind.HARD


@given(st.binary(max_size=600))
def test_any_bytes_give_some_report(content):
    assert read_report(content).kind in ReportKind


@given(st.data())
def test_any_damage_to_a_report_gives_some_report(data):
    whole = data.draw(st.sampled_from([dsn(failure("5.1.1")), complaint("abuse")]))
    at = data.draw(st.integers(0, len(whole)))
    damage = data.draw(st.binary(max_size=30))

    read_report(whole[:at] + damage + whole[at + data.draw(st.integers(0, 40)) :])
