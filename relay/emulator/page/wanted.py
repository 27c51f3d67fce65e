"""Calls chosen by whose they are and what they are about."""

from typing import Any, NamedTuple

import msgspec

from relay.emulator.store.calls import Call

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_LISTS = ("eventList", "items", "users", "actions", "actionInteractions")


class Wanted(NamedTuple):
    """Whole ids; None leaves the choice open."""

    session: str | None
    user: str | None
    item: str | None

    def fits(self, call: Call) -> bool:
        """Whether a call is of this session, of this user, and about this item."""
        if self.session is None and self.user is None and self.item is None:
            return True
        try:
            body = _decode(call.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        parts = [body, *_parts(body)]
        return (
            _has(parts, self.session, "sessionId")
            and _has(parts, self.user, "userId")
            and _has([*parts, *map(_properties, parts)], self.item, "itemId")
        )


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    lists = [body[name] for name in _LISTS if isinstance(body.get(name), list)]
    return [part for parts in lists for part in parts if isinstance(part, dict)]


def _has(parts: list[dict[str, Any]], wanted: str | None, name: str) -> bool:
    return wanted is None or any(part.get(name) == wanted for part in parts)


def _properties(part: dict[str, Any]) -> dict[str, Any]:
    """Where older clients put the item."""
    text = part.get("properties")
    try:
        return _decode(text) if isinstance(text, str) else {}
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return {}
