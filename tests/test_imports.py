"""What other programs exported: feeds as sources, a library as an interest."""

import json
import tomllib

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.config import SourceSettings
from digest.config_file import load_settings
from digest.fetch.opml import Feed
from digest.imports import source_tables

OPML = """<opml><body><outline title="A Blog!" xmlUrl="https://a.example/feed"/>
<outline title="A blog" xmlUrl="https://b.example/feed"/>
<outline xmlUrl="exec:ls"/></body></opml>"""
SETTINGS = """[[sources]]
name = "known"
url = "https://known.example/feed"

[[subscribers]]
email = "ada@example.org"
"""
BIBTEX = """@article{a, title = {On the retrieval of documents from large collections}}
@article{b, title = {Short}, doi = {10.1234/X}}"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(SETTINGS)
    return path


@pytest.fixture
def run(config):
    return lambda *words: CliRunner().invoke(app, ["--config", str(config), *words])


def file(tmp_path, content):
    (tmp_path / "export").write_text(content)
    return str(tmp_path / "export")


def test_names_of_sources_are_made_unique_and_known_addresses_left_out():
    feeds = [
        Feed(title="Known", url="https://known.example/feed"),
        Feed(title="known", url="https://x.example/1"),
        Feed(title="known", url="https://x.example/2"),
        Feed(title="北京", url="https://x.example:80/3"),
    ]
    known = [SourceSettings(name="known", url="https://known.example/feed")]

    tables = tomllib.loads("\n".join(source_tables(feeds, known)))["sources"]

    assert [table["name"] for table in tables] == ["x-example", "known-2", "x-example-2"]


def test_feeds_are_printed_to_paste(run, tmp_path, config):
    result = run("sources", "import", file(tmp_path, OPML))

    tables = tomllib.loads(result.stdout)["sources"]
    assert [table["name"] for table in tables] == ["a-blog", "b-example"]
    assert '"exec:ls" is no web address' in result.stderr
    assert config.read_text() == SETTINGS


def test_feeds_are_written_once(run, tmp_path, config):
    first = run("sources", "import", file(tmp_path, OPML), "--write")
    second = run("sources", "import", file(tmp_path, OPML), "--write")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert [source.name for source in load_settings(config).sources] == [
        *("known", "a-blog", "b-example")
    ]
    assert "0 of them new" in second.stderr


def test_library_becomes_examples_of_an_interest(run, tmp_path):
    run("subscribers", "add", "bea@example.org")

    result = run("subscribers", "import-library", "bea@example.org", file(tmp_path, BIBTEX))
    again = run(
        *("subscribers", "import-library", "bea@example.org", file(tmp_path, BIBTEX), "--json")
    )

    assert "2 records, 2 new examples of interest library" in result.stdout
    imported = json.loads(again.stdout)["imported"]
    assert imported["added"] == 0
    assert imported["interest"]["examples"] == [
        *("On the retrieval of documents from large collections", "Short")
    ]


def test_library_of_a_subscriber_in_the_settings_file_is_printed_to_paste(run, tmp_path):
    result = run("subscribers", "import-library", "ada@example.org", file(tmp_path, BIBTEX))

    (interest,) = tomllib.loads(result.stdout)["subscribers"]["interests"]
    assert interest["examples"][1] == "Short"
    assert "paste these lines" in result.stderr


def test_file_of_another_kind_is_a_clear_error(run, tmp_path):
    result = run("sources", "import", file(tmp_path, "<html></html>"))

    assert "expected OPML, got <html>" in str(result.exception)
