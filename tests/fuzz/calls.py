"""Calls of the server API that are nearly right: a body for each, and in half of them a token that allows it."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

ARN: Final = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/"
TARGET: Final = "4e0e9a5d-0000-4000-8000-00000000ac71"
"""Of a dataset of action interactions."""
_USERS: Final = ("u1", "u2", "u3", "u4")
"""Few, so that who is erased is met again, by beacons too."""
_CONTENT: Final = (
    *("application/json",) * 20,
    *("application/json; charset=utf-8", "APPLICATION/JSON", "text/plain", "application/json, text/plain", ""),
)


class Call(NamedTuple):
    """One call: where to, with which headers, and its body before it is changed."""

    path: str
    headers: list[str]
    body: dict[str, Any]


class CallMaker:
    """Makes calls from a stream of chance; the same again from the same."""

    def __init__(
        self, rng: random.Random, *, allowing: str, others: Sequence[str], event: Callable[[int], dict[str, Any]]
    ) -> None:
        """Take what calls are made of.

        Args:
            rng: Where chance comes from.
            allowing: A server token with every scope.
            others: What is no such token.
            event: Makes an event, by its number in the list.
        """
        self._rng = rng
        self._allowing = allowing
        self._others = others
        self._event = event
        self._bodies: Mapping[str, Callable[[], dict[str, Any]]] = {
            "events": self._events,
            "users": lambda: self._records("users", "userId", "USERS"),
            "items": lambda: self._records("items", "itemId", "ITEMS"),
            "actions": lambda: self._records("actions", "actionId", "ACTIONS"),
            "action-interactions": self._interactions,
            "identity": self._identity,
            "erase": self._user,
            "allow": self._user,
        }
        self._often = ("events",) * 4 + ("action-interactions",) * 2 + tuple(self._bodies)

    def next(self) -> Call:
        """A call."""
        name = self._rng.choice(self._often)
        content = self._rng.choice(_CONTENT)
        headers = [self._authorization(), *([f"Content-Type: {content}"] if content else [])]
        return Call(f"/api/v1/{name}", [one for one in headers if one], self._bodies[name]())

    def _authorization(self) -> str:
        rng = self._rng
        if rng.random() < 0.5:
            return f"Authorization: {rng.choice(('Bearer', 'Bearer', 'bearer', 'BEARER '))} {self._allowing}"
        token = rng.choice(self._others)
        if rng.random() < 0.3:
            token = _altered(self._allowing, rng)
        return rng.choice(("", f"Authorization: {token}", *(f"Authorization: Bearer {token}",) * 4))

    def _user_id(self) -> Any:
        return self._rng.choice((*_USERS, *_USERS, 17, "ü", "u" * 256))

    def _events(self) -> dict[str, Any]:
        rng = self._rng
        body: dict[str, Any] = {
            "sessionId": rng.choice((f"backend-{rng.randrange(500)}", rng.randrange(10**6), "s")),
            "eventList": [self._event(number) for number in range(rng.choice((1, 1, 2, 11)))],
        }
        if rng.random() < 0.5:
            body["userId"] = self._user_id()
        return body

    def _records(self, plural: str, id_name: str, kind: str) -> dict[str, Any]:
        rng = self._rng
        entries: list[dict[str, Any]] = []
        for number in range(rng.choice((1, 1, 2, 11, 60))):
            entry: dict[str, Any] = {id_name: self._user_id() if id_name == "userId" else f"p{number}"}
            if rng.random() < 0.7:
                entry["properties"] = rng.choice(({"age": 3, "city": "Köln"}, '{"price": 1.5}', {"genre": "a|b"}))
            entries.append(entry)
        return {"datasetArn": ARN + kind, plural: entries}

    def _interactions(self) -> dict[str, Any]:
        rng = self._rng
        entries: list[dict[str, Any]] = []
        for number in range(rng.choice((1, 1, 3, 11))):
            event = self._event(number)
            entry = {"actionId": f"a{number}", "sessionId": f"backend-{rng.randrange(500)}", "eventType": "Viewed"}
            entry |= {name: event[name] for name in ("eventId", "impression", "recommendationId") if name in event}
            entry["timestamp"] = event.get("sentAt", "2026-11-22T01:52:25Z")
            if rng.random() < 0.5:
                entry["userId"] = self._user_id()
            entries.append(entry)
        return {"trackingId": TARGET, "actionInteractions": entries}

    def _identity(self) -> dict[str, Any]:
        rng = self._rng
        body: dict[str, Any] = {"userId": self._user_id()}
        if rng.random() < 0.5:
            body["sessionId"] = f"backend-{rng.randrange(500)}"
        if rng.random() < 0.5:
            body["ttl"] = rng.choice((1, 60.5, 86_400, "60"))
        return body

    def _user(self) -> dict[str, Any]:
        return {"userId": self._user_id()}


def _altered(token: str, rng: random.Random) -> str:
    """A token with one character changed, lost or doubled."""
    place = rng.randrange(len(token))
    return token[:place] + rng.choice(("", "A", "=", ".", token[place] * 2)) + token[place + 1 :]
