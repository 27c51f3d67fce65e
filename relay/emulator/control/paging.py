"""Lists in pages: the token says after which resource of which list the next page begins."""

import base64
import binascii
from collections.abc import Iterable

import msgspec
from msgspec import UNSET, UnsetType

from relay.emulator.control.resources import Resource
from relay.emulator.wire.errors import AwsError


class _Token(msgspec.Struct, array_like=True):
    listing: str
    created_ms: int
    arn: str


def page(
    resources: Iterable[Resource], *, listing: str, next_token: str | UnsetType, max_results: int
) -> tuple[list[Resource], str | None]:
    """One page, oldest first, and the token of the next one if there is any.

    Args:
        resources: All there are.
        listing: What is listed, filter and all: a token of another list is refused.
        next_token: As it came in the request.
        max_results: Size of the page.

    Raises:
        AwsError: InvalidNextTokenException.
    """
    ordered = sorted(resources, key=_key)
    if next_token is not UNSET:
        start = _parse(next_token, listing)
        ordered = [resource for resource in ordered if _key(resource) > start]
    shown = ordered[:max_results]
    if len(ordered) <= max_results:
        return shown, None
    token = _Token(listing, *_key(shown[-1]))
    return shown, base64.urlsafe_b64encode(msgspec.json.encode(token)).decode()


def _key(resource: Resource) -> tuple[int, str]:
    return resource.created_ms, resource.arn


def _parse(text: str, listing: str) -> tuple[int, str]:
    try:
        token = msgspec.json.decode(base64.b64decode(text, altchars=b"-_", validate=True), type=_Token)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise AwsError("InvalidNextTokenException", "The token is not valid.") from None
    if token.listing != listing:
        raise AwsError("InvalidNextTokenException", "The token is not valid.")
    return token.created_ms, token.arn
