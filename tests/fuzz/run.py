"""A run: inputs to both relays, several at once; what differs or breaks is tried again alone before it is believed."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from relay.core.event_loop import new_loop
from relay.identity.tokens import ALL_SCOPES, IdentityClaims, ServerClaims
from tests.fuzz.answers import alike, statuses, words
from tests.fuzz.inputs import Input, Maker
from tests.fuzz.pair import Pair, pair_of_relays
from tests.support.clock import START_MS

CORPUS = Path(__file__).parent / "corpus.jsonl"
AT_ONCE = 16
_PER_ROUND = 2000
_ROUND_S = 120.0
"""How far the relays' clock goes on behind a round: what is remembered for ten minutes is forgotten within six."""
MOST_SEEDS = 400
"""Bodies in the corpus."""
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
    memory_kb: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """Of this process, load and both relays, behind each round; and after how many seconds."""
    new: int = 0
    seeds: "list[Seed]" = field(default_factory=list)
    """The corpus with what is new."""

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
    """Write it; sorted, so that a change of it can be read.

    Past its bound the smaller ones stay, and of every word one that said it.
    """
    said: set[str] = set()
    needed: list[Seed] = []
    others: list[Seed] = []
    for seed in sorted({frozenset(seed.words): seed for seed in seeds}.values(), key=lambda one: len(one.body)):
        (others if said.issuperset(seed.words) else needed).append(seed)
        said.update(seed.words)
    lines = sorted(msgspec.json.encode(seed) for seed in (needed + others)[:MOST_SEEDS])
    CORPUS.write_bytes(b"".join(line + b"\n" for line in lines))


async def run(*, seed: int, most: int, minutes: float = 1e9) -> Figures:
    """Try so many inputs, or for so long.

    Args:
        seed: The same inputs come from the same, as far as the corpus is the same.
        most: Inputs.
        minutes: Then it ends.
    """
    figures = Figures(seeds=load())
    known = {frozenset(one.words) for one in figures.seeds}
    began_s = time.monotonic()
    async with pair_of_relays() as pair:
        maker = _maker(pair, random.Random(seed))
        maker.grown = [one.body.encode("latin-1") for one in figures.seeds]
        while figures.inputs < most and len(figures.findings) + len(pair.faults) < _ENOUGH:
            figures.seconds = time.monotonic() - began_s
            if figures.seconds > minutes * 60:
                break
            inputs = [maker.next() for _ in range(min(_PER_ROUND, most - figures.inputs))]
            await _round(pair, inputs, figures, known)
            await pair.empty()
            pair.clock.advance(_ROUND_S)
            figures.memory_kb.append((time.monotonic() - began_s, _memory_kb()))
        figures.reached_intake = pair.reached_intake()
        figures.accepted = pair.accepted
        figures.findings += pair.faults
    figures.seconds = time.monotonic() - began_s
    return figures


def job(seed: int, most: int, minutes: float) -> Figures:
    """The same in a process of its own."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(run(seed=seed, most=most, minutes=minutes))


def _maker(pair: Pair, rng: random.Random) -> Maker:
    tokens = pair.straight.edge.tokens
    identities = [tokens.mint(IdentityClaims(user)) for user in ("u1", "u2")]
    identities += [tokens.mint(IdentityClaims("u3", exp=1)), "x.y.z", "", "\ud800"]
    site = pair.straight.settings.site
    narrow = tokens.mint(ServerClaims(site, ("identity",)))
    elsewhere = tokens.mint(ServerClaims("another-site", ALL_SCOPES))
    return Maker(
        rng,
        token=pair.straight.site_token,
        identities=identities,
        server_token=tokens.mint(ServerClaims(site, ALL_SCOPES)),
        other_tokens=[*identities[:4], pair.straight.site_token, narrow, narrow, elsewhere, "", "é", "." * 3000],
        now_ms=START_MS,
    )


async def _round(pair: Pair, inputs: list[Input], figures: Figures, known: set[frozenset[str]]) -> None:
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
            elif not made.is_call and (did := words(straight)) not in known and len(did) < 12:
                known.add(did)
                figures.new += 1
                body = made.raw.partition(b"\r\n\r\n")[2][:4096]
                figures.seeds.append(Seed(sorted(did), body.decode("latin-1")))

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
