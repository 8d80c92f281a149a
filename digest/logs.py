"""Logs: standard library events, shown as text for people or as JSON for collectors."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# Line ends and other control characters in an event could forge a second one.
CONTROLS = dict.fromkeys((*range(32), 127, 0x85, 0x2028, 0x2029), " ")


class TextFormatter(logging.Formatter):
    """One line an event: instant, level, room, text; a traceback follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        line = f"{_instant(record)} {record.levelname:<7} {record.name}: {_text(record)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object an event."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the object."""
        event = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "room": record.name,
            "event": _text(record),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def start_logs(
    level: Literal["debug", "info", "warning", "error"], form: Literal["text", "json"]
) -> None:
    """Send every event of *level* and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    # These tell of each tick and each connection, which is ours to tell.
    for noisy in ("apscheduler", "alembic", "aiosmtplib", "asyncio"):
        logging.getLogger(noisy).setLevel(max(LEVELS[level], logging.WARNING))


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _text(record: logging.LogRecord) -> str:
    return record.getMessage().translate(CONTROLS)
