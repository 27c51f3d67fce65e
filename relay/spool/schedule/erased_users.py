"""Who asked to be forgotten, and is refused since: by fingerprint, so that the ids themselves are nowhere."""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from relay.core.model import Operation

PREFIX: Final = b"relay.erased.v1\0"
"""Before a user's id, in what the fingerprint is of."""


class _About(msgspec.Struct):
    userId: str = ""  # noqa: N815 - as in the entry


_decode_about: Final = msgspec.json.Decoder(_About).decode


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

    def note(self, fingerprint: str, *, refused: bool) -> None:
        """The same for whom only the fingerprint is known."""
        if refused:
            self._fingerprints.add(fingerprint)
        else:
            self._fingerprints.discard(fingerprint)

    def __contains__(self, user_id: object) -> bool:
        return bool(self._fingerprints) and isinstance(user_id, str) and fingerprint_of(user_id) in self._fingerprints


def fingerprint_of(user_id: str) -> str:
    """What is remembered of a user."""
    return hashlib.sha256(PREFIX + user_id.encode("utf-8", "surrogatepass")).hexdigest()


def about_whom(entry: bytes) -> str:
    """The user whom an entry of PutUsers is about; "" for one that says nobody."""
    try:
        return _decode_about(entry).userId
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def is_about(operation: Operation, entry: bytes, refused: ErasedUsers) -> bool:
    """Whether it is to be put about somebody who was erased; a record of PutUsers is one entry, its body."""
    return operation is Operation.PUT_USERS and about_whom(entry) in refused
