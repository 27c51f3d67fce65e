"""What is made of the calls, once somebody asks: kept off the path of PutEvents, which only remembers bodies."""

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Registry
from relay.emulator.data.events import PutEvents, decode_put_action_interactions, decode_put_events, item_of
from relay.emulator.runtime.statistics import Statistics
from relay.emulator.runtime.taste import Taste
from relay.emulator.store.bulk import BulkRows
from relay.emulator.store.calls import Call, CallLog


class Digest:
    """Statistics, and the taste of each dataset group, up to the last call that was looked at."""

    def __init__(self, *, after: int = 0) -> None:
        self.statistics = Statistics()
        self._items: dict[str, Taste] = {}
        self._actions: dict[str, Taste] = {}
        self._counted_n = after
        self._learned_n = after
        self._learned_rows: dict[str, int] = {}

    def catch_up(self, calls: CallLog, bulk: BulkRows, registry: Registry) -> None:
        """Take in the calls and the rows of imports that came since."""
        self._learn_rows(bulk, registry)
        for call in calls.after(min(self._counted_n, self._learned_n)):
            put_events = decode_put_events(call.body) if call.taken and call.operation == "PutEvents" else None
            if call.n > self._counted_n:
                self.statistics.take(call, put_events)
            if call.n > self._learned_n:
                self._learn(call, put_events, registry)
        self._counted_n = self._learned_n = calls.last_n

    def taste_of(self, group_arn: str) -> Taste:
        """What visitors of a dataset group like; of one nobody came to, nothing."""
        return self._items.setdefault(group_arn, Taste())

    def actions_of(self, group_arn: str) -> Taste:
        """The same of actions."""
        return self._actions.setdefault(group_arn, Taste())

    def busiest(self) -> str | None:
        """The dataset group with the most events; None when there are none."""
        return max(self._items, key=lambda group: self._items[group].events, default=None)

    def unlearn(self) -> None:
        """Forget what was learned, and learn it anew from what is still there."""
        self._items.clear()
        self._actions.clear()
        self._learned_rows.clear()
        self._learned_n = 0

    def _learn(self, call: Call, put_events: PutEvents | None, registry: Registry) -> None:
        if put_events is not None:
            taste = self.taste_of(registry.group_of_tracking_id(put_events.tracking_id))
            for event in put_events.event_list:
                item_id = item_of(event)
                if item_id is not None:
                    taste.learn(item_id, put_events.session_id, put_events.user_id or None, event.event_type)
        elif call.taken and call.operation == "PutActionInteractions":
            put = decode_put_action_interactions(call.body)
            taste = self.actions_of(registry.group_of_tracking_id(put.tracking_id))
            for one in put.action_interactions:
                taste.learn(one.action_id, one.session_id, one.user_id or None, one.event_type)

    def _learn_rows(self, bulk: BulkRows, registry: Registry) -> None:
        for arn, rows in bulk.items():
            dataset = registry.find(arn)
            if dataset is None or dataset.kind is not Kind.DATASET:
                continue
            group = dataset.dataset_group_arn or ""
            of_actions = dataset.dataset_type == "ACTION_INTERACTIONS"
            taste = self.actions_of(group) if of_actions else self.taste_of(group)
            for row in sorted(rows[self._learned_rows.get(arn, 0) :], key=lambda row: row.timestamp):
                taste.learn(row.item_id, row.user_id, row.user_id, row.event_type)
            self._learned_rows[arn] = len(rows)
