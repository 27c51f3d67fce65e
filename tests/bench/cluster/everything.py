"""All that is measured of a shared spool, in one run on a PostgreSQL of its own."""

import tempfile
from pathlib import Path

from tests.bench.cluster.beside_sqlite import accepts, appends, deliveries, two
from tests.bench.cluster.take_over import hand_over, take_over
from tests.bench.ratios import Figure
from tests.support.postgres import running_cluster


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Costs beside SQLite, what two relays get done, and how long it takes when one of them goes.

    Raises:
        LookupError: PostgreSQL is not installed, with what to do.
    """
    with (
        tempfile.TemporaryDirectory(prefix="relay-postgres-") as folder,
        running_cluster(Path(folder) / "cluster") as cluster,
    ):
        made: list[Figure] = []
        for measure in (appends, accepts, deliveries, two):
            made += measure(cluster, rounds=rounds, seconds=seconds)
        return [*made, *take_over(cluster), *hand_over(cluster, seconds=seconds)]
