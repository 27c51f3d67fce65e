"""What answers say: keeps each session in the states that explain them, and each event with what may become of it."""

from dataclasses import dataclass, field
from math import inf
from typing import Any

from tests.identity.chance.cast import LONG_AGO_MS, Request
from tests.identity.chance.ledger import Ledger, Promised, Session, Span
from tests.identity.chance.rules import Outcome, Owned, Step, explain
from tests.identity.chance.stage_clock import StageClock


@dataclass(eq=False)
class Sending:
    """A request on its way, and what came of it."""

    request: Request
    events: list[Promised]
    lost: list[tuple[int, int]] = field(default_factory=list)
    """Tries without an answer: from when to when."""
    from_ms: int = 0
    to_ms: int = 0
    status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)


class Reckoning:
    """Writes into the ledger what became of requests for one session that met."""

    def __init__(self, ledger: Ledger, clock: StageClock) -> None:
        self.ledger = ledger
        self._clock = clock

    def note(self, session: Session, sendings: list[Sending]) -> None:
        ledger, span = self.ledger, self._span(sendings)
        steps: dict[Sending, list[Step]] = {}
        for one in sendings:
            user = one.request.user
            refused = set[bool]() if user is None else ledger.may_be_refused(user, span)
            if one.status == 403 and one.answer.get("error") == "erased" and True in refused and one.request.bearer:
                one.answer = {"accepted": 0, "rejected": [], "identity": None}
            elif one.status != 202:
                ledger.wrong("refused", f"{one.status} {one.answer} to {one.request}")
                return
            readings = one.request.readings(refused, outlived=self._outlived(one))
            steps[one] = (
                [Step(readings, one.from_ms, one.to_ms, one.answer["identity"])] if one.answer["identity"] else []
            )
            if one.lost:
                steps[one].append(Step(readings, one.lost[0][0], one.lost[-1][1], None))
            ledger.seen[one.answer["identity"] or "erased"] += 1
        every = [step for some in steps.values() for step in some]
        paths = explain(session.states, every, ledger.erased_during(session, span))
        if not paths:
            said = [
                (one.answer["identity"], one.request.user, one.request.word, one.from_ms, one.to_ms, one.lost)
                for one in sendings
            ]
            ledger.wrong("unexplained", f"{session.name} {session.states}: {said}")
            return
        outcomes = {step: {path.outcomes[step] for path in paths if step in path.outcomes} for step in every}
        is_login = any(step.word == "ok" for step in every)
        session.own({path.state for path in paths}, span, is_login=is_login)
        for step, found in outcomes.items():
            for outcome in found:
                if outcome.derived and outcome.user:
                    certain = step.word is not None and len(found) == 1
                    self._note_second(ledger.second(session, outcome.user), step, outcome.user, span, certain=certain)
        for one in sendings:
            self._note_events(one, steps, outcomes, span)
        for promised in {promised for one in sendings for promised in one.events}:
            if promised.answered_ms < inf and not promised.accepted:
                promised.accepted.append(span)  # by a try whose answer was lost

    def _note_second(self, second: Session, step: Step, user: str, span: Span, *, certain: bool) -> None:
        used = Owned(user, step.from_ms, step.to_ms)
        after = {used if one.user in (None, user) else one for one in second.states}
        if second.busy or not certain:
            after |= second.states
        second.own(self._after_erasures(second, after, span), span, is_login=certain)

    def _after_erasures(self, session: Session, states: set[Owned], span: Span) -> set[Owned]:
        """And what they are if an erasure of this time came after them."""
        gone = self.ledger.erased_during(session, span)
        return states | {Owned() for one in states if one.user in gone}

    def _note_events(
        self, sending: Sending, steps: dict[Sending, list[Step]], outcomes: dict[Step, set[Outcome]], span: Span
    ) -> None:
        ledger, answer = self.ledger, sending.answer
        rejected = {one["index"]: one for one in answer["rejected"]}
        if any(one["reason"] != "duplicate" for one in rejected.values()):
            ledger.wrong("rejected", str(answer))
        if answer["identity"] and answer["accepted"] + len(rejected) != len(sending.events):
            ledger.wrong("miscounted", str(answer))
        for index, promised in enumerate(sending.events):
            is_new = not promised.outcomes and not sending.lost
            holders = [one for one in steps if promised in one.events]
            accepted = bool(answer["identity"]) and index not in rejected
            if index in rejected and is_new and len(holders) == 1:
                ledger.wrong("a duplicate of nothing", f"{promised.event_id} {answer}")
            known = promised.answered_ms < inf
            if accepted:
                promised.accepted.append(span)
            if accepted and len(holders) == 1 and not known and not sending.lost:
                promised.outcomes = set(outcomes[steps[sending][0]])
                continue
            if sending.lost:  # each try may have been stored, if what an earlier one stored is forgotten by then
                promised.perhaps_again.append(span)
            if promised.accepted[1:] or promised.perhaps_again or not known:
                promised.outcomes |= {found for one in holders for step in steps[one] for found in outcomes[step]}
        for promised in sending.events if answer["identity"] else ():
            promised.answered_ms = min(promised.answered_ms, span.to_ms)

    def _outlived(self, sending: Sending) -> bool:
        """Whether a long break came between its tries: a token is not good for so long."""
        return bool(sending.lost) and sending.to_ms - sending.lost[0][0] > LONG_AGO_MS

    def _span(self, sendings: list[Sending]) -> Span:
        from_ms = min(one.lost[0][0] if one.lost else one.from_ms for one in sendings)
        to_ms = max(one.to_ms for one in sendings)
        return Span(self._clock.machine_ms(from_ms), self._clock.machine_ms(to_ms))
