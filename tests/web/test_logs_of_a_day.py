"""A whole day of readers who come and go: the log tells it by ids, and names no address."""

import logging

import pytest

from digest import operations
from digest.app import App, ignore_progress
from digest.config import Settings
from digest.enrolment import Consent, enrol
from digest.links import Purpose
from digest.store.outbox import list_deliveries
from digest.store.subscribers import list_subscribers
from digest.transports import return_paths_of
from tests.deliver.smtpd import FaultySmtp
from tests.web.conftest import BASE

KEY = "k" * 40
DSN = """From: MAILER-DAEMON@relay.example
To: {to}
Subject: Undelivered: {recipient}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}> no such user

--b--
"""


@pytest.fixture
def maildir(tmp_path):
    for part in ("new", "cur", "tmp"):
        (tmp_path / "bounces" / part).mkdir(parents=True)
    return tmp_path / "bounces"


def round_of(world, maildir, *listed, faults=()):
    """Do one round against a relay that repeats addresses in its answers."""

    async def do():
        async with FaultySmtp() as server:
            for at, act, about in faults:
                server.fault(at, act, about=about, times=None)
            settings = Settings(
                database={"url": world.app.settings.database.url},
                smtp={"host": "127.0.0.1", "port": server.port, "security": "none"},
                web={"base_url": BASE, "secret_key": KEY},
                bounces={"address": "bounces@example.org", "maildir": maildir},
                subscribers=[{"email": one, "at": "00:00"} for one in listed],
            )
            app = App(settings, clock=world.clock)
            app.open()
            await app.run_round(progress=ignore_progress)
            app.database.close()
            return settings, server.recipients

    return world.runner.run(do())


def test_the_log_of_a_whole_day_names_no_address(world, maildir, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="digest")
    settings, _ = round_of(world, maildir)
    for name in ("ada", "bo", "cy", "di", "eve"):
        world.joined(f"{name}@example.org")
    world.sign_up("nobody@example.org")
    world.sign_up("broken@@example.org")
    world.post("/admin", data={"token": "root@example.org"})

    refused = "550 5.1.1 <bo@example.org> no such user"
    later = "451 4.2.1 <cy@example.org> try later"
    world.clock.move(days=1)
    _, sent = round_of(
        world,
        maildir,
        "di@example.org",
        faults=[("RCPT", refused, "bo@"), ("RCPT", later, "cy@")],
    )
    assert "ada@example.org" in sent

    with world.database.read() as connection:
        to_di = next(
            one
            for one in list_deliveries(connection, limit=99)
            if one.recipient == "di@example.org" and one.digest_id
        )
    paths = return_paths_of(settings)
    bounce = DSN.format(to=paths.of(to_di.id), recipient="di@example.org")
    (maildir / "new" / "1").write_text(bounce)
    (maildir / "new" / "2").write_text(DSN.format(to="x@example.org", recipient="ada@example.org"))
    (maildir / "new" / "3").write_text("From: eve@example.org\nSubject: unsubscribe\n\nplease\n")
    ada, eve = world.subscriber("ada@example.org"), world.subscriber("eve@example.org")
    world.post(world.links.unsubscribe(ada.id), data={"List-Unsubscribe": "One-Click"}, headers={})
    world.post(f"{world.preferences(eve)}/erase")
    rows = tmp_path / "rows.csv"
    rows.write_text("email\nada@example.org\nfay@example.org\nbroken@\n")
    enrol(world.app, rows, Consent.ASK, per_hour=None, progress=ignore_progress)
    operations.suppress(world.app, "gus@example.org")
    round_of(world, maildir, "di@example.org", "gus@example.org")
    world.clock.move(days=40)
    round_of(world, maildir, "di@example.org")

    with world.database.read() as connection:
        left = [one.email for one in list_subscribers(connection)]
    assert "ada@example.org" not in left
    for event in ("sign-up taken", "unsubscribed", "erased", "came back", "forgotten", "kept away"):
        assert event in caplog.text, event
    assert f"subscriber={ada.id}" in caplog.text
    told = [record.getMessage() for record in caplog.records]
    tracebacks = [record.exc_text for record in caplog.records if record.exc_text]
    assert [line for line in told + tracebacks if "@" in line] == []
    token = world.preferences(ada).rpartition(f"/{Purpose.PREFERENCES}/")[2]
    assert not any(token in line for line in told if not line.startswith("HTTP Request"))
