"""Remembers what was promised and what arrived, and says whether the promises were kept.

A 2xx answer makes an event an obligation. Everything else may arrive or not, but nothing may arrive that was never
sent, and nothing twice under different names.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults.visits import Visit, Visits, same_payload

ERASURE_GRACE_MS: Final = 3000
"""A call in flight when its user was erased cannot be taken back; it ends within this."""
_MOST_STORIES: Final = 30
_SOMEHOW: Final = 1
_PLAINLY: Final = 2
"""Delivered by a call that was answered with a plain success."""


@dataclass(slots=True)
class _Log:
    """What is known of one visit; a few bytes for each event."""

    visit: Visit
    session_id: str | None = None
    """Under which the service sees it; of a second user the first one seen, and from then on no other."""
    issued: int = 0
    """Events of these first numbers were sent at least once."""
    obliged: bytearray = field(default_factory=bytearray)
    delivered: bytearray = field(default_factory=bytearray)
    born_ms: "array[int]" = field(default_factory=lambda: array("q"))
    slowest_ms: int = 0
    """Of its posts: how much later than it was born an event may be dated."""
    turns: "array[int]" = field(default_factory=lambda: array("l"))
    """By event: which of the visit's turns it was sent in; beacons of one turn were under way at once."""
    first_of: "array[int]" = field(default_factory=lambda: array("l"))
    """By event: the first one of its beacon."""
    turn: int = -1
    """The latest of which something was delivered."""
    newest: dict[int, int] = field(default_factory=dict)
    """By first event of a beacon: the highest number of it delivered."""
    late: list[int] = field(default_factory=list)
    """First delivered after a later one."""
    bound_from: int | None = None
    """From this event on the user is certain."""
    showed_token: bool = False
    forgets: bool = False
    """Somebody has asked for the user's erasure."""
    erased_ms: int | None = None


@dataclass(slots=True)
class Verdict:
    """The figures of a run; all of `WRONGS` are 0 when every promise was kept."""

    answered: int = 0
    delivered: int = 0
    buried: int = 0
    erased: int = 0
    missing: list[str] = field(default_factory=list)
    """Obligations that have not arrived for no good reason."""
    damaged: int = 0
    """So many of them the relay reports as damaged."""
    repeats: int = 0
    wrongs: Counter[str] = field(default_factory=Counter)
    stories: list[str] = field(default_factory=list)
    """The first wrongs, each in a line."""

    @property
    def is_good(self) -> bool:
        return not any(self.wrongs.values())


WRONGS: Final = (
    "lost", "invented", "wrong payload", "wrong user", "mixed", "out of order", "rejected", "erased but delivered",
    "ledger",
)  # fmt: skip


class Oracle:
    """Told of every answer by the driver and of every call by the service."""

    def __init__(self, visits: Visits, *, clock_slack_s: int = 0) -> None:
        """Begin with nothing.

        Args:
            visits: What may be sent.
            clock_slack_s: How far the relay's clock is stepped in this run, at most.
        """
        self._visits = visits
        self._clock_slack_s = clock_slack_s
        self._by_number: dict[int, _Log] = {}
        self._by_session: dict[str, _Log] = {}
        self.answered = 0
        """Events answered with 202, each counted once."""
        self._hopeless = 0
        """Obligations that will never arrive, being refused or erased; about."""
        self.delivered = 0
        """Events that arrived, each counted once."""
        self.repeats = 0
        self.repeats_after_success = 0
        """Repeats of events whose earlier call had been answered with a plain success."""
        self._wrongs: Counter[str] = Counter()
        self._stories: list[str] = []
        self._pauses: list[tuple[int, int]] = []

    def paused(self, stopped_ms: int, went_on_ms: int) -> None:
        """A relay stood still in between, and a call of it with it."""
        self._pauses.append((stopped_ms, went_on_ms))

    # ── told by the driver ──────────────────────────────────────────────────────────────────────────────────

    def begin(self, visit: Visit) -> None:
        """A visit begins."""
        log = self._by_number[visit.number] = _Log(visit)
        if not visit.is_second:
            log.session_id = visit.page_session_id
            self._by_session[log.session_id] = log

    def posts(self, visit: Visit, count: int, now_ms: int, *, token: bool, turn: int) -> None:
        """The next `count` events of a visit are about to be sent for the first time.

        Args:
            visit: Whose.
            count: Events of the beacon.
            now_ms: When they happened.
            token: Whether the identity token goes along.
            turn: Above that of all beacons that were answered before; the same as that of those under way.
        """
        log = self._by_number[visit.number]
        log.turns.extend([turn] * count)
        log.first_of.extend([log.issued] * count)
        log.issued += count
        log.obliged.extend(bytes(count))
        log.delivered.extend(bytes(count))
        log.born_ms.extend([now_ms] * count)
        log.showed_token |= token

    def answered_202(
        self, visit: Visit, first: int, count: int, answer: dict[str, Any], *, slowest_ms: int, logged_in: bool
    ) -> None:
        """A beacon was answered: events `first` to `first + count - 1` are obligations now.

        Args:
            visit: Whose.
            first: Number of the first event.
            count: Events of the beacon.
            answer: The body of the answer.
            slowest_ms: How long its slowest try took.
            logged_in: Whether it carried the identity token.
        """
        log = self._by_number[visit.number]
        log.slowest_ms = max(log.slowest_ms, slowest_ms)
        rejected = answer["rejected"]
        others = [one for one in rejected if one["reason"] != "duplicate"]
        if others or answer["accepted"] + len(rejected) != count:
            self._wrong("rejected", f"visit {visit.number} events {first}+{count}: {answer}")
        for number in range(first, first + count):
            if not log.obliged[number]:
                self.answered += 1
                self._hopeless += self._visits.is_refused(visit.number, number)
            log.obliged[number] = 1
        if logged_in and answer["identity"] in {"ok", "conflict"} and log.bound_from is None:
            # With a clock that is stepped, an earlier try may have been taken without its user.
            log.bound_from = first + count if self._clock_slack_s else first

    def forgets(self, visit: Visit) -> None:
        """The erasure of the visit's user is about to be asked for."""
        self._by_number[visit.number].forgets = True

    def erased(self, visit: Visit, now_ms: int) -> None:
        """The erasure of the visit's user was answered."""
        log = self._by_number[visit.number]
        log.erased_ms = now_ms
        self._hopeless += sum(map(lambda owed, here: owed and not here, log.obliged, log.delivered))

    # ── told by the service ─────────────────────────────────────────────────────────────────────────────────

    def took(self, call: dict[str, Any], time_ms: int) -> None:
        """The service acted on a PutEvents call of this line of `/_emulator/calls`, whatever it then answered."""
        body = call["body"]
        log = self._by_session.get(body["sessionId"]) or self._second(body)
        if log is None:
            self._wrong("invented", f"session {body['sessionId']!r}")
            return
        plain = call.get("fault") is None and call["status"] == 200
        for event in body["eventList"]:
            self._took_event(log, event, body.get("userId"), time_ms, plain=plain)

    def _second(self, body: dict[str, Any]) -> _Log | None:
        """A second user's visit, seen for the first time."""
        log = self._by_number.get(_parse(body["eventList"][0].get("eventId", ""))[0])
        if log is None or log.session_id is not None:
            return None
        log.session_id = body["sessionId"]
        self._by_session[log.session_id] = log
        return log

    def _took_event(self, log: _Log, event: dict[str, Any], user_id: str | None, time_ms: int, *, plain: bool) -> None:
        owner, number = _parse(event.get("eventId", ""))
        here = f"visit {log.visit.number} event {event.get('eventId')}"
        if owner != log.visit.number or not 0 <= number < log.issued:
            foreign = owner in self._by_number and 0 <= number < self._by_number[owner].issued
            self._wrong("mixed" if foreign else "invented", here)
            return
        sent = self._visits.event(owner, number)
        if not same_payload(sent, event) or not self._is_dated(log, number, event.get("sentAt")):
            self._wrong("wrong payload", f"{here}: sent {sent} at {log.born_ms[number]}, arrived {event}")
        strays = log.forgets and not log.obliged[number]
        self._check_user(log, number, user_id, here, strays=strays)
        if log.erased_ms is not None and not (strays and user_id is None) and self._is_late_for(log.erased_ms, time_ms):
            self._wrong("erased but delivered", f"{here}, {time_ms - log.erased_ms} ms later")
        if log.delivered[number]:
            self.repeats += 1
            self.repeats_after_success += log.delivered[number] == _PLAINLY
            return
        log.delivered[number] = _PLAINLY if plain else _SOMEHOW
        self.delivered += 1
        turn, beacon = log.turns[number], log.first_of[number]
        if turn < log.turn or number < log.newest.get(beacon, number):
            log.late.append(number)
        log.turn = max(log.turn, turn)
        log.newest[beacon] = max(log.newest.get(beacon, number), number)

    def _check_user(self, log: _Log, number: int, user_id: str | None, here: str, *, strays: bool) -> None:
        """Whether the user may be on it.

        An event that strays is of a beacon whose page gave it up: a relay that stood still takes it after the erasure,
        and then it is nobody's.
        """
        certain = log.bound_from is not None and number >= log.bound_from
        allowed: set[str | None] = {log.visit.user_id} if certain else {None}
        if strays:
            allowed.add(None)
        if not certain and log.showed_token:
            allowed.add(log.visit.user_id)
        if user_id not in allowed:
            self._wrong("wrong user", f"{here}: {user_id!r} is not of {allowed}")

    def _is_late_for(self, erased_ms: int, time_ms: int) -> bool:
        """Whether a call that the service got at a time was not under way when a user had been erased."""
        if time_ms <= erased_ms + ERASURE_GRACE_MS:
            return False
        return not any(
            stopped_ms <= erased_ms + ERASURE_GRACE_MS and time_ms <= went_on_ms + ERASURE_GRACE_MS
            for stopped_ms, went_on_ms in self._pauses
        )

    def _is_dated(self, log: _Log, number: int, sent_at: object) -> bool:
        born_s = log.born_ms[number] / 1000
        slack_s = self._clock_slack_s
        # While a post has not been answered, how slow it was is not known yet; a minute is more than any takes.
        slow_s = log.slowest_ms / 1000 if log.obliged[number] else 60
        return isinstance(sent_at, int) and born_s - 1 - slack_s <= sent_at <= born_s + slow_s + 1 + slack_s

    # ── asked by everybody ──────────────────────────────────────────────────────────────────────────────────

    def undelivered(self) -> int:
        """Obligations that have still to arrive; about, and quick."""
        return max(0, self.answered - self.delivered - self._hopeless)

    def ledger_wrong(self, story: str) -> None:
        """The relay's own figures do not add up."""
        self._wrong("ledger", story)

    def verdict(self, buried: Iterable[tuple[str, str, str]], *, damaged: int = 0) -> Verdict:
        """Judge, at a quiet moment.

        Args:
            buried: Session id, event id and reason of each record the relay has buried.
            damaged: Records the relay reports as damaged. So many obligations are missing, no more and no fewer:
                to be given only if every event it stored was also answered.
        """
        reasons = {event_id: (session_id, reason) for session_id, event_id, reason in buried}
        found = Verdict(answered=self.answered, delivered=self.delivered, repeats=self.repeats)
        wrongs, stories = Counter(self._wrongs), list(self._stories)
        for log in self._by_number.values():
            for number in log.late:
                if log.obliged[number]:
                    wrongs["out of order"] += 1
                    stories.append(f"out of order: visit {log.visit.number} event {number}")
            for number in range(log.issued):
                if log.obliged[number] and not log.delivered[number]:
                    self._account(log, number, reasons, found)
        found.damaged = min(len(found.missing), damaged)
        if found.damaged < damaged:
            wrongs["ledger"] += 1
            stories.append(f"ledger: {damaged} records reported as damaged, {len(found.missing)} missing")
        wrongs["lost"] += len(found.missing) - found.damaged
        found.wrongs = Counter({name: wrongs[name] for name in WRONGS})
        found.stories = (stories + found.missing if wrongs["lost"] else stories)[:_MOST_STORIES]
        return found

    def _account(self, log: _Log, number: int, reasons: Mapping[str, tuple[str, str]], found: Verdict) -> None:
        """What became of an obligation that has not arrived."""
        event_id = self._visits.event(log.visit.number, number)["eventId"]
        session_id, reason = reasons.get(event_id, ("", ""))
        if log.erased_ms is not None:
            found.erased += 1
        elif (
            reason == "InvalidInputException"
            and session_id == (log.session_id or session_id)
            and self._visits.is_refused(log.visit.number, number)
        ):
            found.buried += 1
        else:
            found.missing.append(f"lost: visit {log.visit.number} event {number} ({event_id}), buried for {reason!r}")

    def _wrong(self, kind: str, story: str) -> None:
        self._wrongs[kind] += 1
        if len(self._stories) < _MOST_STORIES:
            self._stories.append(f"{kind}: {story}")


def _parse(event_id: str) -> tuple[int, int]:
    parts = event_id.split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) == 3 and parts[0].isdigit() and parts[1].isdigit() else (-1, -1)
