"""Passwords of RDS and Aurora for a role of IAM: a signed URL, good for a quarter of an hour."""

import asyncio
import re
from typing import Final
from urllib.parse import unquote, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, NoRegionError

from relay.core.errors import SpoolError
from relay.sink.personalize.account import Account

EXPIRES_S: Final = 900
"""The longest that RDS takes."""
_REGION: Final = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com(?:\.cn)?$")


class DatabaseTokens:
    """Makes one for each connection, by the ordinary AWS variables and files."""

    def __init__(self, url: str, account: Account) -> None:
        """Take whose, and for where.

        Args:
            url: Of the database: one host, the role as user.
            account: Who asks.
        """
        parts = urlsplit(url)
        self._host = (parts.hostname or "").lower()
        self._port = parts.port or 5432
        self._user = unquote(parts.username or "")
        self._account = account

    async def __call__(self) -> str:
        """A token as of now.

        Raises:
            SpoolError: there are no credentials, or no region.
        """
        try:
            keys = await self._account.keys(asyncio.get_running_loop().time())
            found = _REGION.search(self._host)
            region = found[1] if found else self._account.region
            if region is None:
                raise NoRegionError
        except BotoCoreError as error:
            raise SpoolError(f"no token for the database: {error}") from error
        asked = {"Action": "connect", "DBUser": self._user}
        request = AWSRequest(method="GET", url=f"https://{self._host}:{self._port}/", params=asked)
        credentials = ReadOnlyCredentials(keys.access_key, keys.secret_key, keys.token)
        SigV4QueryAuth(credentials, "rds-db", region, expires=EXPIRES_S).add_auth(request)
        return str(request.url).removeprefix("https://")
