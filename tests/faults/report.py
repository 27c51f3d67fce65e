"""What a soak prints."""

from collections.abc import Iterator

from tests.faults.arena import Arena
from tests.faults.oracle import WRONGS, Verdict
from tests.faults.windows import NAMED, Window


def became(verdict: Verdict) -> Iterator[str]:
    """What became of the events."""
    yield f"events answered 202      {verdict.answered}"
    yield f"delivered                {verdict.delivered}"
    yield f"buried                   {verdict.buried}"
    yield f"erased before delivery   {verdict.erased}"
    yield f"repeats                  {verdict.repeats}"


def lines(arena: Arena, verdict: Verdict, *, seconds: float) -> Iterator[str]:
    """The figures, one a line."""
    kills = arena.relay.kills
    yield f"seed {arena.seed}, {seconds / 60:.1f} minutes"
    yield from became(verdict)
    yield f"kill -9                  {kills}  ({kills / seconds * 60:.0f} a minute)"
    yield "answers                  " + counts(arena.driver.answers)
    yield f"stored, answer lost      {arena.driver.stored_unanswered}"
    yield "faults of the relay      " + counts(arena.faults)
    yield "faults of the service    " + counts(arena.service.struck)
    yield "crashes by window        " + counts({window: arena.windows[window] for window in Window})
    for name in WRONGS:
        yield f"{name:<24} {verdict.wrongs[name]}"


def missing_windows(arena: Arena) -> list[Window]:
    """Named windows in which nothing has crashed."""
    return [window for window in NAMED if not arena.windows[window]]


def counts(counts: "dict[Window, int] | dict[str, int]") -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda one: -one[1])) or "none"
