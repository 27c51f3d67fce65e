"""How far this machine's clock is from the service's."""

from email.utils import parsedate_to_datetime
from typing import Final

from relay.personalize.connection import Connection

MAX_SKEW_S: Final = 30.0
"""More than this is worth a word: past 15 minutes the service refuses signatures, past a minute tokens fail."""


async def clock_skew_s(connection: Connection) -> float | None:
    """Seconds this clock is ahead of the service's (negative: behind), by the `Date` of one answer; None without one.

    Raises:
        PersonalizeError: see `relay.personalize.errors`.
    """
    answer = await connection.ask("ListEventTrackers", lambda control: control.list_event_trackers(maxResults=1))
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if not date:
        return None
    try:
        return connection.clock.now_ms() / 1000 - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
