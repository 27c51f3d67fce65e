"""What another process (the command line) asks a running relay to do with its spool, and the answer.

Only the relay writes to the spool; the other process leaves one row in `orders` and waits for its answer.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from relay.spool.sqlite.write.database import Database

POLL_S: Final = 0.25
"""How often a relay looks for commands."""


class Replay(msgspec.Struct, frozen=True, tag=True):
    """Let buried events wait again; None: all."""

    numbers: Sequence[int] | None


class Discard(msgspec.Struct, frozen=True, tag=True):
    """Forget buried events."""

    numbers: Sequence[int]


class Erase(msgspec.Struct, frozen=True, tag=True):
    """Forget a user or a session."""

    user_id: str | None = None
    session_id: str | None = None


class DiscardWaiting(msgspec.Struct, frozen=True, tag=True):
    """Forget what waits for a target."""

    target: str


Command = Replay | Discard | Erase | DiscardWaiting


class CommandAnswer(msgspec.Struct, frozen=True):
    """What came of a command."""

    count: int = 0
    """Events it concerned."""
    error: str | None = None


_commands: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)
_answers: Final = msgspec.json.Decoder(CommandAnswer)


def leave(sql: sqlite3.Connection, command: Command) -> int:
    """Ask; the number of the command."""
    number = sql.execute("INSERT INTO orders (asked) VALUES (?)", (msgspec.json.encode(command).decode(),)).lastrowid
    return number or 0


def answer_to(sql: sqlite3.Connection, number: int) -> CommandAnswer | None:
    """The answer, once there is one."""
    row = sql.execute("SELECT answer FROM orders WHERE id = ? AND answer IS NOT NULL", (number,)).fetchone()
    return None if row is None else _answers.decode(row[0])


def take_back(sql: sqlite3.Connection, number: int) -> None:
    """The command is answered, or no longer wanted."""
    sql.execute("DELETE FROM orders WHERE id = ?", (number,))


def next_command(sql: sqlite3.Connection) -> tuple[int, Command | None] | None:
    """The oldest command without an answer; its text None if it makes no sense."""
    row = sql.execute("SELECT id, asked FROM orders WHERE answer IS NULL ORDER BY id LIMIT 1").fetchone()
    if row is None:
        return None
    try:
        return row[0], _commands.decode(row[1])
    except msgspec.DecodeError:
        return row[0], None


def answer(database: Database, number: int, given: CommandAnswer) -> None:
    """Inside a job: answer a command, and forget answers long given."""
    database.sql.execute("UPDATE orders SET answer = ? WHERE id = ?", (msgspec.json.encode(given).decode(), number))
    database.sql.execute("DELETE FROM orders WHERE answer IS NOT NULL AND id < ?", (number - 1000,))
