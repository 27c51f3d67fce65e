"""What is made of the calls, once somebody asks: kept off the path of PutEvents, which only remembers bodies."""

from relay.emulator.data.events import decode_put_events
from relay.emulator.page.statistics import Statistics
from relay.emulator.runtime.taste import Taste
from relay.emulator.store.calls import CallLog


class Digest:
    """Statistics and taste, up to the last call that was looked at."""

    def __init__(self, *, after: int = 0) -> None:
        self.statistics = Statistics()
        self.taste = Taste()
        self._done_n = after

    def catch_up(self, calls: CallLog) -> None:
        """Take in the calls that came since."""
        for call in calls.after(self._done_n):
            put_events = decode_put_events(call.body) if call.taken and call.operation == "PutEvents" else None
            self.statistics.take(call, put_events)
            if put_events is not None:
                for event in put_events.event_list:
                    if event.item_id:
                        user_id = put_events.user_id or None
                        self.taste.learn(event.item_id, put_events.session_id, user_id)
        self._done_n = calls.last_n
