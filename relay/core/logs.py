"""Log lines: JSON, one line each, without a word of what clients sent."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """One JSON object a line; fields given as `extra` are fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line; control characters are escaped by JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure_logs(level: int = logging.INFO) -> None:
    """Send everything of the process to stderr, as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # What uvicorn and the AWS client say at these levels is about single requests of strangers.
    for name in ("uvicorn.error", "botocore", "aiobotocore", "aiohttp", "asyncio"):
        logging.getLogger(name).setLevel(logging.ERROR)
