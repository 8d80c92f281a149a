"""The whole day from outside: two listings over HTTP, three readers, a real SMTP server."""

import json
import re
import signal

import pytest

SETTINGS = """
[service]
tick = "1s"

[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"

[mail]
from = "Daily Digest <digest@example.org>"

[deliver]
record_every = 1

[[sources]]
name = "papers"
kind = "huggingface"
url = "{papers}"
every = "1m"
private_network = true

[[sources]]
name = "arxiv"
kind = "arxiv"
url = "{arxiv}"
every = "1m"
private_network = true

[digest]
at = "00:00"
popularity = 0.1
minimum_score = 0.05

[[subscribers]]
email = "berta@example.org"
timezone = "Europe/Berlin"
[[subscribers.interests]]
name = "Retrieval"
keywords = ["long context*", "retriev*"]

[[subscribers]]
email = "luis@example.org"
timezone = "America/Los_Angeles"
[[subscribers.interests]]
name = "Exoplanets"
keywords = ["exoplanet*", "transiting"]
categories = ["astro-ph.EP"]

[[subscribers]]
email = "yuki@example.org"
timezone = "Asia/Tokyo"
[[subscribers.interests]]
name = "Proteins"
keywords = ["protein*", "antibod*"]
"""

READERS = {"berta@example.org", "luis@example.org", "yuki@example.org"}


@pytest.fixture
def settings(listings, mails):
    return SETTINGS.format(
        smtp_port=mails.port, papers=listings.url("/papers"), arxiv=listings.url("/arxiv")
    )


def many_readers(settings, count):
    """Settings with *count* readers who want whatever is popular."""
    readers = (f'[[subscribers]]\nemail = "reader{n}@example.org"\n' for n in range(count))
    return settings[: settings.index("[[subscribers]]")] + "\n".join(readers)


def text_of(message):
    return message.get_body(("plain",)).get_content()


def test_right_items_reach_the_right_readers_once(installation, settings, listings, mails):
    installation.write(settings)
    installation.run("fetch")
    listings.day = 2

    installation.run("fetch")
    installation.run("run")

    assert mails.recipients == dict.fromkeys(READERS, 1)
    berta, luis, yuki = (
        text_of(mails.to(f"{name}@example.org")[0]).lower() for name in ("berta", "luis", "yuki")
    )
    assert "context" in berta
    assert "exoplanet" in luis
    assert "protein" in yuki
    assert "exoplanet" not in berta + yuki


def test_running_again_sends_nothing(installation, settings, mails):
    installation.write(settings)
    installation.run("run")
    first = list(mails.mails)

    installation.run("run")
    printed = installation.run("run", "--json")

    assert mails.mails == first
    assert json.loads(printed)["handover"] == {"sent": 0, "deferred": 0, "failed": 0}


def test_same_item_from_two_sources_is_one(installation, settings):
    installation.write(settings)
    installation.run("fetch")

    items = json.loads(installation.run("items", "--json", "--limit", "100"))

    assert len(items) == len({item["title"] for item in items})
    assert any(item["sources"] == ["arxiv", "papers"] for item in items) or any(
        item["sources"] == ["papers", "arxiv"] for item in items
    )


def test_kill_in_the_middle_of_delivery_loses_nothing(installation, settings, mails):
    """Everything arrives at the next run, at once: a dead worker's claims are nobody's."""
    installation.write(many_readers(settings, 60))
    installation.run("fetch")
    process = None
    mails.on_mail = lambda count: process.kill() if process and count == 20 else None

    process = installation.start("run")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    mails.on_mail = None
    installation.run("run")

    assert set(mails.recipients) == {f"reader{n}@example.org" for n in range(60)}
    ids = {message["Message-ID"] for _, message in mails.mails}
    assert len(ids) == 60
    # The messages in flight (4 connections) and those not yet recorded (1).
    assert len(mails.mails) - 60 <= 5


def test_termination_finishes_what_is_in_flight(installation, settings, mails):
    installation.write(many_readers(settings, 60))
    installation.run("fetch")
    process = None
    mails.on_mail = lambda count: process.terminate() if process and count == 20 else None

    process = installation.start("run")
    process.communicate(timeout=60)
    assert process.returncode == 0
    mails.on_mail = None
    installation.run("run")

    assert mails.recipients == {f"reader{n}@example.org": 1 for n in range(60)}


def test_service_delivers_and_ends_on_sigterm(installation, settings, mails):
    installation.write(settings)
    process = None
    mails.on_mail = lambda count: process.terminate() if count == 3 else None

    process = installation.start("serve")
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert mails.recipients == dict.fromkeys(READERS, 1)


def test_refused_recipient_does_not_stop_the_others(installation, settings, mails):
    installation.write(settings)
    mails.refused["luis@example.org"] = "550 5.1.1 no such user"

    printed = installation.run("run")

    assert set(mails.recipients) == READERS - {"luis@example.org"}
    assert "2 sent, 0 deferred, 1 failed" in printed


def test_broken_source_is_told_and_the_mail_goes_on(installation, settings, listings, mails):
    installation.write(settings)
    listings.broken["/papers"] = b"<html>please log in</html>"

    printed = installation.run("run")

    assert "papers" in printed
    assert set(mails.recipients) == READERS
    status = json.loads(installation.run("status", "--json"))
    assert {one["source"]["name"]: one["failures"] for one in status["sources"]} == {
        "papers": 1,
        "arxiv": 0,
    }


def test_dry_runs_leave_no_trace(installation, settings, mails):
    installation.write(settings)

    installation.run("fetch", "--dry-run")
    assert json.loads(installation.run("items", "--json")) == []
    installation.run("fetch")
    installation.run("send", "--only", "berta@example.org", "--dry-run")
    installation.run("preview", "berta@example.org")

    assert mails.mails == []
    shown = json.loads(installation.run("subscribers", "show", "berta@example.org", "--json"))
    assert shown["digests"] == []


def test_send_only_reaches_one_reader_once(installation, settings, mails):
    installation.write(settings)
    installation.run("fetch")

    installation.run("send", "--only", "yuki@example.org")
    installation.run("send", "--only", "yuki@example.org", code=1)

    assert mails.recipients == {"yuki@example.org": 1}


def test_reader_removed_from_the_file_gets_no_more(installation, settings, mails):
    installation.write(settings)
    installation.run("fetch")
    without = settings[: settings.rindex("[[subscribers]]")]
    installation.write(without)

    installation.run("run")

    assert set(mails.recipients) == READERS - {"yuki@example.org"}
    shown = json.loads(installation.run("subscribers", "list", "--json"))
    assert {one["email"]: one["status"] for one in shown}["yuki@example.org"] == "unsubscribed"


def test_files_stand_in_for_a_relay(installation, settings, tmp_path):
    installation.write(settings.replace("[deliver]", '[deliver]\nto = "files"'))

    installation.run("run")

    assert len(list((tmp_path / "outbox").glob("*.eml"))) == len(READERS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["preview", "nobody@example.org"], "subscriber nobody@example.org", id="who"),
        pytest.param(["fetch", "nowhere"], "source nowhere: not in the settings file", id="source"),
        pytest.param(["nonsense"], "nonsense", id="command"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_sentence(installation, settings, arguments, message):
    installation.write(settings)

    printed = installation.run(*arguments, code=2)

    assert message in printed
    assert "Traceback" not in printed


def test_relay_out_of_reach_ends_with_1_and_loses_nothing(installation, settings, mails):
    installation.write(re.sub(r"port = \d+", "port = 9", settings))
    printed = installation.run("run", code=1)
    assert "Traceback" not in printed

    installation.write(settings)
    installation.run("run")

    assert mails.recipients == dict.fromkeys(READERS, 1)


def test_day_is_the_same_on_postgresql(installation, settings, mails, postgresql_url):
    installation.write(f'{settings}\n[database]\nurl = "{postgresql_url}"\n')

    installation.run("run")
    installation.run("run")

    assert mails.recipients == dict.fromkeys(READERS, 1)
