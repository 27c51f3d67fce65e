"""Firefox and WebKitGTK, each once for all tests of this folder."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from anyio import to_thread

from tests.browser.other_engines.visitor import Visitor
from tests.support.engines import driven, missing


@pytest.fixture(scope="session", params=["firefox", "webkit"])
async def engine(request: pytest.FixtureRequest) -> AsyncGenerator[Any]:
    if reason := missing(request.param):
        pytest.skip(reason)  # an optional engine; the reason names what is missing and the script that installs it
    manager = driven(request.param)
    driver = await to_thread.run_sync(manager.__enter__)
    yield driver
    await to_thread.run_sync(manager.__exit__, None, None, None)


@pytest.fixture
def visitor(engine: Any) -> Visitor:
    return Visitor(engine)
