"""What every test has: asyncio, and an environment without anybody's AWS account or relay settings in it."""

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.postgres import Cluster, running_cluster

for _name in [name for name in os.environ if name.startswith(("AWS_", "RELAY_"))]:
    del os.environ[_name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this run's own; not in pytest's folder, which only its owner may enter."""
    with tempfile.TemporaryDirectory(prefix="relay-postgres-") as folder:
        try:
            made = running_cluster(Path(folder) / "cluster")
        except LookupError as why:
            pytest.skip(str(why))  # no PostgreSQL can be had here: it says which program is missing, and how to get it
        with made as cluster:
            yield cluster


@pytest.fixture
def database(cluster: Cluster) -> str:
    """The URL of an empty database."""
    cluster.sql("DROP SCHEMA IF EXISTS relay CASCADE")
    return cluster.url


# Where nobody watches, the same examples every time; elsewhere, new ones. How long an example takes says how busy the
# machine is.
settings.register_profile("new", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable" if "CI" in os.environ else "new")


@pytest.fixture(autouse=True)
def _nobody_leaves_variables_behind() -> Generator[None]:
    """What a test sets is gone after it: an endpoint left in the environment fails another test, far away."""
    before = _variables()
    yield
    assert _variables() == before


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "RELAY_"))}
