"""A session as a number."""

import hashlib
from functools import lru_cache

from relay.core.model import SessionKey


@lru_cache(maxsize=1)
def _keyed(salt: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=8, key=salt)


@lru_cache(maxsize=4096)  # asked again when it is settled, and when the visitor clicks again; a megabyte
def fingerprint(key: SessionKey, salt: bytes) -> int:
    """60 bits that stand for a session; the same over restarts.

    Two sessions with one fingerprint (by chance once in 10^12 with a million of them) would only share a queue:
    a lease ends where the session id changes.
    """
    return number_of(f"{key.operation}\0{key.target}\0{key.session_id}", salt)


def number_of(name: str, salt: bytes) -> int:
    """60 bits that stand for a name; the same over restarts."""
    digest = _keyed(salt).copy()  # its first block, the key, is done
    digest.update(name.encode(errors="surrogatepass"))
    return int.from_bytes(digest.digest(), "little") >> 4
