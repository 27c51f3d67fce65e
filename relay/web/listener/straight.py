"""A beacon's way past ASGI: collected here, answered by the same object that answers it as an application."""

import asyncio
from typing import NamedTuple

from relay.web.listener.exchange import Line
from relay.web.listener.head_bytes import CONTINUE, whole_answer
from relay.web.listener.request import Request, closes
from relay.web.routes.answer import Answered
from relay.web.routes.beacons import BeaconAnswer, BeaconEndpoint
from relay.web.routes.edge import Edge
from relay.web.routes.request_body import too_slow


class Straight(NamedTuple):
    """Which requests go straight: a POST to this very target."""

    target: bytes
    endpoint: BeaconEndpoint


class StraightExchange:
    """One beacon on a connection. No rule lives here: `BeaconAnswer` has them, whichever way a beacon comes."""

    __slots__ = ("_answer", "_at_once", "_held", "_line", "_request", "_wanted")

    def __init__(
        self, line: Line, request: Request, fields: dict[bytes, bytes], *, edge: Edge, endpoint: BeaconEndpoint
    ) -> None:
        self._line = line
        self._request = request
        self._wanted = True
        self._at_once = request.expects_continue
        self._held: Answered | None = None
        self._answer = BeaconAnswer(endpoint, edge, fields, line.peer, self._tell)

    def begin(self) -> None:
        """The head is there: is the body wanted?"""
        if self._answer.wants_body("POST") and self._request.expects_continue:
            asyncio.get_running_loop().call_soon(self._go_on)  # once it is known whether the body came along

    def _go_on(self) -> None:
        if self._wanted and not (self._request.body or self._request.whole):
            self._line.write(CONTINUE)

    def body_came(self) -> None:
        """More of the body is there, or all of it."""
        request = self._request
        if not self._wanted:
            request.body = b""
            if request.whole and self._held is not None:
                self._say(self._held)
        elif request.whole:
            self._answer.take(bytes(request.body))
        else:
            self._at_once = not self._answer.has_room_for(len(request.body)) or self._at_once

    def may_write(self) -> None:
        """Nothing waits for that."""

    def gone(self) -> None:
        """Nobody waits for the answer; what is on its way to the disk gets there."""
        self._wanted = False
        self._answer.abandon()

    def is_streaming(self) -> bool:
        """Never: it is one piece."""
        return False

    def cut_short(self) -> None:
        """The rest of the body never comes; what was to be said behind it is said now."""
        if self._held is not None:
            self._say(self._held)
        else:
            self.gone()
            self._line.answered(close=True)

    def give_up(self) -> None:
        """The relay goes down; a 503 says so."""
        self._at_once = True
        self._answer.give_up()

    def too_slow(self, over_s: float) -> None:
        """The body is late."""
        self._at_once = True
        if self._held is not None:
            self._say(self._held)
        else:
            self._answer.fail(too_slow())

    def _tell(self, answered: Answered) -> None:
        self._wanted = False
        # A small body that is not wanted is read to its end, so that the connection can be used again.
        if self._request.whole or self._at_once or answered.status == 413:
            self._say(answered)
        else:
            self._held = answered

    def _say(self, answered: Answered) -> None:
        self._held = None
        close = self._line.ends(self._request) or closes(answered.headers)
        self._line.write(whole_answer(answered.status, answered.body, answered.headers, self._line.date(), close=close))
        self._line.answered(close=close)
