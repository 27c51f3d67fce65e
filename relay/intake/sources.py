"""Who sent an event, as a number that says nothing about anybody: what one of them sends can be told from the rest."""

import hashlib
from functools import lru_cache
from typing import Final

_SALT: Final = b"relay.source.v1"
_REMEMBERED: Final = 4096


class Sources:
    """Numbers for address networks and sessions, the same over restarts, as long as the key is."""

    def __init__(self, secret_key: str) -> None:
        """Take the signing key: without it nobody finds the address of a number by trying all of them."""
        self._keyed = hashlib.blake2b(
            digest_size=8, key=hashlib.sha256(secret_key.encode()).digest(), person=_SALT[:16]
        )
        self.of = lru_cache(maxsize=_REMEMBERED)(self._of)
        """The number of a network or a session: 1 to 2^60."""

    def _of(self, name: str) -> int:
        digest = self._keyed.copy()  # its first block, the key, is done
        digest.update(name.encode(errors="surrogatepass"))
        return (int.from_bytes(digest.digest(), "little") >> 4) + 1
