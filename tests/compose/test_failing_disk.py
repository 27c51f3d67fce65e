"""One fsync fails: the relay says no, says why, and ends to be started again. EIO comes from strace."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.support.relay import ServedRelay, served_relay

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: scripts/install-test-tools"),
]


async def fail_next_fsync(relay: ServedRelay) -> asyncio.subprocess.Process:
    """Every thread's next fdatasync gets EIO, the one after succeeds."""
    strace = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-p", str(relay.process.pid), "-e", "trace=fdatasync,fsync", "-o", "/dev/null"),
        *("-e", "inject=fdatasync,fsync:error=EIO:when=1"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert strace.stderr is not None
    async with asyncio.timeout(20):
        assert b"attached" in await strace.stderr.readline()
    return strace


async def test_after_a_failed_fsync_the_relay_refuses_then_ends_with_code_1_and_the_next_start_has_everything(
    tmp_path: Path,
) -> None:
    async with served_relay(tmp_path, sink="jsonl:calls") as relay:
        assert (await relay.post(relay.beacon())).status_code == 202
        strace = await fail_next_fsync(relay)
        for _ in range(3):
            answer = await relay.post(relay.beacon())
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        assert (await relay.http.get(f"{relay.url}/readyz")).json()["reasons"] == ["spool_unwritable"]
        assert await relay.ended() == 1
        await strace.wait()
    said = (tmp_path / "stderr").read_text()
    assert "the spool is broken" in said
    assert "Traceback" not in said
    async with served_relay(tmp_path, sink="jsonl:calls") as relay:
        assert (await relay.post(relay.beacon())).status_code == 202
