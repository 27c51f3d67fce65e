"""What every test has: asyncio, and an environment without anybody's AWS account or relay settings in it."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

for _name in [name for name in os.environ if name.startswith(("AWS_", "RELAY_"))]:
    del os.environ[_name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


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
