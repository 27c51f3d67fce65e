"""Who asked to be forgotten, and is refused since: by fingerprint, so that the ids themselves are nowhere."""

import hashlib
from collections.abc import Iterable


class ErasedUsers:
    """The users who are refused now."""

    def __init__(self, fingerprints: Iterable[str] = ()) -> None:
        self._fingerprints = set(fingerprints)

    def add(self, user_id: str) -> None:
        """Refuse from now on."""
        self._fingerprints.add(fingerprint_of(user_id))

    def remove(self, user_id: str) -> None:
        """Refuse no longer."""
        self._fingerprints.discard(fingerprint_of(user_id))

    def __contains__(self, user_id: object) -> bool:
        return bool(self._fingerprints) and isinstance(user_id, str) and fingerprint_of(user_id) in self._fingerprints


def fingerprint_of(user_id: str) -> str:
    """What is remembered of a user."""
    return hashlib.sha256(b"relay.erased.v1\0" + user_id.encode("utf-8", "surrogatepass")).hexdigest()
