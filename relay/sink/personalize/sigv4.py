"""AWS Signature Version 4 for two kinds of request: a POST with a JSON body and no query, and a URL made beforehand.

The general signer of botocore costs some ten times as much a call. Tests compare the two for random requests.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SHA256: Final = hashlib.sha256()
"""Copied for each text: for each that is begun OpenSSL looks up the algorithm anew, which takes as long."""
_EMPTY_SHA256: Final = _SHA256.hexdigest()
CONTENT_TYPE: Final = "application/json"


class Keys(NamedTuple):
    """Credentials as they are at one moment."""

    access_key: str
    secret_key: str
    token: str | None


class Signer:
    """Signs for one endpoint. Whatever stays the same for a second is put together once a second.

    Args:
        host: With the port, if it is not the scheme's own.
        region: Of the endpoint.
        service: The service's signing name.
        user_agent: For the header of that name.
    """

    def __init__(self, *, host: str, region: str, service: str, user_agent: str = "") -> None:
        self._host = host
        self._region = region
        self._service = service
        self._fixed = (
            f"host: {host}\r\naccept-encoding: identity\r\ncontent-type: {CONTENT_TYPE}\r\nuser-agent: {user_agent}\r\n"
        )
        self._derived_for: tuple[str, str] | None = None
        self._derived = b""
        self._hmac = hmac.new(b"", digestmod="sha256")
        """Begun with the key; copied for each signature."""
        self._second = -1
        self._keys: Keys | None = None
        self._canonical_paths: dict[str, str] = {}

    def lines(self, path: str, body: bytes, keys: Keys, now_ms: int) -> str:
        """The header's lines, but for `content-length`: what the signature covers, `user-agent` and `authorization`.

        Args:
            path: As it stands in the request line, not encoded.
            body: What will be sent, to the byte.
            keys: Credentials.
            now_ms: Wall-clock time; the service takes 15 minutes of difference.

        Raises:
            ValueError: A line break in the credentials.
        """
        second = now_ms // 1000
        if second != self._second or keys != self._keys:
            self._begin(second, keys)
        start = self._canonical_paths.get(path) or self._canonical_path(path)
        request = f"{start}{self._middle}{_hex_sha256(body)}"
        return f"{self._start}{self._signature(request)}\r\n"

    def presigned(
        self,
        method: str,
        origin: str,
        path: str,
        query: Mapping[str, str | list[object]],
        *,
        expires_in: object,
        keys: Keys,
        now_ms: int,
    ) -> str:
        """A URL that whoever has it may call with an empty body.

        Args:
            method: Of the call.
            origin: Scheme, host and port.
            path: As in `lines`.
            query: Goes before what signs it; of lists each entry becomes a pair.
            expires_in: For how many seconds it is good.
            keys: Credentials.
            now_ms: From when.
        """
        self._begin(now_ms // 1000, keys)
        signed = "content-type;host"
        signing = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{keys.access_key}/{self._scope}",
            "X-Amz-Date": self._stamp,
            "X-Amz-Expires": expires_in,
            "X-Amz-SignedHeaders": signed,
        }
        if keys.token is not None:
            signing["X-Amz-Security-Token"] = keys.token
        pairs = [_pair(name, value) for name, values in query.items() for value in _each(values)]
        pairs += [_pair(name, value) for name, value in signing.items()]
        ordered = "&".join(f"{name}={value}" for name, value in sorted(pairs))
        request = (
            f"{method.upper()}\n{_encoded(path)}\n{ordered}\ncontent-type:{CONTENT_TYPE}\nhost:{self._host}\n\n"
            f"{signed}\n{_EMPTY_SHA256}"
        )
        query_string = "&".join(f"{name}={value}" for name, value in pairs)
        return f"{origin}{path}?{query_string}&X-Amz-Signature={self._signature(request)}"

    def _begin(self, second: int, keys: Keys) -> None:
        """What every request of this second has in common."""
        if any("\n" in part or "\r" in part for part in keys if part is not None):
            raise ValueError("a line break in the credentials")
        self._second, self._keys = second, keys
        self._stamp = stamp = datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
        self._scope = f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"
        self._before = f"{_ALGORITHM}\n{stamp}\n{self._scope}\n"
        self._hmac = hmac.new(self._derive(keys.secret_key, stamp[:8]), digestmod="sha256")
        signed, token, header = "content-type;host;x-amz-date", "", ""
        if keys.token is not None:
            signed = f"{signed};x-amz-security-token"
            token = f"x-amz-security-token:{' '.join(keys.token.split())}\n"
            header = f"x-amz-security-token: {keys.token}\r\n"
        self._middle = f"x-amz-date:{stamp}\n{token}\n{signed}\n"
        self._start = (
            f"{self._fixed}x-amz-date: {stamp}\r\n{header}authorization: {_ALGORITHM} "
            f"Credential={keys.access_key}/{self._scope}, SignedHeaders={signed}, Signature="
        )

    def _signature(self, request: str) -> str:
        to_sign = self._before + _hex_sha256(request.encode())
        signature = self._hmac.copy()
        signature.update(to_sign.encode())
        return signature.hexdigest()

    def _canonical_path(self, path: str) -> str:
        """The canonical request up to what changes; of a handful of paths."""
        start = f"POST\n{_encoded(path)}\n\ncontent-type:{CONTENT_TYPE}\nhost:{self._host}\n"
        self._canonical_paths[path] = start
        return start

    def _derive(self, secret_key: str, day: str) -> bytes:
        if self._derived_for != (secret_key, day):
            key = ("AWS4" + secret_key).encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived_for, self._derived = (secret_key, day), key
        return self._derived


def _hex_sha256(data: bytes) -> str:
    digest = _SHA256.copy()
    digest.update(data)
    return digest.hexdigest()


def _encoded(path: str) -> str:
    """As every service but S3 has it: without empty and dotted parts, encoded once more."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    end = "/" if parts and path.endswith("/") else ""
    return quote(f"/{'/'.join(parts)}{end}", safe="/~")


def _each(value: str | list[object]) -> list[object] | list[str]:
    return value if isinstance(value, list) else [value]


def _pair(name: str, value: object) -> tuple[str, str]:
    return quote(name, safe="-._~"), quote(str(value), safe="-._~")
