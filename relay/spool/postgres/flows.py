"""Operations and targets, by number: written once, instead of in every record."""

from relay.core.model import Operation, SessionKey
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.rows import text, untext
from relay.spool.postgres.statements import statement


class Flows:
    """What this relay knows of them. They are only ever added."""

    def __init__(self) -> None:
        self._number: dict[tuple[Operation, str], int] = {}
        self._name: dict[int, tuple[Operation, str]] = {}

    @property
    def names(self) -> list[tuple[Operation, str]]:
        """All that are known."""
        return list(self._number)

    def target(self, flow: int) -> str | None:
        """Of a number, if it is known."""
        name = self._name.get(flow)
        return None if name is None else name[1]

    async def load(self, connection: DatabaseLink) -> None:
        """Learn all there are."""
        for row in await connection.fetch(statement("flows")):
            self._learn((Operation(row["operation"]), untext(row["target"])), row["flow"])

    def known(self, key: SessionKey) -> int | None:
        """The number of a session's, if this relay has met it before."""
        return self._number.get((key.operation, key.target))

    async def number(self, key: SessionKey, connection: DatabaseLink) -> int:
        """The number of a session's; a new one, if nobody has met it before."""
        if (found := self.known(key)) is not None:
            return found
        name = (key.operation, key.target)
        while not (rows := await connection.fetch(statement("new_flow"), str(key.operation), text(key.target))):
            pass  # somebody else has just written it: the next look sees it
        self._learn(name, rows[0]["flow"])
        return self._number[name]

    def _learn(self, name: tuple[Operation, str], flow: int) -> None:
        self._number[name] = flow
        self._name[flow] = name
