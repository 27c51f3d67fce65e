"""A request's headers by name."""

from collections.abc import Iterable

Pairs = list[tuple[bytes, bytes]]
"""As they came; names in lower case."""


def fields_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by name; the lines of one name joined in order, as RFC 9110 (5.3) lets a proxy do, too.

    So no second line hides a first: two `Origin` are an origin that nobody allowed.
    """
    pairs = headers if isinstance(headers, list) else list(headers)
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    joined: dict[bytes, bytes] = {}
    for name, value in pairs:
        before = joined.get(name)
        joined[name] = value if before is None else before + (b"; " if name == b"cookie" else b", ") + value
    return joined
