"""Content security policies: whether they let a script and a request through, by CSP Level 3.

https://www.w3.org/TR/CSP3/, sections 6.7.1 (scripts), 6.7.2 (sources and URLs).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

Policy = Mapping[str, tuple[str, ...]]
"""Names of directives in lower case, with their sources as written."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_NETWORK: Final = frozenset(_DEFAULT_PORTS)
_HASHES: Final = ("sha256-", "sha384-", "sha512-")


def policies(headers: Iterable[str]) -> list[Policy]:
    """What `Content-Security-Policy` headers say; each may hold several policies, and all of them hold."""
    found: list[Policy] = []
    for text in (one for header in headers for one in header.split(",")):
        policy: dict[str, tuple[str, ...]] = {}
        for directive in text.split(";"):
            name, *sources = directive.split() or [""]
            if name:
                policy.setdefault(name.lower(), tuple(sources))  # the first of a name counts
        if policy:
            found.append(policy)
    return found


def stops_script(policy: Policy, url: str, page: str, *, nonce: str = "", integrity: str = "") -> str | None:
    """The directive that keeps a page's script tag from loading this; None when none does."""
    name, sources = _governing(policy, "script-src-elem", "script-src", "default-src")
    if sources is None:
        return None
    words = [source.lower() for source in sources]
    if nonce and f"'nonce-{nonce}'" in sources:
        return None
    hashes = [one.partition("?")[0] for one in integrity.split() if one.startswith(_HASHES)]
    if hashes and all(f"'{one}'" in sources for one in hashes):
        return None
    if "'strict-dynamic'" not in words and _any_matches(sources, url, page):
        return None
    return name


def stops_request(policy: Policy, url: str, page: str) -> str | None:
    """The directive that keeps a script from sending a request there; None when none does."""
    name, sources = _governing(policy, "connect-src", "default-src")
    return name if sources is not None and not _any_matches(sources, url, page) else None


def _governing(policy: Policy, *names: str) -> tuple[str, Sequence[str] | None]:
    return next(((name, policy[name]) for name in names if name in policy), ("", None))


def _any_matches(sources: Sequence[str], url: str, page: str) -> bool:
    return any(_matches(source, urlsplit(url), urlsplit(page)) for source in sources)


def _matches(source: str, url: SplitResult, page: SplitResult) -> bool:
    word = source.lower()
    if word == "'self'":
        same_place = (url.hostname, _port(url)) == (page.hostname, _port(page)) and _as_safe(page.scheme, url.scheme)
        return same_place or (url.hostname == page.hostname and page.scheme == "http" and url.scheme == "https")
    if word == "*":
        return url.scheme in _NETWORK or url.scheme == page.scheme
    if word.startswith("'"):
        return False
    if word.endswith(":") and "/" not in word:
        return _as_safe(word[:-1], url.scheme)
    scheme, separator, rest = source.partition("://")
    if not separator:
        scheme, rest = page.scheme, source
    if not _as_safe(scheme.lower(), url.scheme):
        return False
    authority, slash, path = rest.partition("/")
    host, colon, port = authority.partition(":")
    return (
        _host_matches(host.lower(), url.hostname or "")
        and _port_matches(port if colon else None, url)
        and (not slash or _path_matches("/" + path, url.path))
    )


def _as_safe(scheme: str, used: str) -> bool:
    """A source may be met by the same scheme, or a safer one."""
    return scheme == used or (scheme, used) in {("http", "https"), ("ws", "wss"), ("ws", "http"), ("ws", "https")}


def _host_matches(pattern: str, host: str) -> bool:
    if pattern == "*":
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _port(url: SplitResult) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def _port_matches(port: str | None, url: SplitResult) -> bool:
    if port is None:
        return _port(url) == _DEFAULT_PORTS.get(url.scheme)
    return port == "*" or port == str(_port(url)) or (port == "80" and _port(url) == 443)


def _path_matches(pattern: str, path: str) -> bool:
    """One that ends with a slash is of a folder; a bare one is of all."""
    return pattern == "/" or (path.startswith(pattern) if pattern.endswith("/") else path == pattern)
