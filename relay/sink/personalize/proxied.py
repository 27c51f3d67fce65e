"""The same through an HTTP proxy, as the variables `HTTPS_PROXY` and the like ask for: aiohttp's."""

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
from yarl import URL

from relay.sink.personalize.connections import KEEP_ALIVE_S, MAX_ANSWER_BYTES, MAX_HEAD_BYTES, Answered


class ProxiedConnections:
    """See `relay.sink.personalize.connections.Endpoint`.

    Args:
        base_url: Scheme, host and port of the endpoint.
        proxy: URL of the proxy.
        tls: Whom to trust.
        limit: Connections at most; who comes then waits.
    """

    def __init__(self, base_url: str, *, proxy: str, tls: ssl.SSLContext, limit: int) -> None:
        self._base_url = base_url
        self._proxy = proxy
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=KEEP_ALIVE_S, ssl=tls),
            timeout=aiohttp.ClientTimeout(total=None),  # `post` has the one deadline
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=MAX_HEAD_BYTES,
            max_field_size=MAX_HEAD_BYTES,
        )

    async def post(self, path: str, headers: Mapping[str, str], body: bytes, *, until_s: float) -> Answered:
        """See `Endpoint.post`."""
        url = URL(self._base_url + path, encoded=True)
        async with (
            asyncio.timeout_at(until_s),
            self._http.post(url, data=body, headers=headers, allow_redirects=False, proxy=self._proxy) as answer,
        ):
            said = bytearray()
            while len(said) < MAX_ANSWER_BYTES:
                chunk = await answer.content.read(MAX_ANSWER_BYTES - len(said))
                if not chunk:
                    break
                said += chunk
            return Answered(answer.status, answer.headers, bytes(said))

    async def close(self) -> None:
        """See `Endpoint.close`."""
        await self._http.close()
