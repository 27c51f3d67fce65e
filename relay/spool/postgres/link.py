"""One connection to the database that comes back by itself."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
import msgspec

from relay.core.errors import SpoolError

if TYPE_CHECKING:
    Raw = asyncpg.Connection[asyncpg.Record]
else:
    Raw = asyncpg.Connection

CONNECT_S: Final = 4.0
STATEMENT_S: Final = 10.0
"""No statement takes longer: it bounds how late an append under way may still commit."""
SILENT_S: Final = 5.0
"""Who holds locks and is silent for so long, a relay that was stopped or cut off, is sent away: others wait for it."""
_SILENT: Final = "idle_in_transaction_session_timeout"

AWAY: Final = (
    OSError,
    TimeoutError,
    ssl.SSLError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has said good-bye and the connection does not know it is closed yet
    asyncpg.PostgresConnectionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, starting up, took too long
    asyncpg.InsufficientResourcesError,  # too many connections, disk full, out of memory
    asyncpg.ReadOnlySQLTransactionError,  # a standby
    asyncpg.TransactionRollbackError,  # a deadlock
    asyncpg.ProtocolViolationError,  # a pooler that has no server
)
"""What says that the database cannot be had now, and perhaps later."""
_OF_DATA: Final = ("22", "23", "54")
"""Classes of SQLSTATE that say something about the data: no such value, a constraint, too large.
https://www.postgresql.org/docs/15/errcodes-appendix.html"""
_WAITS_FOR_STANDBY: Final = "SyncRepWaitForLSN"
"""The function of the server in which a commit waits for a synchronous standby. A warning that comes from it says that
the wait was ended, by an administrator's `pg_cancel_backend` for example: the commit is on this machine only."""

Password = str | Callable[[], Awaitable[str]] | None


class DatabaseAwayError(SpoolError):
    """The database cannot be reached."""

    def __init__(self, why: BaseException, *, sent: bool) -> None:
        super().__init__(f"the database cannot be reached: {type(why).__name__}: {why}".strip().rstrip(":"))
        self.sent = sent
        """Whether the statement may have reached it all the same, and be carried out."""


class DataRefusedError(SpoolError):
    """The database, or its driver, does not take what a statement is about; another one may do."""


class Server(msgspec.Struct, frozen=True):
    """Where the database is, and what stands before it."""

    url: str
    """As libpq has it, `sslmode` and friends included."""
    password: Password = None
    """Asked at every connection, for tokens that expire; None: from the URL, `PGPASSWORD` or a file."""
    pooled: bool = False
    """A pooler in transaction mode stands between: nothing of a session is relied upon. No prepared statements, no
    settings of the session, no LISTEN."""

    def connection(self, name: str, **settings: str) -> "DatabaseLink":
        """A connection, not yet opened.

        Args:
            name: Shown in `pg_stat_activity`.
            settings: Of the server's session, `synchronous_commit` for example; none through a pooler.
        """
        return DatabaseLink(self, name, settings)


class DatabaseLink:
    """Connects when something is asked of it; after a fault it is thrown away, and the next question connects anew.

    Questions of several tasks wait for each other. Nothing is relied upon between two of them (no temporary table, no
    lock), so that a pooler in transaction mode may stand between.
    """

    def __init__(self, server: Server, name: str, settings: dict[str, str]) -> None:
        self._server = server
        self._settings = {"application_name": name}
        if not server.pooled:
            self._settings |= {
                "statement_timeout": f"{STATEMENT_S:.0f}s",
                _SILENT: f"{SILENT_S:.0f}s",
                "jit": "off",
                "enable_seqscan": "off",
            } | settings
        self._connection: Raw | None = None
        self._alone: str | None = None
        """The server's words, if what was just committed may be on one machine only."""
        self._busy = asyncio.Lock()
        self.lost = 0
        """How often a connection was thrown away."""

    async def fetch(self, query: str, *arguments: object, timeout_s: float = STATEMENT_S) -> Sequence[asyncpg.Record]:
        """Rows of one statement, which commits by itself.

        Raises:
            DatabaseAwayError: there is no database now.
            DataRefusedError: the statement is refused for its data.
            SpoolError: the statement is refused.
        """
        async with self.using() as raw:
            return await raw.fetch(query, *arguments, timeout=timeout_s)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Raw]:
        """Several statements that happen or do not; raises as `fetch`."""
        async with self.using() as raw, raw.transaction():
            if self._server.pooled:
                await raw.execute(f"SET LOCAL {_SILENT} = '{SILENT_S:.0f}s'")
            yield raw

    async def open(self) -> Raw:
        """Connect, if it is not connected. Raises as `fetch`."""
        async with self.using() as raw:
            return raw

    @asynccontextmanager
    async def using(self) -> AsyncGenerator[Raw]:
        """The connection itself, for oneself; raises as `fetch`."""
        async with self._busy:
            raw = await self._opened()
            self._alone = None
            try:
                yield raw
                if self._alone:
                    raise asyncpg.OperatorInterventionError(self._alone)
            except AWAY as error:
                self.throw_away()
                raise DatabaseAwayError(error, sent=True) from error
            except asyncpg.PostgresError as error:
                raise _refusal(error) from error
            except asyncio.CancelledError:
                self.throw_away()  # between question and answer: the answer would be the next one's
                raise

    async def _opened(self) -> Raw:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self.throw_away()
        more: dict[str, Any] = {} if self._server.password is None else {"password": self._server.password}
        if self._server.pooled:
            more["statement_cache_size"] = 0
        try:
            async with asyncio.timeout(CONNECT_S):
                self._connection = await asyncpg.connect(
                    self._server.url, server_settings=self._settings, command_timeout=STATEMENT_S, **more
                )
        except asyncpg.ClientConfigurationError as error:
            raise SpoolError(f"the URL of the spool cannot be used: {error}") from error
        except SpoolError as error:  # of the password
            raise DatabaseAwayError(error.__cause__ or error, sent=False) from error
        except (*AWAY, asyncpg.PostgresError) as error:
            if isinstance(error, FileNotFoundError) and (missing := _missing_file(self._server.url)):
                raise SpoolError(f"the URL of the spool cannot be used: there is no file {missing}") from error
            raise DatabaseAwayError(error, sent=False) from error
        except ValueError as error:
            raise SpoolError(f"the URL of the spool cannot be used: {error}") from error
        self._connection.add_log_listener(self._hear)
        return self._connection

    def _hear(self, _connection: object, message: asyncpg.PostgresLogMessage) -> None:
        said = message.as_dict()
        if said.get("server_source_function") == _WAITS_FOR_STANDBY:
            self._alone = said["message"]

    def throw_away(self) -> None:
        """Whatever it was doing, at once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self.lost += 1
            connection.terminate()

    async def close(self) -> None:
        """Say good-bye, if anybody is there."""
        connection, self._connection = self._connection, None
        if connection is None or connection.is_closed():
            return
        try:
            await connection.close(timeout=1)
        except AWAY:
            connection.terminate()


def _refusal(error: asyncpg.PostgresError) -> SpoolError:
    """What goes to the log, so without what is in the row.

    The server leaves that to DETAIL; the driver, which raises the same classes, has it in its message.
    """
    words = error.args[0] if error.severity else "the driver cannot encode it"
    kind = DataRefusedError if str(error.sqlstate)[:2] in _OF_DATA else SpoolError
    return kind(f"the database refused: {type(error).__name__}: {words}")


def _missing_file(url: str) -> str | None:
    """Of the certificates a URL names; the error itself does not say which, and a socket may be missing as well."""
    options = parse_qs(urlsplit(url).query)
    named = [path for option in ("sslrootcert", "sslcert", "sslkey", "sslcrl") for path in options.get(option, ())]
    return next((path for path in named if not Path(path).exists()), None)
