"""What must not grow: a beacon's cost with the number of sites, and with logins where everything waits."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from relay.core.clock import SystemClock
from relay.tokens import SiteClaims, Tokens, mint_identity
from tests.bench.contestants import ORIGIN, SECRET, Contestant, cheap_sink, relay
from tests.bench.deliver import one_round
from tests.bench.load.wrk import Round, wrk
from tests.bench.ratios import Figure, alternate, figures
from tests.bench.token import site_token

SITES = (1, 100, 1000)
LOGINS_AT = (16, 256, 800)
USERS = 2000


def sites(*, rounds: int, seconds: float) -> list[Figure]:
    """CPU a beacon with its delivery, beacons spread evenly over that many sites."""
    with ExitStack() as stack:
        sink = stack.enter_context(cheap_sink())
        runs = {}
        for count in SITES:
            config, tokens = stack.enter_context(_sites(count))
            one = stack.enter_context(relay(sink_url=sink, name=_plural(count, "site"), config=config))
            runs[one.name] = partial(one_round, one, seconds, tokens)
        results = alternate(runs, rounds=rounds)
    return [
        *figures("CPU a beacon", "us", results, lambda r: r.cpu_us, reference=_plural(1, "site")),
        *figures("answer p99", "ms", results, lambda r: r.p99_ms, reference=_plural(1, "site")),
    ]


def logins(*, rounds: int, seconds: float) -> list[Figure]:
    """CPU a beacon that brings an identity token, against an anonymous one, while everything waits."""
    token = site_token(SECRET)
    made: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        identities = Path(folder) / "identities"
        identities.write_text("\n".join(mint_identity(f"user-{n}", secret_key=SECRET) for n in range(USERS)))
        for connections in LOGINS_AT:
            with relay(sink_url=None) as one:
                reference = f"anonymous, {connections} connections"
                results = alternate(
                    {
                        reference: partial(_round, one, seconds, token, connections, None),
                        f"logins, {connections} connections": partial(
                            _round, one, seconds, token, connections, identities
                        ),
                    },
                    rounds=rounds,
                )
            made += figures("CPU a beacon", "us", results, lambda r: r.cpu_us, reference=reference)
    return made


def _round(one: Contestant, seconds: float, token: str, connections: int, identities: Path | None) -> Round:
    result = wrk(
        one.url,
        one.pid,
        seconds=seconds,
        connections=connections,
        token=token,
        sessions=0,
        shape=one.shape,
        identities=identities,
    )
    if result.refused or result.broken:
        raise RuntimeError(f"{one.name}: {result.refused} refusals, {result.broken} broken connections")
    return result


@contextmanager
def _sites(count: int) -> Iterator[tuple[Path, str]]:
    """A settings file with so many sites, and a token of each, one a line."""
    tokens = Tokens([SECRET], clock=SystemClock())
    names = [f"site-{number}" for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        config, minted = Path(folder) / "relay.toml", Path(folder) / "tokens"
        tables = [f'[sites.{name}]\ntracking_id = "{name}"\nallowed_origins = ["{ORIGIN}"]\n' for name in names]
        config.write_text("\n".join(tables))
        minted.write_text("\n".join(tokens.mint(SiteClaims(name)) for name in names))
        yield config, f"@{minted}"


def _plural(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
