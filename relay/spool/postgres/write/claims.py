"""Whose sessions these are: the database knows. The first user is written once, and everybody else learns who."""

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import KEPT_MS, Binding, Operation, SessionKey
from relay.spool.postgres.link import DatabaseAwayError, DatabaseLink
from relay.spool.postgres.rows import erased_key, text, untext
from relay.spool.postgres.statements import statement
from relay.spool.schedule.fingerprint import fingerprint

GIVE_UP_S: Final = 5.0
_AT_ONCE: Final = 1_000
_AGAIN_S: Final = 0.1


class Claims(Background):
    """Asks for all bindings of a moment at once. Each answer is on disk before it is given."""

    def __init__(self, connection: DatabaseLink, *, salt: bytes, clock: Clock) -> None:
        self._connection = connection
        self._salt = salt
        self._clock = clock
        self._asked: list[tuple[Binding, asyncio.Future[Binding | None], float]] = []
        self._bell = asyncio.Event()

    def ask(self, binding: Binding) -> "asyncio.Future[Binding | None]":
        """Bind a session, unless it is somebody else's; the binding there is then. None: its user was erased.

        Raises, when awaited:
            SpoolError: the database is away.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Binding | None] = loop.create_future()
        self._asked.append((binding, answer, loop.time()))
        self._bell.set()
        return answer

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            await asyncio.sleep(0)  # whoever is about to ask comes along
            some, self._asked = self._asked[:_AT_ONCE], self._asked[_AT_ONCE:]
            if not some:
                self._bell.clear()
                continue
            try:
                found = await self._bind([binding for binding, _, _ in some], some[0][2])
            except SpoolError as error:
                for _, answer, _ in some:
                    if not answer.done():
                        answer.set_exception(error)
                        answer.exception()  # whoever gave up waiting does not miss it
                continue
            for binding, answer, _ in some:
                if not answer.done():
                    answer.set_result(found.get(session_of(binding, self._salt)))

    async def _bind(self, bindings: list[Binding], asked_s: float) -> dict[int, Binding]:
        now_ms = self._clock.now_ms()
        arguments = claim_arguments(bindings, self._salt, now_ms)
        while True:
            try:
                rows = await self._connection.fetch(statement("claim"), *arguments)
            except DatabaseAwayError:
                if asyncio.get_running_loop().time() - asked_s > GIVE_UP_S:
                    raise
                await asyncio.sleep(_AGAIN_S)
            else:
                break
        return {row["session"]: binding_of(row) for row in rows}


def session_of(binding: Binding, salt: bytes) -> int:
    """What stands for the session in the database."""
    return fingerprint(SessionKey(Operation.PUT_EVENTS, binding.target, binding.session_id), salt)


def claim_arguments(bindings: Sequence[Binding], salt: bytes, now_ms: int) -> tuple[object, ...]:
    """Of `claim.sql`."""
    return (
        [session_of(one, salt) for one in bindings],
        [text(one.target) for one in bindings],
        [text(one.session_id) for one in bindings],
        [None if one.page_session is None else text(one.page_session) for one in bindings],
        [text(one.user_id) for one in bindings],
        [erased_key(one.user_id) for one in bindings],
        [one.expires_at_ms for one in bindings],
        KEPT_MS,
        now_ms,
    )


def binding_of(row: asyncpg.Record) -> Binding:
    """A row of `bindings`."""
    page = row["page_session"]
    return Binding(
        untext(row["target"]), untext(row["session_id"]), untext(row["user_id"]), row["expires_at_ms"],
        None if page is None else untext(page),
    )  # fmt: skip
