"""The examples of the wire in tests/contract, with their placeholders filled in."""

from pathlib import Path
from typing import Any, Final

import msgspec

from relay.core.clock import Clock
from relay.identity.tokens import SiteClaims, Tokens, mint_identity

_FOLDER: Final = Path(__file__).parent.parent / "contract"


class Example(msgspec.Struct):
    """One body and what a relay that never saw its session answers."""

    name: str
    status: int
    beacon: Any = None
    body: str | None = None
    answer: dict[str, Any] | None = None
    field: str | None = None
    """What a refusal names."""


def examples(name: str) -> list[Example]:
    """All of `tests/contract/NAME.json`."""
    return msgspec.json.decode((_FOLDER / f"{name}.json").read_bytes(), type=list[Example])


def filled_in(example: Example, *, key: str, site: str, clock: Clock, expired: Clock) -> bytes:
    """The body to send: tokens signed with `key` by `clock`, or long ago by `expired`."""
    text = example.body if example.body is not None else msgspec.json.encode(example.beacon).decode()
    tokens = {
        "{{site}}": Tokens([key], clock=clock).mint(SiteClaims(site)),
        "{{identity}}": mint_identity("u1", secret_key=key, clock=clock),
        "{{identity of another session}}": mint_identity("u1", secret_key=key, session_id="other" * 8, clock=clock),
        "{{expired identity}}": mint_identity("u1", secret_key=key, clock=expired),
    }
    for placeholder, token in tokens.items():
        text = text.replace(placeholder, token)
    return text.encode()
