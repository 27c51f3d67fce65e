"""Notices that a CDN or load balancer stands in front although nobody said so: then all visitors are one address."""

import logging
from collections.abc import Mapping
from typing import Final

from relay.core.clock import Clock

LOOK_AT: Final = 200
"""Beacons that are looked at together."""

MOST: Final = 0.9
"""From this share of them on with such a header, a proxy is taken for certain."""

REMEMBER_S: Final = 3600.0

_ADDED_BY_PROXIES: Final = frozenset(
    {
        b"x-forwarded-for",
        b"forwarded",
        b"cf-connecting-ip",
        b"cloudfront-viewer-address",
        b"fastly-client-ip",
        b"true-client-ip",
    }
)

_log = logging.getLogger("relay")


class UnseenProxy:
    """Counts beacons by whether they have a header that proxies add; for a relay that was told of none."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._seen = 0
        self._with: dict[bytes, int] = {}
        self._header: bytes | None = None
        self._until_s = 0.0

    def saw(self, fields: Mapping[bytes, bytes]) -> None:
        """A beacon with these headers."""
        self._seen += 1
        if not fields.keys().isdisjoint(_ADDED_BY_PROXIES):
            name = next(name for name in fields if name in _ADDED_BY_PROXIES)
            self._with[name] = self._with.get(name, 0) + 1
        if self._seen >= LOOK_AT:
            header, count = max(self._with.items(), key=lambda pair: pair[1], default=(None, 0))
            if header is not None and count >= self._seen * MOST:
                was_there = self.is_there
                self._header = header
                self._until_s = self._clock.monotonic_s() + REMEMBER_S
                if not was_there:
                    _log.warning("%s", *self.problems())
            self._seen = 0
            self._with.clear()

    @property
    def is_there(self) -> bool:
        """Whether one was noticed, not long ago."""
        return self._header is not None and self._clock.monotonic_s() < self._until_s

    def problems(self) -> list[str]:
        """What a person should look at."""
        if self._header is None or not self.is_there:
            return []
        name = self._header.decode("ascii")
        line = (
            f"nearly all beacons come through a proxy ({name}) that the settings do not name, so that"
            " RELAY_RATE_LIMIT_IP counts all visitors as one: set RELAY_CLIENT_IP_HEADER and RELAY_TRUSTED_PROXIES"
        )
        return [line]
