"""Settings: what is accepted, and how a wrong key is named."""

import re
import tomllib
from datetime import time, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from digest.config import (
    DigestSettings,
    Settings,
    SourceSettings,
    SubscriberSettings,
    smtp_password,
)
from digest.config_file import key_lines, load_settings
from digest.errors import ConfigError
from digest.model import Frequency

API = "https://export.arxiv.org/api/query"
EXAMPLE = Path(__file__).parents[1] / "config.example.toml"


@pytest.fixture
def write(tmp_path):
    def write_settings(content):
        path = tmp_path / "config.toml"
        path.write_text(content, encoding="utf-8")
        return path

    return write_settings


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            '[smtp]\n\nport = "smtp"\n',
            'config.toml line 3: smtp.port: expected a number from 1 to 65535, got "smtp"',
            id="wrong type",
        ),
        pytest.param(
            "[smtp]\nport = 70000\n",
            "config.toml line 2: smtp.port: expected a number from 1 to 65535, got 70000",
            id="out of range",
        ),
        pytest.param(
            '[smtp]\nhots = "x"\n',
            "config.toml line 2: smtp.hots: unknown key, did you mean host?",
            id="misspelt key",
        ),
        pytest.param(
            "[smpt]\nport = 25\n",
            "config.toml line 1: smpt: unknown key, did you mean smtp?",
            id="misspelt group",
        ),
        pytest.param(
            '[smtp]\nsecurity = "ssl"\n',
            "config.toml line 2: smtp.security: expected 'starttls', 'tls' or 'none', got \"ssl\"",
            id="not one of the words",
        ),
        pytest.param(
            '[[sources]]\nname = "a"\nurl = "x"\n[[sources]]\nname = "b"\nulr = "y"\n',
            "config.toml line 6: sources.1.ulr: unknown key, did you mean url?",
            id="second table of an array",
        ),
        pytest.param(
            '[[sources]]\nname = "a"\nurl = "x"\nevery = "3 parsecs"\n',
            "config.toml line 4: sources.0.every: "
            'expected a span such as "30m", "6h" or "1d", got "3 parsecs"',
            id="span",
        ),
        pytest.param(
            '[[subscribers]]\nemail = "ada@example.org"\n[[subscribers.interests]]\nname = "x"\n'
            "weight = -1\n",
            "config.toml line 5: subscribers.0.interests.0.weight: expected greater than 0, got -1",
            id="table within a table of an array",
        ),
        pytest.param(
            '[digest]\ntimezone = "Mars/Phobos"\n',
            "config.toml line 2: digest.timezone: "
            'expected an IANA time zone such as "Europe/Berlin", got "Mars/Phobos"',
            id="zone",
        ),
        pytest.param(
            "[digest]\nat = 07:30:00Z\n", "config.toml: not TOML", id="no TOML has zoned times"
        ),
        pytest.param(
            '[smtp]\nusername = "digest"\n',
            "config.toml line 1: smtp: username needs password or password_file",
            id="two keys together",
        ),
    ],
)
def test_wrong_setting_is_named_with_its_line(write, tmp_path, content, message):
    with pytest.raises(ConfigError) as caught:
        load_settings(write(content))

    lines = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
    assert any(line.startswith(message) for line in lines)


def test_every_wrong_key_is_told_at_once(write):
    with pytest.raises(ConfigError) as caught:
        load_settings(write('[smtp]\nport = "a"\nhots = "b"\n'))

    assert len(str(caught.value).splitlines()) == 2


def test_password_is_never_shown(write):
    with pytest.raises(ConfigError) as caught:
        load_settings(write('[smtp]\nusername = "u"\nsecurity = "none"\npassword = ["hunter2"]\n'))

    assert "hunter2" not in str(caught.value)


def test_environment_stands_above_the_file(write, monkeypatch):
    monkeypatch.setenv("DIGEST_SMTP__PORT", "2525")
    monkeypatch.setenv("DIGEST_SOURCES", '[{"name": "env", "url": "https://example.org/feed"}]')

    settings = load_settings(write('[smtp]\nhost = "relay"\nport = 25\n'))

    assert (settings.smtp.host, settings.smtp.port) == ("relay", 2525)
    assert [source.name for source in settings.sources] == ["env"]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        pytest.param(
            "DIGEST_SMTP__PORT",
            "x",
            'environment DIGEST_SMTP__PORT: smtp.port: expected a number from 1 to 65535, got "x"',
            id="wrong value",
        ),
        pytest.param(
            "DIGEST_SMPT__PORT",
            "25",
            "environment DIGEST_SMPT__PORT: unknown group smpt",
            id="misspelt group",
        ),
    ],
)
def test_wrong_variable_is_named(write, monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigError, match=re.escape(message)):
        load_settings(write(""))


def test_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError, match='no such file: write one with "digest init"'):
        load_settings(tmp_path / "none.toml")


def test_paths_mean_the_folder_of_the_file(write, tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "secrets"))
    content = """
    [smtp]
    username = "digest"
    password_file = "$CREDENTIALS_DIRECTORY/smtp"
    [deliver]
    folder = "mails"
    [[sources]]
    name = "saved"
    url = "listings"
    """

    settings = load_settings(write(content))

    assert settings.database.url == f"sqlite:///{tmp_path}/digest.db"
    assert settings.deliver.folder == tmp_path / "mails"
    assert settings.smtp.password_file == tmp_path / "secrets" / "smtp"
    assert settings.sources[0].url == str(tmp_path / "listings")


def test_secret_file_that_cannot_be_read_stops_the_start(write, tmp_path):
    settings = load_settings(write('[smtp]\nusername = "u"\npassword_file = "nowhere"\n'))

    with pytest.raises(ConfigError, match=r"smtp\.password_file: .*nowhere"):
        smtp_password(settings.smtp)

    (tmp_path / "nowhere").write_text(" open sesame \n")
    assert smtp_password(settings.smtp) == "open sesame"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h 30m", timedelta(minutes=90)),
        ("1.5d", timedelta(hours=36)),
    ],
)
def test_span_is_read_as_written(write, text, span):
    settings = load_settings(
        write(f'[[sources]]\nname = "a"\nurl = "https://example.org"\nevery = "{text}"\n')
    )

    assert settings.sources[0].source().every == span


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        pytest.param({}, {0, 1, 2, 3, 4}, id="frequency of [digest]"),
        pytest.param({"frequency": "daily"}, set(range(7)), id="own frequency"),
        pytest.param({"frequency": "weekly"}, {0}, id="weekly is Monday"),
        pytest.param({"frequency": "weekly", "weekdays": ["sat"]}, {5}, id="weekly on a day"),
        pytest.param({"weekdays": ["Tue", "thursday"]}, {1, 3}, id="own days"),
    ],
)
def test_weekdays_follow_from_frequency_unless_named(fields, days):
    one = SubscriberSettings.model_validate({"email": "ada@example.org"} | fields)

    schedule = one.schedule(DigestSettings(frequency=Frequency.WEEKDAYS))

    assert schedule.weekdays == days


def test_subscriber_takes_what_it_leaves_out_from_the_defaults():
    one = SubscriberSettings(email="ada@example.org", at_least=3)

    subscriber = one.subscriber(
        DigestSettings(at=time(6, 15), max_items=7, popularity=0.9),
        subscriber_id="id",
        next_digest_at=None,
        config_owned=True,
    )

    assert (subscriber.max_items, subscriber.at_least, subscriber.popularity) == (7, 3, 0.9)
    assert subscriber.schedule.at == time(6, 15)


def test_same_address_twice_is_refused(write):
    content = '[[subscribers]]\nemail = "ada@example.org"\n' * 2

    with pytest.raises(ConfigError, match=r"given twice: ada@example\.org"):
        load_settings(write(content))


def test_lines_are_found_in_every_form_of_table():
    lines = key_lines(
        "a = 1\n[b]\nc = 2\n[[d]]\ne = 3\n[[d]]\ne = 4\n[[d.f]]\ng = 5\n[d.h]\ni = 6\n"
    )

    assert lines[("a",)] == 1
    assert lines[("b", "c")] == 3
    assert lines[("d", 0, "e")] == 5
    assert lines[("d", 1, "e")] == 7
    assert lines[("d", 1, "f", 0, "g")] == 9
    assert lines[("d", 1, "h", "i")] == 11


def test_example_file_is_valid_and_names_every_key():
    load_settings(EXAMPLE)

    content = EXAMPLE.read_text(encoding="utf-8")
    keys = set(re.findall(r"(?:^#?\s*|[{,] )(\w+) =", content, re.MULTILINE))
    keys |= {"timezone", "weekdays", "max_items", "at_least", "minimum_score", "popularity"}
    missing = {f"{group}.{name}" for group, name in _key_names(Settings) if name not in keys}
    assert missing == set()


def test_example_file_shows_the_defaults():
    shown = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    usual = Settings().model_dump(mode="json", by_alias=True)

    for group in ("service", "deliver", "smtp", "digest"):
        for key, value in shown[group].items():
            default = getattr(getattr(Settings(), group), key)
            if isinstance(default, timedelta):
                continue
            assert str(value) in str(usual[group][key]), f"{group}.{key}"


def _key_names(group, name=""):
    for key, field in group.model_fields.items():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        if inner:
            yield from _key_names(inner, key)
        else:
            yield name, field.alias or key


@pytest.mark.parametrize(
    ("via", "url"),
    [
        ("rss", "https://rss.arxiv.org/rss/cs.LG"),
        ("list", "https://arxiv.org/list/cs.LG/new"),
        (
            "api",
            API
            + "?search_query=cat%3Acs.LG&sortBy=submittedDate&sortOrder=descending&max_results=200",
        ),
    ],
)
def test_categories_of_arxiv_stand_for_an_address(via, url):
    source = SourceSettings(name="x", arxiv={"categories": ["cs.LG"], "via": via}).source()

    assert (source.url, source.kind) == (url, "arxiv")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "give either url or arxiv"),
        ({"url": "x", "arxiv": {"categories": ["cs.LG"]}}, "give either url or arxiv"),
        ({"arxiv": {"categories": ["cs.LG", "math"], "via": "list"}}, "takes one category"),
        ({"arxiv": {"categories": ["cs.LG&x"]}}, "pattern"),
        ({"arxiv": {"categories": ["cs.LG"]}, "kind": "feed"}, 'of kind "arxiv"'),
    ],
)
def test_wrong_address_of_a_source_is_told(fields, message):
    with pytest.raises(ValidationError, match=message):
        SourceSettings(name="x", **fields)
