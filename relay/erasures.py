"""Users who asked to be forgotten: erased, and refused from then on.

What is remembered of them is a fingerprint of the id, kept by the spool as a binding of nobody, so that the refusal
survives a restart without the id being on disk. Of these notes there are `MOST_ERASED`, in memory and on disk; each
further erasure takes the place of the oldest.
"""

import hashlib
import logging
import math
from collections.abc import Iterable
from itertools import islice
from typing import Final

from relay.archive.archive import Archive
from relay.bindings import Bindings
from relay.clock import Clock
from relay.model import Binding
from relay.spool.base import Spool

_SITE: Final = "~erased"
_NOBODY: Final = "~"
_KEPT_MS: Final = 10 * 365 * 86_400_000
"""How long an erased user stays refused: ten years."""
_ENDED_MS: Final = 0
"""What ended then is not read any more, and the spool removes it little by little."""
MOST_ERASED: Final = 200_000
"""Users refused at once, about 30 MB. Past it who was erased longest ago is refused no longer: all that was kept of
them stays gone, but events that name them are taken again."""
_FORGOTTEN_AT_ONCE: Final = 2
"""Notes an erasure may cost: more than it adds, since erasures without a relay add to them, too."""
_SAY_EVERY_S: Final = 60.0
_logger = logging.getLogger(__name__)


class Erasures:
    """Erases users, and knows whom it erased."""

    def __init__(
        self,
        *,
        spool: Spool,
        bindings: Bindings,
        clock: Clock,
        archive: Archive | None = None,
        most: int = MOST_ERASED,
    ) -> None:
        self._spool = spool
        self._archive = archive
        self._bindings = bindings
        self._clock = clock
        self._most = most
        self._fingerprints: dict[str, None] = {}
        """Those erased longest ago first."""
        self._said_s = -math.inf

    def load(self, bindings: Iterable[Binding]) -> list[Binding]:
        """Pick the erased out of what the spool kept; the rest."""
        kept: list[Binding] = []
        notes: list[Binding] = []
        for binding in bindings:
            (notes if binding.site == _SITE else kept).append(binding)
        self._fingerprints = dict.fromkeys([note.session_id for note in sorted(notes, key=_until_ms)])
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
        self._fingerprints.pop(fingerprint, None)
        self._fingerprints[fingerprint] = None
        self._bindings.forget_user(user_id)
        tombstone = Binding(_SITE, fingerprint, _NOBODY, self._clock.now_ms() + _KEPT_MS)
        await self._spool.append([], tombstone)
        await self._keep_to_the_bound()
        return await self._spool.erase(user_id=user_id) + await self._archived(user_id=user_id)

    async def _keep_to_the_bound(self) -> None:
        over = max(0, len(self._fingerprints) - self._most)
        for fingerprint in list(islice(self._fingerprints, min(over, _FORGOTTEN_AT_ONCE))):
            await self._spool.append([], Binding(_SITE, fingerprint, _NOBODY, _ENDED_MS))
            self._fingerprints.pop(fingerprint, None)
        now_s = self._clock.monotonic_s()
        if over and now_s - self._said_s >= _SAY_EVERY_S:
            _logger.warning("more than %d users are erased: those erased longest ago are refused no longer", self._most)
            self._said_s = now_s

    async def _archived(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        return 0 if self._archive is None else await self._archive.erase(user_id=user_id, session_id=session_id)


def _until_ms(note: Binding) -> int:
    return note.expires_at_ms


def _fingerprint(user_id: str) -> str:
    return hashlib.sha256(b"relay.erased.v1\0" + user_id.encode("utf-8", "surrogatepass")).hexdigest()
