"""Each command as a newcomer or a script meets it."""

import json
import os
import sqlite3
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from digest.demo.listings import arxiv_rss, daily_papers_json

SETTINGS = """
[deliver]
to = "files"

[mail]
from = "Daily Digest <digest@example.org>"

[[sources]]
name = "saved"
url = "saved.json"

[[subscribers]]
email = "ada@example.org"
at = "00:00"
[[subscribers.interests]]
name = "Proteins"
keywords = ["protein*"]
"""


@pytest.fixture
def here(installation, tmp_path, today):
    (tmp_path / "saved.json").write_bytes(daily_papers_json(1, today))
    installation.write(SETTINGS)
    return installation


def test_init_writes_settings_that_are_valid(installation, tmp_path):
    answers = ("--from", "Papers <papers@example.org>", "--smtp-host", "relay.example.org")
    answers += ("--smtp-port", "587", "--smtp-user", "", "--subscriber", "ada@example.org")
    answers += ("--topic", 'quotes "and" ünïcode', "--timezone", "Europe/Berlin")

    installation.run("init", *answers)

    shown = json.loads(installation.run("subscribers", "list", "--json"))
    assert shown[0]["email"] == "ada@example.org"
    assert shown[0]["interests"][0]["name"] == 'quotes "and" ünïcode'
    before = (tmp_path / "config.toml").read_text()
    assert "exists already" in installation.run("init", *answers, code=2)
    assert (tmp_path / "config.toml").read_text() == before


def test_init_with_a_wrong_answer_leaves_no_file(installation, tmp_path):
    answers = ("--from", "nobody", "--smtp-host", "h", "--smtp-port", "25", "--smtp-user", "")
    answers += ("--subscriber", "a@example.org", "--topic", "t", "--timezone", "UTC")

    printed = installation.run("init", *answers, code=2)

    assert "mail.from" in printed
    assert list(tmp_path.iterdir()) == []


def test_check_tells_each_thing_on_a_line(here, tmp_path):
    printed = here.run("check")
    assert [line.split(":")[0].split(maxsplit=1) for line in printed.splitlines()] == [
        ["ok", "settings"],
        ["ok", "database"],
        ["ok", "source saved"],
        ["ok", "deliver"],
    ]

    (tmp_path / "saved.json").write_text("{}")
    assert "FAILED  source saved" in here.run("check", code=1)


def test_check_tries_the_relay(here, mails):
    here.write(SETTINGS.replace("files", "smtp") + smtp(mails.port))
    assert "ok      smtp" in here.run("check")

    here.write(SETTINGS.replace("files", "smtp") + smtp(9))
    assert "FAILED  smtp" in here.run("check", code=1)


def test_check_says_what_to_publish(here, mails, tmp_path):
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "dkim.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    dkim = '\n[dkim]\ndomain = "example.org"\nselector = "s1"\nkey_file = "dkim.pem"\n'
    here.write(SETTINGS.replace("files", "smtp") + smtp(mails.port) + dkim)

    printed = here.run("check")

    assert "ok      dkim: signs by rsa-sha256 for example.org" in printed
    assert '\n  s1._domainkey.example.org. TXT "v=DKIM1; k=rsa; p=' in printed
    assert '\n  example.org. TXT "v=spf1 mx ~all"' in printed
    assert "\n  _dmarc.example.org. TXT" in printed
    assert "ok      spf: return paths are of example.org, as mail.from wants it" in printed
    other = dkim.replace('"example.org"', '"other.test"')
    here.write(SETTINGS.replace("files", "smtp") + smtp(mails.port) + other)
    assert "FAILED  dkim: dkim.domain other.test" in here.run("check", code=1)


def test_outbox_shows_what_was_answered_and_takes_orders(here, mails):
    here.write(SETTINGS.replace("files", "smtp") + smtp(mails.port))
    mails.refused["ada@example.org"] = "554 5.7.1 not from you"
    here.run("run")

    [delivery] = json.loads(here.run("outbox", "list", "--status", "failed", "--json"))
    shown = json.loads(here.run("outbox", "show", delivery["id"], "--json"))
    assert [one["reply"]["code"] for one in shown["attempts"]] == [554]
    assert "5.7.1 not from you" in here.run("outbox", "show", delivery["id"])
    assert "5.7.1 not from you" in here.run("status")

    mails.refused.clear()
    assert "due now" in here.run("outbox", "retry", delivery["id"])
    assert "cancelled" in here.run("outbox", "cancel", delivery["id"])
    assert "is cancelled" in here.run("outbox", "retry", delivery["id"], code=1)
    assert "not known" in here.run("outbox", "show", "nothing", code=2)
    assert "expected one of" in here.run("outbox", "list", "--status", "lost", code=2)
    assert mails.mails == []


def test_suppressed_address_is_remembered_by_a_hash_alone(here):
    here.write(SETTINGS + '[web]\nsecret_key = "a-key-of-the-tests-that-is-long-enough-for-one"\n')

    here.run("suppressions", "add", "Bob@example.org")

    [one] = json.loads(here.run("suppressions", "list", "--json"))
    assert "bob" not in json.dumps(one).lower()
    assert "suppressed" in here.run("subscribers", "add", "bob@example.org", code=1)
    here.run("suppressions", "remove", "bob@example.org")
    assert "added" in here.run("subscribers", "add", "bob@example.org")


def smtp(port):
    return f'\n[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'


def test_trial_of_a_file_prints_one_object_and_stores_nothing(installation, tmp_path, today):
    (tmp_path / "feed.xml").write_bytes(arxiv_rss(1, today))

    trial = json.loads(installation.run("sources", "test", "feed.xml", "--json"))

    assert (trial["kind"], trial["outcome"], trial["count"]) == ("arxiv", "items", 14)
    assert set(trial["items"][0]) == {
        *("id", "keys", "title", "summary", "authors", "author_count", "organisation"),
        *("categories", "published_on", "announce", "version", "upvotes", "comments", "link"),
    }
    assert os.listdir(tmp_path) == ["feed.xml"]  # noqa: PTH208 - names alone


def test_trial_of_a_broken_file_fails_with_its_cause(installation, tmp_path):
    (tmp_path / "feed.xml").write_text("<html><body>Log in</body></html>")

    trial = json.loads(installation.run("sources", "test", "feed.xml", "--json", code=1))

    assert (trial["outcome"], trial["count"]) == ("failed", 0)
    assert trial["error"]


def test_trial_for_people_ends_with_settings_to_paste(installation, tmp_path, today):
    (tmp_path / "papers.json").write_bytes(daily_papers_json(1, today))

    printed = installation.run("sources", "test", "papers.json")

    assert "kind huggingface: 14 items" in printed
    assert '[[sources]]\nname = "papers"\nurl = "/' in printed
    assert '/papers.json"\nkind = "huggingface"' in printed


def test_subscriber_comes_and_goes_by_command(here):
    here.run("subscribers", "add", "Zoë@example.org", "--topic", "galaxies", "--at", "06:30")
    assert "already confirmed" in here.run("subscribers", "add", "zoë@example.org", code=1)

    shown = json.loads(here.run("subscribers", "show", "Zoë@example.org", "--json"))
    assert shown["subscriber"]["schedule"]["at"] == "06:30:00"
    here.run("subscribers", "remove", "Zoë@example.org")

    everyone = json.loads(here.run("subscribers", "list", "--json"))
    assert {one["email"]: one["status"] for one in everyone} == {
        "ada@example.org": "confirmed",
        "Zoë@example.org": "unsubscribed",
    }


def test_wrong_field_of_a_new_subscriber_is_named(here):
    printed = here.run("subscribers", "add", "ada2@example.org", "--timezone", "Mars", code=2)

    assert 'timezone: expected an IANA time zone such as "Europe/Berlin"' in printed


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("mail.html", b"<!DOCTYPE html>"), ("mail.txt", b"Daily Digest"), ("mail.eml", b"From: ")],
)
def test_preview_is_written_in_each_form(here, tmp_path, name, beginning):
    here.run("fetch")

    here.run("preview", "ada@example.org", "--to", name)

    assert (tmp_path / name).read_bytes().lower().startswith(beginning.lower())


def test_templates_are_copied_to_be_changed(here, tmp_path):
    printed = here.run("templates", "copy", "own")

    assert (tmp_path / "own" / "mail" / "item.html").is_file()
    assert 'set mail.templates = "own"' in printed
    assert "exists already" in here.run("templates", "copy", "own", code=2)


def test_items_and_status_are_shown_for_people(here):
    here.run("run")

    items = here.run("items", "--new", "--limit", "5")
    status = here.run("status")

    assert len([line for line in items.splitlines() if "arxiv:" in line]) == 5
    assert "confirmed" in status
    assert "sent" in status


def test_database_of_addresses_is_for_its_owner_alone(here, tmp_path):
    here.run("fetch")

    assert stat.S_IMODE((tmp_path / "digest.db").stat().st_mode) == 0o600


def test_old_database_is_named_with_what_to_do(here, tmp_path):
    here.run("migrate")
    with sqlite3.connect(tmp_path / "digest.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    assert "this program knows" in here.run("status", code=1)


def test_markup_in_foreign_titles_stays_text(here, tmp_path, today):
    entries = json.loads(daily_papers_json(1, today))
    entries[0]["paper"]["title"] = entries[0]["title"] = "[red]not red[/red] \x1b[31mnor this"
    (tmp_path / "saved.json").write_text(json.dumps(entries))
    here.run("fetch")

    printed = here.run("items", "--limit", "100")

    assert "[red]not red[/red]" in printed
    assert "\x1b" not in printed


def test_help_names_every_command(installation):
    printed = installation.run("--help")

    for name in (
        "init",
        "check",
        "fetch",
        "preview",
        "run",
        "serve",
        "send",
        "status",
        "templates",
        "demo",
    ):
        assert name in printed


def test_demo_runs_twice_and_delivers_two_days(installation, tmp_path):
    for _ in range(2):
        printed = installation.run("demo")

    assert len(list((tmp_path / "demo").glob("*.eml"))) == 6
    assert "open: demo/" in printed
    assert "6 mails for 3 readers" in printed


def test_demo_leaves_other_folders_alone(installation, tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.tex").write_text("precious")

    assert "holds other files" in installation.run("demo", code=2)

    assert (tmp_path / "demo" / "thesis.tex").read_text() == "precious"


@pytest.mark.parametrize("by", ["id", "key", "title"])
def test_explain_prints_parts_that_add_up(here, by):
    here.run("fetch")
    item = json.loads(here.run("items", "--json"))[0]
    named = {"id": item["id"], "key": item["keys"][0], "title": item["title"]}[by]

    *parts, total = json.loads(here.run("explain", "ada@example.org", named, "--json"))

    assert total["kind"] == "score"
    assert sum(part["share"] for part in parts) == pytest.approx(total["share"])
    printed = " ".join(here.run("explain", "ada@example.org", named).split())
    assert item["title"] in printed
    assert f"{total['share']:+.4f} score" in printed


def test_explain_names_an_item_that_is_not_stored(here):
    assert "not known" in here.run("explain", "ada@example.org", "guid:x:none", code=2)


def test_a_half_of_the_service_that_does_not_exist_is_refused(installation):
    assert '"pages" or "jobs"' in installation.run("serve", "--only", "mail", code=2)
