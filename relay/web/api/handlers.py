"""What each call of the server API does, once its token and its body are known to be in order."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from msgspec import UNSET

from relay.core.limits import ARN_PATTERN, MAX_DATASET_ARN_CHARS
from relay.core.model import Reason
from relay.core.setting_values import tracking_id
from relay.identity.tokens import IdentityClaims
from relay.intake.from_backend import EntriesTaken, Kind
from relay.intake.from_browser import Taken
from relay.web.routes.answer import Refusal
from relay.web.routes.edge import Edge, EdgeSite
from relay.wire.beacon import MAX_EVENTS
from relay.wire.fields import Members, Notes
from relay.wire.lenient_event import salvage
from relay.wire.lenient_json import as_list
from relay.wire.times import backend_time_ms
from relay.wire.values import Field, RefusedFieldError, identifier, number, service_session_id, text

MAX_TTL_S: Final = 10 * 365 * 86400
_THE_DATASETS: Final = "that of the dataset of action interactions, which `setup` prints"
_log = logging.getLogger("relay")


class ApiRequest(msgspec.Struct, frozen=True):
    """One call, with a token that allows it."""

    edge: Edge
    site: EdgeSite
    """The token's."""
    body: Members
    notes: Notes
    """What of the body is left out."""


class Minted(msgspec.Struct, frozen=True):
    """An identity token."""

    identity: str


class ErasedCount(msgspec.Struct, frozen=True):
    """How many events and archived events went."""

    erased: int


class Allowed(msgspec.Struct, frozen=True):
    """Whether the user had been refused until now."""

    allowed: bool


async def events(request: ApiRequest) -> Taken:
    """Events of a session, from a backend whose word on the user counts."""
    edge, body, notes = request.edge, request.body, request.notes
    session_id = body.required("sessionId", service_session_id)
    user_id = None if body.given("userId") == "" else body.optional("userId", identifier) or None
    sent_at_ms = body.usable("sentAt", backend_time_ms)
    entries = _list(body, "eventList")
    if not 1 <= len(entries) <= MAX_EVENTS:
        name = "too_many_events" if entries else "empty"
        raise Refusal(400, name, f"eventList has 1 to {MAX_EVENTS} events", field="eventList")
    if user_id is not None and user_id in edge.spool.erased:
        raise Refusal(403, "erased", "this user was erased", field="userId")
    salvaged = [salvage(event, index, notes, time_ms=backend_time_ms) for index, event in enumerate(entries)]
    return await edge.intake.take_trusted(
        salvaged,
        destination=request.site.destination,
        session_id=session_id,
        sent_at_ms=None if sent_at_ms is UNSET else sent_at_ms,
        user_id=user_id,
        dropped=notes.dropped,
    )


def records(kind: Kind) -> Callable[[ApiRequest], Awaitable[EntriesTaken]]:
    """Users, items or actions of a dataset."""

    async def take(request: ApiRequest) -> EntriesTaken:
        arn = request.body.required("datasetArn", text)
        if not ARN_PATTERN.fullmatch(arn) or len(arn) > MAX_DATASET_ARN_CHARS or ":dataset/" not in arn:
            raise Refusal(400, "bad_arn", "datasetArn is not the ARN of a dataset", field="datasetArn")
        return await request.edge.backend_intake.take(kind, arn, _list(request.body, kind.plural))

    return take


async def action_interactions(request: ApiRequest) -> EntriesTaken:
    """Interactions with actions, to the tracking id of their dataset: the site's, or else the one that is named."""
    site, given = request.site, request.body.optional("trackingId", _tracking_id)
    target = site.action_interactions_target or given
    if target is UNSET:
        detail = f"trackingId is missing: {_THE_DATASETS}, here or in RELAY_ACTION_INTERACTIONS_TRACKING_ID"
        raise Refusal(400, Reason.MISSING_FIELD, detail, field="trackingId")
    if given not in (UNSET, target):
        detail = "trackingId is not the one that RELAY_ACTION_INTERACTIONS_TRACKING_ID, or the site's table, names"
        raise Refusal(400, "unknown_tracking_id", detail, field="trackingId")
    if any(target == one.destination.tracking_id for one in request.edge.sites.values()):
        # Not only would it never arrive: the target would be out of reach, for the events of pages too.
        detail = f"trackingId is an event tracker's, not {_THE_DATASETS}"
        raise Refusal(400, "unknown_tracking_id", detail, field="trackingId")
    return await request.edge.backend_intake.take_interactions(target, _list(request.body, "actionInteractions"))


def _tracking_id(value: object) -> str:
    given = text(value)
    try:
        return tracking_id(given)
    except ValueError:
        detail = "trackingId is an ARN, or has blanks in it: no tracking id"
        raise RefusedFieldError(Reason.BAD_TYPE, detail=detail) from None


async def identity(request: ApiRequest) -> Minted:
    """An identity token, for backends that cannot make one."""
    edge, body = request.edge, request.body
    user_id = body.required("userId", identifier)
    session_id = body.usable("sessionId", service_session_id)
    if request.notes.dropped:
        raise RefusedFieldError(request.notes.dropped[0].reason, "sessionId")
    ttl_s = body.optional("ttl", _ttl_s)
    exp = None if ttl_s is UNSET else edge.clock.now_ms() // 1000 + ttl_s
    try:
        token = edge.tokens.mint(IdentityClaims(user_id, None if session_id is UNSET else session_id, exp))
    except ValueError:
        raise Refusal(400, "bad_user_id", "userId or sessionId cannot be an id", field="userId") from None
    return Minted(token)


async def erase(request: ApiRequest) -> ErasedCount:
    """Remove what the relay holds of a user, and refuse what comes."""
    count = await request.edge.spool.erase(user_id=request.body.required("userId", identifier))
    _log.info("a user was erased", extra={"events": count, "by": "api", "site": request.site.destination.site})
    return ErasedCount(count)


async def allow(request: ApiRequest) -> Allowed:
    """Refuse a user no longer who was erased."""
    was_refused = await request.edge.spool.allow(request.body.required("userId", identifier))
    _log.info("an erasure was lifted", extra={"by": "api", "site": request.site.destination.site})
    return Allowed(was_refused)


def _list(body: Members, field: Field) -> list[object]:
    given = body.given(field)
    found = as_list(given)
    if found is None:
        raise RefusedFieldError(
            Reason.MISSING_FIELD if given is None else Reason.BAD_TYPE, field, f"{field} is not a list"
        )
    return found


def _ttl_s(value: object) -> int:
    if isinstance(value, str):
        raise RefusedFieldError(Reason.BAD_TYPE)
    found = number(value, MAX_TTL_S)
    if found < 1:
        raise Refusal(400, "bad_ttl", "ttl is a number of seconds, 1 or more", field="ttl")
    return int(found)
