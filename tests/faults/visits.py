"""What visitors do, worked out from a seed alone: nobody has to remember a payload to know what it was."""

import hashlib
import hmac
import json
import random
from dataclasses import dataclass
from typing import Any, Final

import msgspec

REFUSED_ITEMS: Final = ("refused-0", "refused-1", "refused-2", "refused-3")
"""The service is told to refuse these in every run: their events have to be buried, their neighbours delivered."""
_TYPES: Final = ("View", "Click", "AddToCart", "Purchase", "Zurück ←")
_WORDS: Final = ("shoe", "Größe 42", "靴", "🙂", 'a"quote', "back\\slash", "tab\t", "<b>", "\u2028", "x" * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One session from its first beacon to its last."""

    number: int
    page_session_id: str
    """What the page sends."""
    user_id: str | None
    sizes: tuple[int, ...]
    """Events in each beacon."""
    login_at: int | None
    """The beacon that carries the identity token for the first time."""
    keeps_token: bool
    """Whether every later beacon carries it, too; else the relay has to remember."""
    ends_with_erasure: bool
    is_second: bool = False
    """The page's session is another user's already: the relay has to send it under a session id of its own."""

    @property
    def events(self) -> int:
        return sum(self.sizes)


class Visits:
    """Every visit and every event of a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def visit(self, number: int) -> Visit:
        """The visit of this number."""
        rng = self._rng("visit", number)
        user_id = f"user-{number}" if rng.random() < 0.6 else None
        sizes = tuple(rng.choice((1, 1, 1, 2, 3, 5, 12)) for _ in range(rng.randint(1, 6)))
        login_at = rng.randrange(len(sizes)) if user_id else None
        if login_at is not None and rng.random() < 0.25:
            sizes = (*sizes[:login_at], 0, *sizes[login_at:])  # a login that brings no event with it
        return Visit(
            number=number,
            page_session_id=self._digest("session", number),
            user_id=user_id,
            sizes=sizes,
            login_at=login_at,
            keeps_token=rng.random() < 0.5,
            ends_with_erasure=user_id is not None and rng.random() < 0.03,
        )

    def second(self, number: int, first: Visit) -> Visit:
        """Somebody else on the page of a visitor who is logged in: same session id, another user."""
        rng = self._rng("second", number)
        return Visit(
            number=number,
            page_session_id=first.page_session_id,
            user_id=f"user-{number}",
            sizes=tuple(rng.randint(1, 3) for _ in range(rng.randint(1, 3))),
            login_at=0,
            keeps_token=True,
            ends_with_erasure=False,
            is_second=True,
        )

    def event(self, visit_number: int, event_number: int) -> dict[str, Any]:
        """An event as the page sends it, but for its time."""
        rng = self._rng("event", visit_number, event_number)
        event: dict[str, Any] = {
            "eventId": f"{visit_number}.{event_number}.{rng.getrandbits(32):08x}",
            "eventType": rng.choice(_TYPES),
        }
        if rng.random() < 0.95:
            event["itemId"] = rng.choice(REFUSED_ITEMS) if rng.random() < 0.02 else f"p{rng.randrange(500)}"
        if rng.random() < 0.3:
            event["eventValue"] = rng.choice((0.0, -1.5, 19.9, rng.uniform(0, 1e6)))
        if rng.random() < 0.4:
            held: dict[str, Any] = {
                f"k{n}": rng.choice((rng.choice(_WORDS), rng.random(), True, None, [1])) for n in range(4)
            }
            if rng.random() < 0.3:
                held["long"] = "ж" * rng.randint(1, 800)
            event["properties"] = held if rng.random() < 0.8 else json.dumps(held)
        if rng.random() < 0.3:
            event["recommendationId"] = f"RID-{rng.getrandbits(64):016x}"
            event["impression"] = [f"p{rng.randrange(500)}" for _ in range(rng.randint(1, 25))]
            event["metricAttribution"] = {"eventAttributionSource": rng.choice(("home-top", "cart ~ {}"))}
        return event

    def is_refused(self, visit_number: int, event_number: int) -> bool:
        """Whether the service is told to refuse the event."""
        return self.event(visit_number, event_number).get("itemId") in REFUSED_ITEMS

    def _rng(self, *parts: object) -> random.Random:
        return random.Random(f"{self.seed}/{parts}")

    def _digest(self, *parts: object) -> str:
        return hmac.digest(str(self.seed).encode(), str(parts).encode(), hashlib.md5).hex()


def same_payload(sent: dict[str, Any], arrived: dict[str, Any]) -> bool:
    """Whether an event arrived as it was sent, but for its time: value by value, `properties` by what they hold."""
    arrived = {name: value for name, value in arrived.items() if name != "sentAt"}
    return _unpacked(sent) == _unpacked(arrived)


def _unpacked(event: dict[str, Any]) -> dict[str, Any]:
    properties = event.get("properties")
    return event | {"properties": msgspec.json.decode(properties)} if isinstance(properties, str) else event
