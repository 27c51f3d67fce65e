"""Who sent a beacon. A user id comes from a signed token or from the session's earlier binding, never from a field.

The rules are written for people in docs/identity.md; `Identities.decide` is them, in order.
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Container
from enum import StrEnum
from typing import Final

import msgspec

from relay.core.model import Binding, Identity
from relay.identity.tokens import IdentityClaims, TokenFault
from relay.spool.contract import Sessions

_DERIVED_SALT: Final = b"relay.session.v1"


ANONYMOUS: Final = object()
"""In place of a token: the visitor wants not to be known. No binding is used, and none is made, now or later."""

VerifyIdentity = Callable[[object], IdentityClaims | TokenFault]


class IdentityResult(StrEnum):
    """What the identity token of a beacon said, for the answer."""

    __hash__ = str.__hash__  # each beacon counts under one; the enumeration's own is a function of Python's

    NONE = "none"
    """There was none."""
    OK = "ok"
    """It is good, and the session is its user's."""
    EXPIRED = "expired"
    """It was good once."""
    INVALID = "invalid"
    """It is forged, changed, from the future, no token, or of an erased user."""
    MISMATCH = "mismatch"
    """It is for another session."""
    CONFLICT = "conflict"
    """The session is another user's."""


_NONE: Final = IdentityResult.NONE
"""By itself: to read a member of an enumeration takes longer than most steps of a beacon."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """Under which session and user a beacon's events go out."""

    identity: Identity
    result: IdentityResult
    binding: Binding | None = None
    """To be saved with the events."""
    never_bound: bool = False
    """No login, whenever it comes, gives these events a user."""


class Identities:
    """Decides who sent a beacon."""

    def __init__(self, *, verify: VerifyIdentity, sessions: Sessions, erased: Container[str], secret_key: str) -> None:
        """Take the collaborators.

        Args:
            verify: Says what an identity token says, never raising.
            sessions: Which session is whose.
            erased: Users who are refused: their tokens are invalid, their events anonymous.
            secret_key: The signing key, from which derived sessions follow.
        """
        self._verify = verify
        self._erased = erased
        self._sessions = sessions
        self._derive_key = hmac.digest(secret_key.encode(), _DERIVED_SALT, hashlib.sha256)

    def decide(self, *, site: str, target: str, session_id: str, token: object) -> Decision | Awaitable[Decision]:
        """Apply the rules; claims the session at once, so that a beacon right behind sees it.

        To be awaited only where other relays have to be asked whose the session is.

        Args:
            site: From the site token.
            target: The site's tracking id.
            session_id: Well-formed, from the beacon.
            token: The identity token as it came, or None; or `ANONYMOUS`.

        Raises:
            SpoolError: when awaited: nobody can be asked.
        """
        if token is None:
            return self._as_bound(site, target, session_id, _NONE)
        if token is ANONYMOUS:
            return Decision(Identity(site, session_id), IdentityResult.NONE, never_bound=True)
        claims = self._verify(token)
        if isinstance(claims, TokenFault):
            expired = claims is TokenFault.EXPIRED
            return self._as_bound(
                site, target, session_id, IdentityResult.EXPIRED if expired else IdentityResult.INVALID
            )
        if claims.sub in self._erased:
            return self._as_bound(site, target, session_id, IdentityResult.INVALID)
        if claims.sid is not None and claims.sid != session_id:
            return Decision(Identity(site, session_id), IdentityResult.MISMATCH)
        return self._as_user(site, target, session_id, claims.sub)

    def trust(self, *, site: str, target: str, session_id: str, user_id: str | None) -> Decision | Awaitable[Decision]:
        """The same for a backend: its user id counts as a valid token's would."""
        if user_id is None:
            return self._as_bound(site, target, session_id, IdentityResult.NONE)
        return self._as_user(site, target, session_id, user_id)

    def _as_bound(self, site: str, target: str, session_id: str, result: IdentityResult) -> Decision:
        user_id = self._sessions.user(target, session_id)
        return Decision(
            Identity(site, session_id, user_id), result, self._sessions.due(target, session_id) if user_id else None
        )

    def _as_user(
        self, site: str, target: str, session_id: str, user_id: str, page_session: str | None = None
    ) -> Decision | Awaitable[Decision]:
        owner = self._sessions.claim(target, session_id, user_id, page_session=page_session)
        if isinstance(owner, str):
            return self._as_told(owner, site, target, session_id, user_id, page_session)
        return self._when_told(owner, site, target, session_id, user_id, page_session)

    async def _when_told(  # noqa: PLR0917  what `_as_told` takes
        self, owner: Awaitable[str], site: str, target: str, session_id: str, user_id: str, page_session: str | None
    ) -> Decision:
        decided = self._as_told(await owner, site, target, session_id, user_id, page_session)
        return decided if isinstance(decided, Decision) else await decided

    def _as_told(  # noqa: PLR0917  the user, and what `_as_user` takes
        self, owner: str, site: str, target: str, session_id: str, user_id: str, page_session: str | None
    ) -> Decision | Awaitable[Decision]:
        if owner != user_id:
            derived = self.derived_session(target, session_id, user_id)
            return self._as_user(site, target, derived, user_id, page_session or session_id)
        result = IdentityResult.OK if page_session is None else IdentityResult.CONFLICT
        return Decision(Identity(site, session_id, user_id), result, self._sessions.due(target, session_id))

    def derived_session(self, target: str, session_id: str, user_id: str) -> str:
        """The session of a second user of `session_id`: always the same, and nobody else can work it out.

        Sites that share an event tracker share it, as they share the session. It changes with the signing key, after
        which such a session goes on under another id, still the user's own.
        """
        parts = msgspec.json.encode((target, session_id, user_id))
        digest = hmac.digest(self._derive_key, parts, hashlib.sha256)
        return "second~" + base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
