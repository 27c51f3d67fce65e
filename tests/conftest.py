"""What every test has: asyncio, and an environment without anybody's AWS account or relay settings in it."""

import os

import pytest

for _name in [name for name in os.environ if name.startswith(("AWS_", "RELAY_"))]:
    del os.environ[_name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
