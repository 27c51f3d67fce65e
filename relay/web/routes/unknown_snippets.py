"""Snippets that pages have pinned and that are not here, for a person to know."""

from typing import Final

from relay.core.clock import Clock

REMEMBER_S: Final = 3600.0
MOST: Final = 100
"""Hashes remembered; a stranger may ask for any, in the name of an allowed page."""


class UnknownSnippets:
    """Hashes that pages of an allowed origin asked for in vain."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._asked_s: dict[str, float] = {}

    def asked(self, hash_: str) -> bool:
        """One was asked for; whether for the first time, as far as is remembered."""
        name = hash_[:32]
        first = name not in self._asked_s
        if first and len(self._asked_s) >= MOST:
            return False
        self._asked_s[name] = self._clock.monotonic_s()
        return first

    def problems(self) -> list[str]:
        """What a person should look at."""
        since_s = self._clock.monotonic_s() - REMEMBER_S
        recent = [name for name, at_s in self._asked_s.items() if at_s > since_s and name.isalnum()]
        if not recent:
            return []
        names = ", ".join(f"s.{name}.js" for name in recent[:3])
        return [
            f"pages ask for a snippet that is not here ({names}): `personalize-relay snippet --pin` prints their tag"
        ]
