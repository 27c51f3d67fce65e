"""The connection to a real PostgreSQL that wants TLS and a password."""

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from relay.core.errors import SpoolError
from relay.spool.postgres import link
from relay.spool.postgres.link import DatabaseAwayError, Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.postgres.totals import Totals
from tests.spool.conftest import MAX_BYTES, OpenPostgres
from tests.spool.leases import deliver_all
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster, running_cluster
from tests.support.records import new_record
from tests.support.relay import until
from tests.support.tcp_proxy import tcp_proxy

RULES = """
hostnossl all careful all reject
hostssl all careful all scram-sha-256
"""


ENCRYPTED = """
SELECT bool_and(ssl), count(*) > 3 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'careful'
"""


class Careful(NamedTuple):
    """A cluster in which the role `careful` has a password and comes by TLS."""

    cluster: Cluster
    authority: Path
    """Who signed the server's certificate, for 127.0.0.1."""

    def url(self, **options: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://careful@127.0.0.1:{self.cluster.port}/relay?{query}"

    def change_password(self, password: str) -> None:
        self.cluster.sql(f"ALTER ROLE careful PASSWORD '{password}'")


@pytest.fixture(scope="module")
def careful() -> Iterator[Careful]:
    with tempfile.TemporaryDirectory(prefix="relay-postgres-") as name:
        try:
            made = running_cluster(Path(name) / "cluster")
        except LookupError as why:
            pytest.skip(str(why))  # no PostgreSQL can be had here: it says which program is missing
        with made as cluster:
            authority = certify(Path(name))
            for file, key in (("server.crt", 0o644), ("server.key", 0o600)):
                cluster.put(Path(name) / file, mode=key)
            rules = cluster.data / "pg_hba.conf"
            rules.write_text(RULES + rules.read_text())
            cluster.sql("CREATE ROLE careful LOGIN")
            cluster.sql("GRANT CREATE ON DATABASE relay TO careful")
            cluster.sql("ALTER SYSTEM SET ssl = on")
            cluster.stop()
            cluster.start()
            yield Careful(cluster, authority)


def certify(folder: Path) -> Path:
    """A certificate for 127.0.0.1, signed by an authority of its own."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj")
    openssl(*new, "/CN=authority", "-x509", "-days", "2", "-keyout", "authority.key", "-out", "authority.crt")
    openssl(*new, "/CN=database", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "authority.crt", "-CAkey", "authority.key", "-days", "2",
        "-extfile", "names", "-out", "server.crt",
    )  # fmt: skip
    return folder / "authority.crt"


async def ask(server: Server) -> str:
    link = server.connection("test")
    try:
        (row,) = await link.fetch("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return str(row["version"])
    finally:
        await link.close()


async def test_a_spool_works_when_all_of_it_is_encrypted_and_the_server_is_who_it_says(
    careful: Careful, clock: FakeClock
) -> None:
    careful.cluster.sql("DROP SCHEMA IF EXISTS relay CASCADE")
    careful.change_password("s3cret")
    server = Server(careful.url(sslmode="verify-full", sslrootcert=str(careful.authority)), "s3cret")
    async with PostgresSpool(server, clock=clock, max_bytes=MAX_BYTES) as spool:
        await spool.append([new_record("e0"), new_record("e1")])
        assert await deliver_all(spool) == ["e0", "e1"]
        assert careful.cluster.sql(ENCRYPTED) == "t|t", "every connection is"


async def test_a_server_that_somebody_else_vouches_for_gets_no_password(careful: Careful, tmp_path: Path) -> None:
    stranger = certify(tmp_path)
    asked = 0

    async def password() -> str:
        nonlocal asked
        asked += 1
        return "s3cret"

    with pytest.raises(DatabaseAwayError, match="CERTIFICATE_VERIFY_FAILED"):
        await ask(Server(careful.url(sslmode="verify-ca", sslrootcert=str(stranger)), password))


async def test_a_certificate_for_another_name_is_refused_only_where_the_name_is_asked_for(careful: Careful) -> None:
    careful.change_password("s3cret")

    def by_name(mode: str) -> Server:
        url = careful.url(sslmode=mode, sslrootcert=str(careful.authority)).replace("127.0.0.1", "localhost")
        return Server(url, "s3cret")

    assert (await ask(by_name("verify-ca"))).startswith("TLS")
    with pytest.raises(DatabaseAwayError, match="localhost"):
        await ask(by_name("verify-full"))


async def test_a_password_that_changes_is_asked_for_at_every_connection(careful: Careful) -> None:
    number = 0

    async def password() -> str:
        nonlocal number
        number += 1
        careful.change_password(f"token-{number}")  # as a token that is good for one connection
        return f"token-{number}"

    server = Server(careful.url(sslmode="require"), password)
    link = server.connection("test")
    for expected in (1, 2, 3):
        await link.fetch("SELECT 1")
        await link.fetch("SELECT 1")
        assert number == expected
        link.throw_away()
    with pytest.raises(DatabaseAwayError, match="password authentication failed"):
        await ask(Server(careful.url(sslmode="require"), "token-1"))
    with pytest.raises(DatabaseAwayError, match=r"pg_hba.conf rejects"):
        await ask(Server(careful.url(sslmode="disable"), "token-3"))


async def test_a_password_that_cannot_be_had_now_is_waited_for_as_a_database_is(careful: Careful) -> None:
    async def password() -> str:
        raise SpoolError("no token") from RuntimeError("no credentials")

    with pytest.raises(DatabaseAwayError, match="RuntimeError: no credentials"):
        await ask(Server(careful.url(sslmode="require"), password))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sslmode": "verify-full", "sslrootcert": "/no/such/file"}, "/no/such/file"),
        ({"sslmode": "sometimes"}, "sslmode"),
    ],
)
async def test_a_url_that_can_never_work_is_said_at_once(careful: Careful, options: dict[str, str], words: str) -> None:
    with pytest.raises(SpoolError, match=words) as caught:
        await ask(Server(careful.url(**options), "s3cret"))
    assert not isinstance(caught.value, DatabaseAwayError), "a relay does not wait for it"


async def test_who_was_sent_away_and_does_not_know_it_yet_comes_back(cluster: Cluster) -> None:
    async with tcp_proxy(cluster.port) as wire:
        link = Server(f"postgresql://relay@127.0.0.1:{wire.port}/relay").connection("sent away")
        await link.fetch("SELECT 1")
        wire.keep_quiet()
        cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sent away'")
        await until(lambda: wire.ended > 0)
        with pytest.raises(DatabaseAwayError):
            await link.fetch("SELECT 1")
        assert [row["one"] for row in await link.fetch("SELECT 1 AS one")] == [1]
        await link.close()


async def test_a_part_that_ends_by_a_fault_of_ours_is_not_gone_without_a_word(
    open_postgres: OpenPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_postgres() as spool:
        broken = asyncio.create_task(spool.until_broken())
        monkeypatch.setattr(Totals, "measure", lambda *_: 1 // 0)
        assert "Lookout has ended: ZeroDivisionError" in await asyncio.wait_for(broken, 30)


@pytest.mark.parametrize("pooled", [False, True])
async def test_who_holds_locks_and_says_nothing_holds_nobody_up_for_long(
    database: str, open_postgres: OpenPostgres, monkeypatch: pytest.MonkeyPatch, *, pooled: bool
) -> None:
    """A relay that is stopped, or cut off from the database, in the middle of a transaction."""
    monkeypatch.setattr(link, "SILENT_S", 1.0)
    async with open_postgres() as spool:
        silent = Server(database, pooled=pooled).connection("silent")

        async def hold() -> None:
            async with silent.transaction() as raw:
                await raw.execute("LOCK TABLE relay.records_0 IN ACCESS EXCLUSIVE MODE")
                assert not await spool.append([new_record("e1")])
                await raw.fetch("SELECT")

        with pytest.raises(DatabaseAwayError):
            await hold()
        assert await silent.fetch("SELECT 1"), "it is let in again"
        await silent.close()
        assert await deliver_all(spool) == ["e1"]
