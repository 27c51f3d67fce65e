"""`make bench`: every figure side by side in one run, as ratios; `--json FILE` keeps them for the next version.

Linux only: the server runs on the first CPU, the load and the far side on the second.
"""

from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console

from tests.attack import siege
from tests.bench import accept, deliver, growth, items, latency, machine, packing, pages, ratios, sink, snippet, workers
from tests.bench.cluster import everything

BENCHES = {
    "accept": ("Accept, durable: 3 events a beacon", accept.run),
    "deliver": ("End to end: every beacon another session, CPU with the drain", deliver.run),
    "sites": ("Sites: end to end, beacons spread over 1, 100 and 1,000", growth.sites),
    "logins": ("Logins: accept, every beacon with an identity token", growth.logins),
    "latency": ("At half load, constant rate: answers, and from 202 to delivered", latency.run),
    "workers": ("Several cores: relay, load and sink share two", workers.run),
    "packing": ("Packing: a real click stream at ten times the quota, in simulated time", packing.run),
    "sink": ("Sink: one PutEvents call of 10 events", sink.run),
    "pages": ("Looking: three pages of the admin listener open in Chromium", pages.run),
    "snippet": ("Snippet: bytes on the wire", snippet.run),
}


ATTACK = "attack"
"""Takes half an hour, so only where it is named."""
NAMED = {
    "cluster": ("Several relays on one PostgreSQL, beside SQLite", everything.run),
    "items": ("Items: what 2,000 of them on a page take of its main thread", items.run),
}
"""The same, for their minutes, and the PostgreSQL of the first."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*BENCHES, *NAMED, ATTACK]))
@click.option("--rounds", default=5, show_default=True, help="Counted rounds of each contestant.")
@click.option("--seconds", type=float, help="Length of one round: 4 by default, of an attack 60.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write the figures here.")
@click.option(
    "--stream", type=click.Path(exists=True, path_type=Path), help="The click stream of `packing`; as `make replay`."
)
def main(
    *, names: tuple[str, ...], rounds: int, seconds: float | None, json_file: Path | None, stream: Path | None
) -> None:
    """Run the benches named, or all of them."""
    console = Console()
    facts = machine.describe()
    console.print("  ".join(f"{name} {value}" for name, value in facts.items()))
    rows: list[ratios.Figure] = []
    for name in names or BENCHES:
        if name == ATTACK:
            siege.run(console, seconds=seconds or 60.0)
            continue
        title, run = (BENCHES | NAMED)[name]
        if run is packing.run:
            run = partial(packing.run, stream=stream)
        console.print()
        some = run(rounds=rounds, seconds=seconds or 4.0)
        ratios.show(title, some, console)
        rows += some
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": facts, "figures": rows})))


if __name__ == "__main__":
    main()
