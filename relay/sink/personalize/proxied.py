"""The same through an HTTP proxy, as the variables `HTTPS_PROXY` and the like ask for: aiohttp's."""

import asyncio
import ssl

import aiohttp
from yarl import URL

from relay.sink.personalize.connection import MAX_ANSWER_BYTES, MAX_HEAD_BYTES, Done, HttpError, Response
from relay.sink.personalize.connections import KEEP_ALIVE_S, NotSentError


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
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=KEEP_ALIVE_S, ssl=tls),
            timeout=aiohttp.ClientTimeout(total=None),  # `post` has the one deadline
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=MAX_HEAD_BYTES,
            max_field_size=MAX_HEAD_BYTES,
        )

    def post(self, path: str, headers: str, body: bytes, *, until_s: float, done: Done) -> None:
        """See `Endpoint.post`."""
        lines = dict(line.split(": ", 1) for line in headers.splitlines())
        task = asyncio.create_task(self._post(path, lines, body, until_s, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, path: str, headers: dict[str, str], body: bytes, until_s: float, done: Done) -> None:
        try:
            async with asyncio.timeout_at(until_s):
                answered = await self._ask(path, headers, body)
        except aiohttp.ClientError as error:
            done(
                NotSentError(f"the proxy: {error}")
                if isinstance(error, aiohttp.ClientConnectorError)
                else HttpError(str(error))
            )
        except (OSError, ValueError) as error:  # TimeoutError is one
            done(error)
        except asyncio.CancelledError:
            done(ConnectionAbortedError("the connections are closed"))
            raise
        else:
            done(answered)

    async def _ask(self, path: str, headers: dict[str, str], body: bytes) -> Response:
        url = URL(self._base_url + path, encoded=True)
        async with self._http.post(url, data=body, headers=headers, allow_redirects=False, proxy=self._proxy) as answer:
            said = bytearray()
            while len(said) < MAX_ANSWER_BYTES:
                chunk = await answer.content.read(MAX_ANSWER_BYTES - len(said))
                if not chunk:
                    break
                said += chunk
            names = dict.fromkeys(answer.headers)
            joined = {name.lower(): ", ".join(answer.headers.getall(name)) for name in names}
            return Response(answer.status, joined, bytes(said))

    async def close(self) -> None:
        """See `Endpoint.close`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close()
