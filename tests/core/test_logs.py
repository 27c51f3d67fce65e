"""Log lines."""

import json
import logging
import sys

from relay.core.logs import JsonLines


def line(message: str, *arguments: object, **extra: object) -> str:
    record = logging.getLogger("relay").makeRecord("relay", logging.INFO, "f", 1, message, arguments, None, extra=extra)
    return JsonLines().format(record)


def test_a_record_is_one_line_of_json_whatever_is_in_it() -> None:
    text = line("a\nb\x1b[31m %s", "\u2028", pending=5)
    assert "\n" not in text
    assert "\x1b" not in text
    decoded = json.loads(text)
    assert (decoded["message"], decoded["pending"], decoded["level"]) == ("a\nb\x1b[31m \u2028", 5, "info")


def test_a_traceback_stays_on_the_line() -> None:
    try:
        raise ValueError("x")
    except ValueError:
        record = logging.getLogger("relay").makeRecord("relay", logging.ERROR, "f", 1, "m", (), sys.exc_info())
    text = JsonLines().format(record)
    assert "\n" not in text
    assert "ValueError" in json.loads(text)["trace"]
