"""What the sink takes from aioboto3: credentials that refresh, the region, and where the service is.

The calls themselves do not go through the client: a default call costs over a millisecond of CPU, ten times
what signing and sending need.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import aioboto3
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from relay.clock import Clock
from relay.errors import RelayError
from relay.sink.signing import Credentials

RELOAD_S: Final = 5.0
"""Least time between two looks for credentials from the beginning (environment, files, metadata service)."""


class _Refreshable(Protocol):
    """aiobotocore's credentials, whichever source they come from."""

    async def get_frozen_credentials(self) -> Any: ...


class Endpoint:
    """Where the calls of one region go."""

    def __init__(self, *, url: str, region: str, proxy: str | None, ca_bundle: str | None) -> None:
        self.url = url
        self.region = region
        self.proxy = proxy
        self.ca_bundle = ca_bundle


class Aws:
    """One aioboto3 session, renewed when its credentials stop working."""

    def __init__(self, make_session: Callable[[], aioboto3.Session], *, clock: Clock) -> None:
        self._make_session = make_session
        self._clock = clock
        self._session = make_session()
        self._credentials: _Refreshable | None = None
        self._loaded_at_s = clock.monotonic_s()

    async def endpoint(self, region: str | None) -> Endpoint:
        """The endpoint of a region, or of the session's own; from the ordinary AWS variables and files.

        Raises:
            RelayError: no region is set anywhere, or the profile or endpoint is not usable.
        """
        try:
            config = AioConfig(retries={"total_max_attempts": 1, "mode": "standard"})
            # Of the services' stubs only those of Personalize are installed.
            make = self._session.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            async with make("personalize-events", region_name=region, config=config) as client:
                url = client.meta.endpoint_url.rstrip("/")
                found_region = client.meta.region_name
        except (BotoCoreError, ValueError) as error:
            raise RelayError(f"AWS settings: {error}") from error
        settings: Any = self._session._session  # no public way to the setting `ca_bundle`
        proxies: dict[str, str] = get_environ_proxies(url)
        return Endpoint(
            url=url,
            region=found_region,
            proxy=proxies.get(url.partition(":")[0]),
            ca_bundle=settings.get_config_variable("ca_bundle"),
        )

    async def credentials(self) -> Credentials | None:
        """Credentials as of now; None where there are none. May ask the metadata service, so it can take a while.

        Raises:
            BotoCoreError: the source of the credentials is there but fails.
        """
        if self._credentials is None:
            session: Any = self._session  # the stubs have it wrong: here it is a coroutine function
            self._credentials = await session.get_credentials()
        found = self._credentials
        if found is None:
            self.renew()
            return None
        frozen = await found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def renew(self) -> None:
        """Look for credentials anew at the next call: these were refused, or there were none."""
        now_s = self._clock.monotonic_s()
        if now_s - self._loaded_at_s >= RELOAD_S:
            self._loaded_at_s = now_s
            self._session = self._make_session()
            self._credentials = None
