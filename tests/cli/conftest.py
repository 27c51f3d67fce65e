"""Spools for the commands."""

from pathlib import Path

import pytest

from tests.cli.filled_spool import fill
from tests.support.records import new_record


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A spool nobody has open: e0 delivered, e1 and e2 buried, e3 pending."""
    path = tmp_path / "spool.db"
    await fill(path, [new_record(f"e{number}", user_id="anna") for number in range(4)], buried=(1, 2))
    return path
