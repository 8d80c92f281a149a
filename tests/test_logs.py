import json
import logging

import pytest

from digest.logs import JsonFormatter, TextFormatter


def event(text, *arguments, error=None):
    information = (type(error), error, None) if error else None
    return logging.LogRecord(
        "digest.fetch", logging.WARNING, "", 0, text, arguments, exc_info=information
    )


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_event_is_one_line_whatever_a_source_says(formatter):
    line = formatter.format(event("odd: %s", "a\r\n2026 ERROR forged\x1b[31m\u2028b"))

    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_event_as_text_begins_with_instant_level_and_room():
    instant, level, room, *_ = TextFormatter().format(event("listing stored")).split()

    assert instant.endswith("Z")
    assert (level, room) == ("WARNING", "digest.fetch:")


def test_event_as_json_holds_the_traceback():
    shown = json.loads(JsonFormatter().format(event("job failed", error=ValueError("why"))))

    assert (shown["level"], shown["event"]) == ("warning", "job failed")
    assert "ValueError: why" in shown["traceback"]
