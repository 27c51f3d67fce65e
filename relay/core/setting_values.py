"""Parsers of single settings: text in, value out, `ValueError` with what to do otherwise."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from relay.core.limits import MAX_ID_CHARS

MIN_KEY_CHARS: Final = 32
"""Shortest secret key that is accepted."""

_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?")
_APP_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([A-Za-z0-9_.~-]+)(?::([1-9][0-9]{0,4}))?")
"""Of an app or a browser extension: `capacitor://localhost`, `app://-`, `chrome-extension://abc…`. Browsers keep the
case of such a host."""
_NO_ORIGIN_OF_ITS_OWN: Final = ("about", "blob", "data", "file", "ftp", "javascript", "ws", "wss")
"""Pages of these schemes have the origin `null`, which is anybody's, or there are none."""
_RATE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)/(s|min|h)")
_RATE_UNITS_S: Final = {"s": 1, "min": 60, "h": 3600}
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_OWN_PATHS: Final = ("/api", "/healthz", "/readyz")
_ENCRYPTED: Final = ("require", "verify-ca", "verify-full")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}

MIN_PROXY_SECRET_CHARS: Final = 16
"""Shortest value of `RELAY_PROXY_SECRET` that is accepted."""

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")

Network = IPv4Network | IPv6Network


class Rate(NamedTuple):
    """Events a second; `None` in its place means no limit."""

    per_s: float


def split_list(value: object) -> object:
    """`"a, b"` to `["a", "b"]`; what is not text goes through, for lists from a file."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def secret_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """Check the keys together; messages never show one."""
    problems = [
        f"key {number} has {len(key)} characters"
        for number, key in enumerate(keys, start=1)
        if len(key) < MIN_KEY_CHARS
    ]
    if not keys:
        problems.append("no key")
    if len(set(keys)) != len(keys):
        problems.append("the same key twice")
    if any(not key.isascii() for key in keys):
        problems.append("a key with characters outside ASCII")
    if problems:
        raise ValueError(
            f"{'; '.join(problems)}; each needs {MIN_KEY_CHARS} or more: `personalize-relay token keygen` makes one"
        )
    return tuple(keys)


def tracking_id(text: str) -> str:
    """An event tracker's tracking id, not its ARN."""
    if text.startswith("arn:"):
        raise ValueError(
            "this is an ARN; the tracking id is wanted, a UUID"
            f" (`aws personalize describe-event-tracker --event-tracker-arn {text[:300]}` shows it)"
        )
    if not 1 <= len(text) <= MAX_ID_CHARS or not text.isprintable() or " " in text:
        raise ValueError(f"a tracking id has 1 to {MAX_ID_CHARS} characters and no spaces")
    return text


def origins(texts: Sequence[str], *, any_origin: bool) -> frozenset[str]:
    """Exact origins as a browser writes them; `*` only with `any_origin`."""
    problems: list[str] = []
    for text in texts:
        if text == "*":
            if not any_origin:
                problems.append(
                    "`*` would let every site send; name the origins, or set RELAY_DEV=1 on your own machine"
                )
        else:
            problem = _origin_problem(text)
            if problem:
                problems.append(problem)
    if not texts:
        problems.append("empty; name the sites that embed the snippet, such as https://shop.example")
    if problems:
        raise ValueError("; ".join(problems))
    return frozenset(texts)


def _origin_problem(text: str) -> str | None:
    match = _ORIGIN.fullmatch(text) or _app_origin(text)
    if match and int(match[3] or 1) < 65536:
        if match[3] and match[3] == _DEFAULT_PORTS.get(match[1]):
            return f"{text!r}: browsers leave the default port out; write {text.rpartition(':')[0]!r}"
        return None
    scheme = text.strip().partition(":")[0].lower()
    if scheme in _NO_ORIGIN_OF_ITS_OWN or text == "null":
        return f"{text!r}: pages like that have the origin `null`, which is anybody's; serve them from one such as https://shop.example"
    wanted = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)(://[^/?#\s]+)", text.strip())
    meant = wanted and wanted[1].lower() + (wanted[2].lower() if wanted[1].lower() in _DEFAULT_PORTS else wanted[2])
    hint = f"did you mean {meant!r}?" if meant and _is_origin(meant) else "write it as https://shop.example"
    return f"{text!r} is not an exact origin (scheme://host[:port], lower case, no path, no slash at the end); {hint}"


def _is_origin(text: str) -> bool:
    return bool(_ORIGIN.fullmatch(text) or _app_origin(text))


def _app_origin(text: str) -> re.Match[str] | None:
    match = _APP_ORIGIN.fullmatch(text)
    return match if match and match[1] not in (*_DEFAULT_PORTS, *_NO_ORIGIN_OF_ITS_OWN) else None


def rate(value: object) -> Rate | None:
    """`50/s`, `600/min`, `100/h`, or `off`."""
    if value is None or isinstance(value, Rate):
        return value
    text = str(value).strip()
    if text == "off":
        return None
    match = _RATE.fullmatch(text)
    per_s = float(match[1]) / _RATE_UNITS_S[match[2]] if match else 0.0
    if per_s <= 0:
        raise ValueError(f"{text!r} is not a rate; write it as 50/s, 600/min, or off")
    return Rate(per_s)


def names(value: object) -> object:
    """`"a, B, b"` to `["a", "b"]`; what is not text goes through, for lists from a file."""
    if isinstance(value, str):
        return list(dict.fromkeys(part.strip().lower() for part in value.split(",") if part.strip()))
    return value


def proxy_secret(secret: SecretStr | None) -> SecretStr | None:
    """`Header: value[, value]`, each value long enough not to be guessed."""
    if secret is not None:
        name, values = proxy_secret_parts(secret)
        if not _HEADER_NAME.fullmatch(name) or not values:
            raise ValueError("write it as `Header: value`, or `Header: value, value` while it is changed")
        if any(len(value) < MIN_PROXY_SECRET_CHARS for value in values):
            raise ValueError(f"a value has fewer than {MIN_PROXY_SECRET_CHARS} characters; make a longer one")
    return secret


def proxy_secret_parts(secret: SecretStr) -> tuple[str, tuple[str, ...]]:
    """The header's name, and the values that will do."""
    name, _, rest = secret.get_secret_value().partition(":")
    return name.strip(), tuple(part.strip() for part in rest.split(",") if part.strip())


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks in CIDR notation, or single addresses."""
    parsed: list[Network] = []
    problems: list[str] = []
    for text in texts:
        try:
            parsed.append(ip_network(text.strip()))
        except ValueError as error:
            problems.append(f"{text!r} is not a network such as 10.0.0.0/8 ({error})")
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(parsed)


def prefix(text: str) -> str:
    """A path prefix without a slash at the end; `/` means none."""
    if text == "/":
        return ""
    if not _PREFIX.fullmatch(text) or "/." in text:
        raise ValueError(f"{text!r} is not a path prefix; write it as /r")
    if text.startswith(_OWN_PATHS):
        raise ValueError(f"{text!r} belongs to the relay's own paths; write it as /r")
    return text


def spool_url(text: str) -> str:
    """`sqlite:///PATH`, `postgresql://…` where the library for it is there, or `memory:`."""
    if text.startswith("postgresql://"):
        if find_spec("asyncpg") is None:
            raise ValueError("needs a library: pip install 'personalize-relay[postgres]'")
        return text
    if text == "memory:" or (text.startswith("sqlite:///") and len(text) > len("sqlite:///")):
        return text
    raise ValueError(
        f"{text!r} is not a spool; write it as sqlite:///relay-spool.db, sqlite:////var/lib/relay.db,"
        " postgresql://user@host/database or memory:"
    )


def iam_database(url: str) -> None:
    """Check that tokens of IAM can be made for this spool, and are shown to nobody on the way."""
    parts = urlsplit(url)
    if parts.scheme != "postgresql" or not parts.username or not parts.hostname or "," in parts.netloc:
        raise ValueError("needs RELAY_SPOOL_URL as postgresql://role@host/database, with one host")
    if parse_qs(parts.query).get("sslmode", [""])[-1] not in _ENCRYPTED:
        raise ValueError("sends a password that works for 15 minutes: put ?sslmode=verify-full into RELAY_SPOOL_URL")


def sink(text: str) -> str:
    """`personalize` or `jsonl:PATH`."""
    if text == "personalize" or (text.startswith("jsonl:") and len(text) > len("jsonl:")):
        return text
    raise ValueError(f"{text!r} is not a sink; write personalize, or jsonl:PATH")


def jwks(text: str | None) -> str | None:
    """A path, or an https URL (http on this machine only), where the library for JWTs is there."""
    if text is None:
        return None
    if text.startswith("http://") and not re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])[:/]", text):
        raise ValueError("keys that come over http could be anybody's; use https")
    if find_spec("jwt") is None or find_spec("cryptography") is None:
        raise ValueError("needs a library: pip install 'personalize-relay[jwt]'")
    return text


def trace(kind: Literal["otlp"] | None) -> Literal["otlp"] | None:
    """A kind of traces, where the library for them is there."""
    if kind is not None and (find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None):
        raise ValueError("needs a library: pip install 'personalize-relay[otel]'")
    return kind


def moment_s(value: object) -> int | None:
    """Unix seconds, or an ISO 8601 time; a time without an offset is UTC."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    else:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            raise ValueError(f"{value!r} is not a time; write it as 2026-11-22T04:00:00Z or in Unix seconds") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
