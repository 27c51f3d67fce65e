"""docs/reference/reasons.md."""

import ast
from enum import StrEnum
from pathlib import Path
from typing import Final

from relay.core.model import Reason
from relay.identity.decision import IdentityResult
from relay.sink.base import Delivered, Refused, Throttled, Unreachable
from relay.wire.beacon import LOST_REASONS
from scripts.reference.documented import member_texts, table

WEB: Final = Path(__file__).parents[2] / "relay" / "web"

HEAD: Final = """# Reasons: every word the relay answers, counts or writes down

All of these are closed lists: a new word is a change of the interface.

## An event is refused, or one of its fields left out

`rejected[].reason` and `dropped[].reason` in the answer to a beacon; the label of `relay_events_rejected_total`.
"""
IDENTITY: Final = """
## What the identity token said

`identity` in the answer to a beacon; the label of `relay_identities_total`. What to do: [identity](../identity.md).
"""
ERRORS: Final = """
## A whole request is refused

`{"error": …, "detail": …}` with the status. 429 and 503 come with `Retry-After`; a page keeps
its events and comes again.
"""
OUTCOMES: Final = """
## How a call to the service ended

The label of `relay_put_events_calls_total`.
"""
LOST: Final = """
## What a page gave up

`lost` in a beacon, the label of `relay_events_lost_total`; a word that is not listed counts as `other`.
"""
BURIED: Final = """
## An event is buried

The reason of a buried event, in `spool buried` and as the label of `relay_events_buried_total`, is the service's own
code (`InvalidInputException`, `ValidationException`, …), `HTTP` and the status where something between answered
(`HTTP413`), or `corrupt` where a record was not what was once written. What to do:
[buried events](../operations.md#buried-events).
"""


def page() -> str:
    """The whole page."""
    outcomes = [Delivered, Throttled, Unreachable, Refused]
    return "\n".join(
        [
            HEAD,
            _values(Reason),
            IDENTITY,
            _values(IdentityResult),
            ERRORS,
            table(["Status", "`error`", "`detail`"], _errors()),
            OUTCOMES,
            table(["Outcome", "Meaning"], [[f"`{one.__name__.lower()}`", _first_line(one)] for one in outcomes]),
            LOST,
            table(["Reason"], [[f"`{reason}`"] for reason in sorted(LOST_REASONS)]),
            BURIED,
        ]
    )


def _values(kind: type[StrEnum]) -> str:
    texts = member_texts(kind)
    return table(["Word", "Meaning"], [[f"`{member.value}`", texts[name]] for name, member in kind.__members__.items()])


def _first_line(kind: type[object]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _errors() -> list[list[str]]:
    """Status, name and detail of each refusal that is written in `relay.web`; what is worked out there is `…`."""
    found: set[tuple[str, str, str]] = set()
    for file in sorted(WEB.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(args=[ast.Constant(value=int(status)), error, detail, *_]) if 400 <= status < 600:
                    if (name := _shown(error)) != "…":
                        found.add((str(status), f"`{name}`", _shown(detail)))
                case _:
                    pass
    return [list(row) for row in sorted(found)]


def _shown(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_shown(part) for part in parts)
        case _:
            return "…"
