"""What a connection, who answers its requests, and the server ask of each other."""

import asyncio
from typing import Protocol

from relay.web.listener.request import Request
from relay.web.listener.turns import Turns
from relay.web.routes.answer import Refusal


class Exchange(Protocol):
    """One request being answered; the way there is its own."""

    def begin(self) -> None:
        """The head is there."""
        ...

    def body_came(self) -> None:
        """More of the body is in the request, or all of it."""
        ...

    def may_write(self) -> None:
        """The client takes again what it is sent."""
        ...

    def gone(self) -> None:
        """Nobody waits for the answer any longer."""
        ...

    def is_streaming(self) -> bool:
        """Whether an answer has begun that has no end yet."""
        ...

    def cut_short(self) -> None:
        """The rest of the body never comes, but the client still listens."""
        ...

    def give_up(self) -> None:
        """Wait for nobody any longer; an answer may still be given."""
        ...

    def too_slow(self, over_s: float) -> None:
        """The body is so late."""
        ...


class Line(Protocol):
    """A connection, as who answers on it sees it."""

    peer: str | None
    """The address at the other end."""
    local: tuple[str, int] | None
    """Of this end: address and port."""

    def date(self) -> bytes:
        """The header line that tells it."""
        ...

    def ends(self, request: Request) -> bool:
        """Whether nothing can be asked behind this request."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes, if anybody is there."""
        ...

    def writable(self) -> bool:
        """Whether the client takes what it is sent."""
        ...

    def take_body(self, request: Request) -> bytes:
        """What has come of the body and was not taken yet."""
        ...

    def answered(self, *, close: bool) -> None:
        """The answer is complete."""
        ...

    def hang_up(self) -> None:
        """End the connection at once, whatever was said."""
        ...


class Client(Line, Protocol):
    """A connection, as the server sees it."""

    since_s: float
    """When began what we wait for."""

    def patience(self) -> int:
        """0: it owes a request; 1: it has none; 2: it is being answered, and never has to go."""
        ...

    def check(self, now_s: float) -> None:
        """Whether it is late with anything; then it ends."""
        ...

    def finish(self) -> None:
        """No further request is taken."""
        ...

    def give_up(self) -> None:
        """The request, if there is one, is not waited for."""
        ...

    def turn_away(self, refusal: Refusal) -> None:
        """There is no room."""
        ...


class Host(Protocol):
    """The server, as a connection sees it."""

    loop: asyncio.AbstractEventLoop
    date: bytes
    """The header line that tells it."""
    stopping: bool
    """Whether every answer is the last of its connection."""
    turns: Turns
    """For bytes that have to wait."""

    def network(self, client: "Client") -> object:
        """Who shares its turns: the network it comes from, or itself where that speaks for many."""
        ...

    def opened(self, client: Client) -> None:
        """A client connected."""
        ...

    def closed(self, client: Client) -> None:
        """It is gone."""
        ...

    def exchange(self, line: Line, request: Request, fields: dict[bytes, bytes]) -> Exchange:
        """Who answers this request.

        Raises:
            Refusal: nobody.
        """
        ...
