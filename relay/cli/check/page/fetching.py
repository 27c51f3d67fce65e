"""What the page's server and the relay answer, asked for as a browser would."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp

from relay.core.version import VERSION

_TIMEOUT_S: Final = 20.0
_MOST_BYTES: Final = 8 << 20
_PIECE_BYTES: Final = 1 << 16


class FetchError(Exception):
    """Nothing, or too much, came; says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One answer, after redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    """By lower-case name; of several the last."""
    policies: list[str]
    """Its `Content-Security-Policy` headers."""
    body: bytes
    charset: str = "utf-8"

    @property
    def text(self) -> str:
        """The body as text; what is no text is replaced."""
        try:
            return self.body.decode(self.charset, "replace")
        except LookupError:  # a charset nobody knows
            return self.body.decode("utf-8", "replace")


class Fetcher:
    """Asks; see `fetching`."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def ask(self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Fetched:
        """One request, with its redirects.

        Raises:
            FetchError: no answer, or one that is too large.
        """
        try:
            async with self._http.request(method, url, headers=headers) as response:
                body = bytearray()
                async for piece in response.content.iter_chunked(_PIECE_BYTES):
                    body += piece
                    if len(body) > _MOST_BYTES:
                        raise FetchError(f"{url}: more than {_MOST_BYTES >> 20} MiB")
                return Fetched(
                    url=str(response.url),
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    policies=response.headers.getall("Content-Security-Policy", []),
                    body=bytes(body),
                    charset=response.charset or "utf-8",
                )
        except TimeoutError:
            raise FetchError(f"{url}: no answer within {_TIMEOUT_S:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(f"{url}: {str(error) or type(error).__name__}") from None


@asynccontextmanager
async def fetching() -> AsyncGenerator[Fetcher]:
    """A fetcher. Proxies are those of the environment, as for any program."""
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
        headers={"user-agent": f"personalize-relay-check/{VERSION}"},
        trust_env=True,
    ) as http:
        yield Fetcher(http)
