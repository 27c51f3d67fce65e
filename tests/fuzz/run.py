"""A run: inputs to both relays, several at once; what differs or breaks is tried again alone before it is believed."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from relay.identity.tokens import IdentityClaims
from tests.fuzz.answers import alike, statuses, words
from tests.fuzz.inputs import Input, Maker
from tests.fuzz.pair import Pair, pair_of_relays
from tests.support.clock import START_MS

CORPUS = Path(__file__).parent / "corpus.jsonl"
AT_ONCE = 16
_PER_ROUND = 2000
_ENOUGH = 5
"""Findings, after which a run has said what it has to say."""


@dataclass
class Figures:
    """What a run comes to."""

    inputs: int = 0
    seconds: float = 0.0
    by_status: Counter[int] = field(default_factory=Counter[int])
    reached_intake: int = 0
    accepted: int = 0
    findings: list[str] = field(default_factory=list[str])
    slowest: list[tuple[float, list[str]]] = field(default_factory=list[tuple[float, list[str]]])
    memory_kb: list[int] = field(default_factory=list[int])
    new: int = 0

    def share(self) -> float:
        """Of the inputs, those whose events came to intake."""
        return self.reached_intake / max(1, self.inputs)


class Seed(msgspec.Struct, frozen=True):
    """A body in the corpus, and what it did."""

    words: list[str]
    body: str
    """As Latin-1."""


def load() -> list[Seed]:
    """The corpus in the tree."""
    if not CORPUS.exists():
        return []
    return [msgspec.json.decode(line, type=Seed) for line in CORPUS.read_bytes().splitlines() if line]


def save(seeds: list[Seed]) -> None:
    """Write it; sorted, so that a change of it can be read."""
    lines = sorted(msgspec.json.encode(seed) for seed in seeds)
    CORPUS.write_bytes(b"".join(line + b"\n" for line in lines))


async def run(*, seed: int, most: int, minutes: float = 1e9, grow: bool = False) -> Figures:
    """Try so many inputs, or for so long.

    Args:
        seed: The same inputs come from the same, as far as the corpus is the same.
        most: Inputs.
        minutes: Then it ends.
        grow: Write what did something new into the corpus.
    """
    figures = Figures()
    seeds = load()
    known = {frozenset(one.words) for one in seeds}
    began_s = time.monotonic()
    until_s = began_s + minutes * 60
    rng = random.Random(seed)
    while figures.inputs < most and time.monotonic() < until_s and len(figures.findings) < _ENOUGH:
        async with pair_of_relays() as pair:  # a fresh one at times: what lives for long is for the soak
            maker = _maker(pair, rng)
            maker.grown = [one.body.encode("latin-1") for one in seeds]
            for _ in range(20):
                todo = min(_PER_ROUND, most - figures.inputs)
                if todo <= 0 or time.monotonic() > until_s:
                    break
                inputs = [maker.next() for _ in range(todo)]
                await _round(pair, inputs, figures, known, seeds)
                await pair.empty()
                figures.memory_kb.append(_memory_kb())
            figures.reached_intake += pair.reached_intake()
            figures.accepted += pair.accepted
            figures.findings += pair.faults
    figures.seconds = time.monotonic() - began_s
    if grow:
        save(seeds)
    return figures


def _maker(pair: Pair, rng: random.Random) -> Maker:
    tokens = pair.straight.edge.tokens
    identities = [tokens.mint(IdentityClaims(user)) for user in ("u1", "u2")]
    identities += [tokens.mint(IdentityClaims("u3", exp=1)), "x.y.z", "", "\ud800"]
    return Maker(rng, token=pair.straight.site_token, identities=identities, now_ms=START_MS)


async def _round(
    pair: Pair, inputs: list[Input], figures: Figures, known: set[frozenset[str]], seeds: list[Seed]
) -> None:
    waiting = iter(inputs)
    doubted: list[Input] = []

    async def lane() -> None:
        for made in waiting:
            began_s = time.perf_counter()
            straight, through_asgi = await pair.answers(made)
            took_s = time.perf_counter() - began_s
            figures.inputs += 1
            figures.by_status.update(statuses(straight))
            if len(figures.slowest) < 5 or took_s > figures.slowest[-1][0]:
                figures.slowest = sorted([*figures.slowest, (took_s, made.notes)], key=lambda one: -one[0])[:5]
            if trouble(straight, through_asgi):
                doubted.append(made)
            elif (did := words(straight)) not in known and len(did) < 12:
                known.add(did)
                figures.new += 1
                body = made.raw.partition(b"\r\n\r\n")[2][:4096]
                seeds.append(Seed(sorted(did), body.decode("latin-1")))

    await asyncio.gather(*(lane() for _ in range(AT_ONCE)))
    for made in doubted:
        if len(figures.findings) >= _ENOUGH:
            return
        async with pair_of_relays() as fresh:
            found = trouble(*(await fresh.answers(made)))
            if found:
                figures.findings.append(f"{found} {made.notes}: {made.raw[:3000]!r}")


def trouble(straight: bytes, through_asgi: bytes) -> str | None:
    """What is wrong with two answers, if anything is."""
    if not straight or not through_asgi:
        return "no answer and no end"
    bad = [
        status for status in statuses(straight) + statuses(through_asgi) if status >= 500 and status not in (501, 505)
    ]
    if bad:
        return f"answered {bad}"
    if not alike(straight, through_asgi):
        return f"two answers: {straight[:1500]!r} and {through_asgi[:1500]!r}"
    return None


def _memory_kb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
