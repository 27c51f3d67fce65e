"""What a spool file holds of one session or one user, found beside a relay at work."""

import threading
from pathlib import Path, PosixPath

import pytest

from relay.core.clock import SystemClock
from relay.core.model import Operation
from relay.spool.administration import Place
from relay.spool.sqlite.admin import finding
from relay.spool.sqlite.admin.administration import SqliteAdministration
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import MAX_BYTES
from tests.spool.leases import burial, lease_all, pieces
from tests.support.records import SESSION, beacon, key, new_record, single


class SeenPath(PosixPath):
    """Knows the threads that asked whether it is there, as all who read it do first."""

    threads: set[int]

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        self.threads.add(threading.get_ident())
        return super().exists()


def administration(path: Path) -> SqliteAdministration:
    return SqliteAdministration(path, clock=SystemClock())


async def found(path: Path, place: Place, **whom: str) -> list[str]:
    return [one.event_id async for some in administration(path).events_of(place, **whom) for one in some]


@pytest.mark.parametrize("at_once", [1, 2, 20_000])
async def test_events_of_a_session_are_found_in_steps_of_whatever_length(
    path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(finding, "LOOKED_AT_ONCE", at_once)
    monkeypatch.setattr(finding, "_GIVEN_AT_ONCE", at_once)
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=MAX_BYTES) as spool:
        for number in range(6):
            spool.append([beacon(f"a{number}", f"b{number}")])
            spool.append([new_record(f"other{number}", f"session-{number:012}", user_id="anna")])
        spool.append([single(key(operation=Operation.PUT_ITEMS), None, "item", b"{}")])
        await spool.append([new_record("elsewhere", target="tracker-2", user_id="anna")])
        assert await found(path, "pending", session_id=SESSION) == [
            *(f"{name}{number}" for number in range(6) for name in "ab"),
            "elsewhere",
        ]
        assert await found(path, "pending", user_id="anna") == [*(f"other{number}" for number in range(6)), "elsewhere"]
        assert await found(path, "pending", session_id="nobody-knows-this-one") == []
        assert await found(path, "buried", session_id=SESSION) == []
        for lease in await lease_all(spool):
            spool.settle(lease, buried=[burial(piece) for piece in pieces(lease)])
        await spool.work(lambda _: None)  # on disk
        left = await found(path, "pending", session_id=SESSION)
        assert len(left) == 2, "ten at once"
        assert sorted(left + await found(path, "buried", session_id=SESSION)) == [
            *(f"{name}{number}" for name in "ab" for number in range(6)),
            "elsewhere",
        ]
        assert sorted(await found(path, "buried", user_id="anna")) == [
            "elsewhere",
            *(f"other{number}" for number in range(6)),
        ]


async def test_the_event_loop_is_not_where_it_is_read(path: Path) -> None:
    seen = SeenPath(path)
    seen.threads = set()
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=MAX_BYTES) as spool:
        await spool.append([new_record("a", user_id="anna")])
        places: tuple[Place, ...] = ("pending", "buried")
        for place in places:
            assert await found(seen, place, session_id=SESSION) == (["a"] if place == "pending" else [])
        assert await administration(seen).sessions_of("anna") == []
    assert seen.threads
    assert threading.get_ident() not in seen.threads
