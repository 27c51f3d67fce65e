"""Users who asked to be forgotten: erased, and refused from then on.

What is remembered of them is a fingerprint of the id, kept by the spool as a binding of nobody, so that the refusal
survives a restart without the id being on disk.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from relay.archive.archive import Archive
from relay.core.clock import Clock
from relay.core.model import Binding
from relay.identity.bindings import Bindings
from relay.spool.contract import Spool

_SITE: Final = "~erased"
_NOBODY: Final = "~"
_KEPT_MS: Final = 10 * 365 * 86_400_000
"""How long an erased user stays refused: ten years."""


class Erasures:
    """Erases users, and knows whom it erased."""

    def __init__(self, *, spool: Spool, bindings: Bindings, clock: Clock, archive: Archive | None = None) -> None:
        self._spool = spool
        self._archive = archive
        self._bindings = bindings
        self._clock = clock
        self._fingerprints: set[str] = set()

    def load(self, bindings: Iterable[Binding]) -> list[Binding]:
        """Pick the erased out of what the spool kept; the rest."""
        kept: list[Binding] = []
        for binding in bindings:
            if binding.site == _SITE:
                self._fingerprints.add(binding.session_id)
            else:
                kept.append(binding)
        return kept

    def __contains__(self, user_id: object) -> bool:
        return bool(self._fingerprints) and isinstance(user_id, str) and _fingerprint(user_id) in self._fingerprints

    async def erase(self, user_id: str | None = None, *, session_id: str | None = None) -> int:
        """Remove what the relay holds of a user, or of a session; how many records and archived events went.

        From the first moment no new event of the user is taken; on return nothing is pending, buried, bound or
        archived, and all of that is on disk. A call in flight cannot be taken back. A session is not refused
        afterwards: it is nobody's, until it shows an identity token again.

        Raises:
            SpoolError: the disk refused; the user is refused until the next restart, erase again.
        """
        if user_id is None:
            self._bindings.forget_session(session_id)
            return await self._spool.erase(session_id=session_id) + await self._archived(session_id=session_id)
        fingerprint = _fingerprint(user_id)
        self._fingerprints.add(fingerprint)
        self._bindings.forget_user(user_id)
        tombstone = Binding(_SITE, fingerprint, _NOBODY, self._clock.now_ms() + _KEPT_MS)
        await self._spool.append([], tombstone)
        return await self._spool.erase(user_id=user_id) + await self._archived(user_id=user_id)

    async def _archived(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        return 0 if self._archive is None else await self._archive.erase(user_id=user_id, session_id=session_id)


def _fingerprint(user_id: str) -> str:
    return hashlib.sha256(b"relay.erased.v1\0" + user_id.encode("utf-8", "surrogatepass")).hexdigest()
