"""What aioboto3 knows and a call needs: region, endpoint, credentials. Asked once, not for every call."""

import os
import ssl
from collections.abc import Awaitable
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentials
from botocore.exceptions import NoCredentialsError, NoRegionError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from relay.sink.base import Unreachable
from relay.sink.personalize.ca_bundle import ca_bundle_of
from relay.sink.personalize.sigv4 import Keys
from relay.sink.personalize.verdict import Cause

SERVICE: Final = "personalize-events"
SIGNING_NAME: Final = "personalize"
KEYS_FRESH_S: Final = 1.0
"""So long keys are used without asking; aioboto3 renews those that expire minutes before they do."""


class Place(NamedTuple):
    """Where calls of one region go, and how to get there."""

    url: str
    """Scheme, host and port, perhaps a path."""
    region: str
    proxy: str | None
    ca_bundle: str | None
    """Certificates to trust, where that is not botocore's own list."""


class Account:
    """Region, endpoints and credentials by the ordinary AWS variables and files.

    A session that is given is used as it is. Without one, `reload` reads variables and files anew, so that keys
    that were changed on disk are taken without a restart. Keys that expire are renewed by aioboto3 in time.
    """

    def __init__(self, session: aioboto3.Session | None = None, endpoint_url: str | None = None) -> None:
        self._given = session
        self._endpoint_url = endpoint_url
        self._session = session
        self._credentials: AioCredentials | None = None
        self._keys: Keys | None = None
        self._keys_s = 0.0
        self._tls: dict[str | None, ssl.SSLContext] = {}

    def reload(self) -> None:
        """Read everything anew at the next call."""
        self._session = self._given
        self._credentials = self._keys = None

    async def place(self, region: str | None) -> Place:
        """The endpoint of a region, or of the account's own; raises `BotoCoreError` or `ValueError`."""
        session = self._open()
        # The stubs type `client` by service and are a development dependency.
        opened = session.client(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            SERVICE, region_name=region, endpoint_url=self._endpoint_url, config=AioConfig(parameter_validation=False)
        )
        async with opened as client:
            url, found_region = client.meta.endpoint_url, client.meta.region_name
        proxies: dict[str, str] = get_environ_proxies(url)  # heeds NO_PROXY
        return Place(url, found_region, proxies.get(urlsplit(url).scheme), ca_bundle_of(session))

    @property
    def region(self) -> str | None:
        """The account's own, where there is one."""
        return self._open().region_name

    def tls(self, place: Place) -> ssl.SSLContext:
        """Whom to trust there. Made once: it reads a hundred certificates. The list is botocore's own."""
        if place.ca_bundle not in self._tls:
            self._tls[place.ca_bundle] = ssl.create_default_context(cafile=place.ca_bundle or get_cert_path(True))
        return self._tls[place.ca_bundle]

    def keys_at_hand(self, now_s: float) -> Keys | None:
        """What `keys` would say, if it said so just now; `now_s` is the loop's time."""
        return self._keys if now_s - self._keys_s < KEYS_FRESH_S else None

    async def keys(self, now_s: float) -> Keys:
        """Credentials for a call that is made now; raises `BotoCoreError`."""
        if self._credentials is None:
            # aioboto3's session answers with a coroutine; what types there are describe boto3's.
            asked = cast("Awaitable[AioCredentials | None]", self._open().get_credentials())
            self._credentials = await asked
            if self._credentials is None:
                raise NoCredentialsError
        frozen = cast("Keys", await self._credentials.get_frozen_credentials())  # pyright: ignore[reportUnknownMemberType]
        self._keys, self._keys_s = Keys(frozen.access_key, frozen.secret_key, frozen.token), now_s
        return self._keys

    def _open(self) -> aioboto3.Session:
        if self._session is None:
            # boto3 reads AWS_DEFAULT_REGION only; every other SDK says AWS_REGION.
            region = os.environ.get("AWS_REGION") or None  # noqa: TID251  an AWS variable, read where AWS's own are
            self._session = aioboto3.Session(region_name=region)
        return self._session


def fault(error: Exception) -> Unreachable:
    """What an error before any call means."""
    cause: Cause = "target" if isinstance(error, (NoRegionError, ValueError)) else "credentials"
    return Unreachable(type(error).__name__, str(error)[:200], cause)
