"""Whose a session is, worked out from what was sent and answered; written from the nine rules alone.

What cannot be known, since answers get lost and beacons meet, is kept as a set of states that are possible; an answer
that none of them explains breaks a rule.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

TTL_MS: Final = 500_000
"""`RELAY_BINDING_TTL_S` of these relays."""
LONGER_MS: Final = TTL_MS // 16 + 1000
"""So much longer a session may keep its user after a restart."""
KEPT_MS: Final = 7 * 86_400_000
"""For so long it is nobody else's after that."""


class Owned(NamedTuple):
    """A session of a tracker, as it may be."""

    user: str | None = None
    used_from_ms: int = 0
    """Its last use was not before this,"""
    used_to_ms: int = 0
    """nor after this."""


class Shown(StrEnum):
    """What a request shows of who it is from."""

    NOTHING = "nothing"
    """No token, or one that counts as none."""
    ELSEWHERE = "elsewhere"
    """A good token for another session."""
    USER = "user"
    """A good token, or a backend's word."""


class Reading(NamedTuple):
    """One way to read a request."""

    shown: Shown
    word: str
    """What the answer says then; of `USER` it says `ok` or `conflict`."""
    user: str | None = None


class Outcome(NamedTuple):
    """Under whom an event is to go out."""

    user: str | None
    derived: bool = False
    """Under a session of its own, derived from the page's."""
    open: bool = False
    """A later login of the session may still give it the session's user."""


@dataclass(frozen=True, eq=False)
class Step:
    """A request, and what came of it."""

    readings: tuple[Reading, ...]
    from_ms: int
    to_ms: int
    word: str | None
    """The answer's; None where there was none, so that it may have come to nothing."""


class Path(NamedTuple):
    """One order of events that explains the answers."""

    state: Owned
    outcomes: dict[Step, Outcome]


def explain(states: Iterable[Owned], steps: Sequence[Step], erased: Collection[str] = ()) -> list[Path]:
    """Every order of these requests, which met or followed each other, that explains what was answered; at best one.

    Users `erased` meanwhile may have gone before, between or after them.
    """
    return [path for state in states for path in _paths(state, frozenset(steps), {}, erased)]


def _paths(
    state: Owned, left: frozenset[Step], outcomes: dict[Step, Outcome], erased: Collection[str]
) -> Iterator[Path]:
    if state.user in erased:
        yield from _paths(Owned(), left, outcomes, erased)
    if not any(step.word for step in left):
        yield Path(state, outcomes)
    for step in left:
        if any(other.word and other.to_ms < step.from_ms for other in left if other is not step):
            continue
        for reading in step.readings:
            for after, word, outcome in _applied(state, reading, step.from_ms, step.to_ms):
                if step.word in (None, word):
                    yield from _paths(after, left - {step}, outcomes | {step: outcome}, erased)


def _applied(state: Owned, reading: Reading, from_ms: int, to_ms: int) -> Iterator[tuple[Owned, str, Outcome]]:
    """What a request may do to a session, by the rules."""
    user = state.user
    match reading.shown:
        case Shown.NOTHING:
            for bound in _is_bound(state, from_ms, to_ms):
                if bound:
                    yield Owned(user, from_ms, to_ms), reading.word, Outcome(user)
                else:
                    yield state, reading.word, Outcome(None, open=True)
        case Shown.ELSEWHERE:
            yield _perhaps_used(state, to_ms), reading.word, Outcome(None)
        case Shown.USER:
            if user in (None, reading.user):
                yield Owned(reading.user, from_ms, to_ms), "ok", Outcome(reading.user)
                return
            yield _perhaps_used(state, to_ms), "conflict", Outcome(reading.user, derived=True)
            if to_ms >= state.used_from_ms + TTL_MS + KEPT_MS:
                yield Owned(reading.user, from_ms, to_ms), "ok", Outcome(reading.user)


def _is_bound(state: Owned, from_ms: int, to_ms: int) -> list[bool]:
    if state.user is None or from_ms > state.used_to_ms + TTL_MS + LONGER_MS:
        return [False]
    return [True] if to_ms < state.used_from_ms + TTL_MS else [True, False]


def _perhaps_used(state: Owned, to_ms: int) -> Owned:
    """The rules do not say whether a request that is not its user's is a use of the session."""
    return state if state.user is None else state._replace(used_to_ms=max(state.used_to_ms, to_ms))
