"""What an earlier run settled is gone on with, and only that."""

from pathlib import Path

import msgspec
import pytest

from relay.personalize.errors import BadFileError
from relay.personalize.put.journal import Progress, load

FRESH = Progress(operation="PutItems", target="arn")


def test_a_state_of_another_target_is_not_gone_on_with(tmp_path: Path) -> None:
    state = tmp_path / "items.csv.put.json"
    state.write_bytes(msgspec.json.encode(Progress(operation="PutItems", target="other", rows=3)))
    with pytest.raises(BadFileError, match="unfinished PutItems"):
        load(state, operation="PutItems", target="arn", restart=False)
    assert load(state, operation="PutItems", target="arn", restart=True) == FRESH
    state.write_bytes(msgspec.json.encode(Progress(operation="PutItems", target="other", rows=3, done=True)))
    assert load(state, operation="PutItems", target="arn", restart=False) == FRESH
    state.write_bytes(b"{")
    with pytest.raises(BadFileError, match="--restart"):
        load(state, operation="PutItems", target="arn", restart=False)
