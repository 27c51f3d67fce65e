"""Whether a request came through the CDN, by a secret that only the CDN adds."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from relay.core.clock import Clock
from relay.web.routes.answer import Refusal

REMEMBER_S: Final = 60.0
"""How long a request without it is a line in `/readyz`."""

EXEMPT: Final = ("/healthz", "/readyz")
"""A load balancer asks for these by itself."""


class ProxySecret:
    """One header, and one or two values that will do."""

    def __init__(self, header: str, values: Sequence[str], *, clock: Clock) -> None:
        self._header = header.lower().encode("ascii")
        self._values = tuple(value.encode() for value in values)
        self._clock = clock
        self._missed_until_s = 0.0

    def check(self, fields: Mapping[bytes, bytes]) -> None:
        """Whether the header is there; compared in constant time.

        Raises:
            Refusal: 503, which pages take for a moment's trouble: their events are safe until the CDN is set right.
        """
        given = fields.get(self._header, b"")
        fits = [hmac.compare_digest(given, value) for value in self._values]
        if not any(fits):
            self._missed_until_s = self._clock.monotonic_s() + REMEMBER_S
            raise Refusal(503, "not_through_proxy", "this is not the way in", retry_after_s=30)

    def problems(self) -> list[str]:
        """What a person should look at."""
        if self._clock.monotonic_s() >= self._missed_until_s:
            return []
        line = "requests come without the header of RELAY_PROXY_SECRET, and are answered 503"
        return [f"{line}: the CDN does not add it, or somebody goes past the CDN"]
