"""The first settings file of an installation, from a handful of answers."""

import json
from dataclasses import dataclass
from pathlib import Path

from digest.config_file import replace_settings
from digest.errors import ConfigError

TEMPLATE = """\
# Settings of Daily Digest; every key is explained in config.example.toml.

[database]
url = {database}

[mail]
from = {sender}

[smtp]
host = {smtp_host}
port = {smtp_port}
{login}
[digest]
timezone = {timezone}
at = "07:00"

[[sources]]
name = "huggingface"
kind = "huggingface"
url = "https://huggingface.co/api/daily_papers"

[[sources]]
name = "arxiv-cs-lg"
kind = "arxiv"
url = "https://rss.arxiv.org/rss/cs.LG"
every = "3h"

[[subscribers]]
email = {subscriber}

[[subscribers.interests]]
name = {topic}
text = {topic}
"""

LOGIN = """\
username = {smtp_user}
# The file holds the password alone; the environment's DIGEST_SMTP__PASSWORD does as well.
password_file = "smtp-password"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a new installation must know; `smtp_user` may be empty."""

    sender: str
    smtp_host: str
    smtp_port: int
    smtp_user: str
    subscriber: str
    topic: str
    timezone: str


def write_settings(path: Path, answers: Answers, *, force: bool) -> None:
    """Write the settings file and read it back; a wrong answer leaves no file behind.

    Raises:
        ConfigError: the file exists and *force* is not given, or an answer is wrong.
    """
    if path.exists() and not force:
        raise ConfigError(f"{path}: exists already: give --force to write over it")
    # A JSON string is a TOML string as well.
    quoted = {
        name: json.dumps(getattr(answers, name), ensure_ascii=False)
        for name in ("sender", "smtp_host", "smtp_user", "subscriber", "topic", "timezone")
    }
    quoted["database"] = json.dumps(_database(path))
    login = LOGIN.format(**quoted) if answers.smtp_user else ""
    content = TEMPLATE.format(smtp_port=answers.smtp_port, login=login, **quoted)
    # It holds addresses: for the owner and the service's group alone.
    replace_settings(path, content, 0o640)


def _database(path: Path) -> str:
    """Give the database of a settings file: beside it, but state never goes to /etc."""
    if path.resolve().is_relative_to("/etc"):
        return "sqlite:////var/lib/digest/digest.db"
    return "sqlite:///digest.db"
