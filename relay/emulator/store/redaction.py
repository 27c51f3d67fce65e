"""Users taken out of what was remembered: their calls lose their bodies, batches lose their part."""

from collections.abc import Callable, Set
from typing import Any, Final

import msgspec

from relay.emulator.store.calls import Call
from relay.emulator.store.journal import CallEntry, Entry, RecordsEntry, RowsEntry

DELETED: Final = "The data of this user was deleted."
"""Message of a call whose body went."""

_ASKS: Final = frozenset({"GetRecommendations", "GetPersonalizedRanking", "GetActionRecommendations"})

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class Redaction:
    """Some users of one dataset group. `survey` every call first: it learns which sessions were theirs."""

    def __init__(
        self, group_arn: str, users: frozenset[str], group_of: Callable[[str], str], dataset_arns: Set[str]
    ) -> None:
        self._group_arn = group_arn
        self._users = users
        self._group_of = group_of
        self._dataset_arns = dataset_arns
        self._sessions: set[str] = set()
        self.found: set[str] = set()
        """Users that were met."""

    def survey(self, call: Call) -> None:
        """Learn whose session it is."""
        body = _body(call)
        if call.operation == "PutEvents" and self._is_theirs(body) and self._is_gone(body.get("userId")):
            self._note(body)
        for one in self._interactions(call, body):
            if self._is_gone(one.get("userId")):
                self._note(one)

    def redacted(self, call: Call) -> Call:
        """The call without them."""
        body = _body(call)
        if not body:
            unreadable = call.body and any(user.encode() in call.body for user in self._users)
            return _emptied(call) if unreadable else call
        if call.operation == "PutEvents" and self._is_theirs(body):
            return _emptied(call) if self._is_one_of_them(body) else call
        if call.operation in _ASKS or call.operation is None:
            asked = body.get("userId")
            return _emptied(call) if self._is_gone(asked) or self._was_theirs(asked) else call
        if call.operation == "PutUsers" and str(body.get("datasetArn")) in self._dataset_arns:
            self.found |= self._users.intersection(str(one.get("userId")) for one in _objects(body.get("users")))
            return _without(call, body, "users", lambda one: self._is_gone(one.get("userId")))
        if self._interactions(call, body):
            return _without(call, body, "actionInteractions", self._is_one_of_them)
        return call

    def entry(self, entry: Entry) -> Entry:
        """The same for a line of the journal."""
        if isinstance(entry, CallEntry):
            return CallEntry(self.redacted(entry.call))
        if isinstance(entry, RowsEntry):
            if entry.dataset_arn in self._dataset_arns:
                entry.rows = [row for row in entry.rows if row.user_id not in self._users]
        elif isinstance(entry, RecordsEntry) and entry.dataset_arn in self._dataset_arns and entry.kind == "users":
            entry.rows = [row for row in entry.rows if row[0] not in self._users]
        return entry

    def _interactions(self, call: Call, body: dict[str, Any]) -> list[dict[str, Any]]:
        if call.operation != "PutActionInteractions" or not self._is_theirs(body):
            return []
        return _objects(body.get("actionInteractions"))

    def _is_theirs(self, body: dict[str, Any]) -> bool:
        return self._group_of(str(body.get("trackingId"))) == self._group_arn

    def _is_one_of_them(self, one: dict[str, Any]) -> bool:
        user = one.get("userId")
        return self._is_gone(user) if user else self._was_theirs(one.get("sessionId"))

    def _is_gone(self, user: Any) -> bool:
        return isinstance(user, str) and user in self._users

    def _was_theirs(self, session: Any) -> bool:
        return isinstance(session, str) and session in self._sessions

    def _note(self, one: dict[str, Any]) -> None:
        self.found.add(one["userId"])
        if isinstance(one.get("sessionId"), str):
            self._sessions.add(one["sessionId"])


def _body(call: Call) -> dict[str, Any]:
    try:
        return _decode(call.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _objects(value: Any) -> list[dict[str, Any]]:
    try:
        return msgspec.convert(value, list[dict[str, Any]])
    except msgspec.ValidationError:
        return []


def _without(call: Call, body: dict[str, Any], field: str, is_one: Callable[[dict[str, Any]], bool]) -> Call:
    there = _objects(body.get(field))
    if not there:
        return call
    left = [one for one in there if not is_one(one)]
    if not left:
        return _emptied(call)
    if len(left) == len(there):
        return call
    return msgspec.structs.replace(call, body=_encode({**body, field: left}))


def _emptied(call: Call) -> Call:
    return msgspec.structs.replace(call, body=b"", taken=False, message=DELETED)
