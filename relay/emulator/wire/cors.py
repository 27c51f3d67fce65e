"""CORS as the real endpoints answer it, so that SDKs in a browser work.

AWS's endpoints take calls from any page: what guards them is the signature, not the origin. They answer the preflight
without one, allow the headers the SDKs send, and let scripts read the request id and the error type.
"""

from collections.abc import Mapping
from typing import Final

Header = tuple[bytes, bytes]

_ALLOW_ORIGIN: Final[Header] = (b"access-control-allow-origin", b"*")

_ALLOWED: Final = (
    b"*",
    b"authorization",
    b"content-type",
    b"date",
    b"x-amz-content-sha256",
    b"x-amz-date",
    b"x-amz-security-token",
    b"x-amz-target",
    b"x-amz-user-agent",
    b"x-amzn-platform-id",
    b"x-amzn-trace-id",
    b"amz-sdk-invocation-id",
    b"amz-sdk-request",
)

PREFLIGHT_HEADERS: Final[tuple[Header, ...]] = (
    _ALLOW_ORIGIN,
    (b"access-control-allow-methods", b"GET, HEAD, PUT, POST, DELETE, PATCH, OPTIONS"),
    (b"access-control-allow-headers", b", ".join(_ALLOWED)),
    (b"access-control-max-age", b"172800"),
)
"""Of the answer to OPTIONS. `*` does not cover `authorization` (Fetch standard), so the SDKs' headers are named too."""

_EXPOSED: Final[tuple[Header, ...]] = (
    _ALLOW_ORIGIN,
    (b"access-control-expose-headers", b"x-amzn-errortype, x-amzn-requestid, x-amzn-errormessage, date"),
)


def cors_headers(headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
    """What an answer carries beside its own headers: nothing unless a page of another origin asked."""
    return _EXPOSED if b"origin" in headers else ()
