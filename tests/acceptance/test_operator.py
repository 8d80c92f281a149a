"""The operator's commands from outside: readers in and out by files, figures, erasure."""

import json

import pytest

from tests.acceptance.test_commands import SETTINGS

KEY = '\n[web]\nsecret_key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"\n'


@pytest.fixture
def here(installation, tmp_path):
    (tmp_path / "saved.json").write_text("[]")
    installation.write(SETTINGS.partition("[[subscribers]]")[0] + KEY)
    return installation


def test_readers_come_and_go_by_files(here, tmp_path):
    rows = "email;interests\nbo@example.org;graphs\nnonsense;\ncy@example.org;=cmd|proteins\n"
    (tmp_path / "readers.csv").write_text(rows)

    assert "--confirmed and --ask" in here.run("subscribers", "import", "readers.csv", code=2)
    assert "web.base_url" in here.run("subscribers", "import", "readers.csv", "--ask", code=2)
    printed = here.run("subscribers", "import", "readers.csv", "--confirmed")
    assert "added: 2" in printed
    assert "line 3: expected an email address" in printed
    assert "written: 2 subscribers" in here.run("subscribers", "export", "out.json")

    assert "erased" in here.run("subscribers", "erase", "bo@example.org")
    held = [path.name for path in tmp_path.glob("digest.db*") if b"bo@ex" in path.read_bytes()]
    assert held == []
    done = json.loads(here.run("subscribers", "import", "out.json", "--confirmed", "--json"))
    assert (done["added"], done["existing"]) == (1, ["cy@example.org"])


def test_status_shows_the_figures_of_days(here):
    here.run("subscribers", "add", "bo@example.org")

    printed = here.run("status", "--days", "2")
    assert "Subscribers at the end of the day" in printed
    overview = json.loads(here.run("status", "--json", "--days", "2"))["overview"]
    assert overview["subscribers"]["confirmed"] == [None, 1]
