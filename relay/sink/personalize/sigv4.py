"""AWS Signature Version 4 for one kind of request: a POST with a JSON body and no query.

The general signer of botocore costs some ten times as much a call. A test compares the two for random requests.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
CONTENT_TYPE: Final = "application/json"


class Keys(NamedTuple):
    """Credentials as they are at one moment."""

    access_key: str
    secret_key: str
    token: str | None


class Signer:
    """Signs for one endpoint. Keeps what stays the same: the derived key for a day, the time for a second."""

    def __init__(self, *, host: str, region: str, service: str) -> None:
        """For requests to `host` (with the port if it is not the scheme's own)."""
        self._host = host
        self._region = region
        self._service = service
        self._derived_for: tuple[str, str] | None = None
        self._derived = b""
        self._second: int | None = None
        self._stamp = ""
        self._canonical: dict[str, str] = {}

    def headers(self, path: str, body: bytes, keys: Keys, now_ms: int) -> dict[str, str]:
        """Every header the signature covers, and `Authorization`.

        Args:
            path: As it stands in the request line, not encoded.
            body: What will be sent, to the byte.
            keys: Credentials.
            now_ms: Wall-clock time; the service takes 15 minutes of difference.
        """
        if now_ms // 1000 != self._second:
            self._second = now_ms // 1000
            self._stamp = datetime.fromtimestamp(self._second, UTC).strftime("%Y%m%dT%H%M%SZ")
        stamp = self._stamp
        day = stamp[:8]
        headers = {"content-type": CONTENT_TYPE, "host": self._host, "x-amz-date": stamp}
        signed, token_line = "content-type;host;x-amz-date", ""
        if keys.token is not None:
            headers["x-amz-security-token"] = keys.token
            signed, token_line = f"{signed};x-amz-security-token", f"x-amz-security-token:{keys.token}\n"
        request = f"{self._start(path)}x-amz-date:{stamp}\n{token_line}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key(keys.secret_key, day), to_sign.encode(), "sha256").hex()
        headers["authorization"] = (
            f"{_ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        )
        return headers

    def _start(self, path: str) -> str:
        """The canonical request up to what changes; of a handful of paths."""
        start = self._canonical.get(path)
        if start is None:
            encoded = quote(path, safe="/~")
            start = self._canonical[path] = f"POST\n{encoded}\n\ncontent-type:{CONTENT_TYPE}\nhost:{self._host}\n"
        return start

    def _key(self, secret_key: str, day: str) -> bytes:
        if self._derived_for != (secret_key, day):
            key = ("AWS4" + secret_key).encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived_for, self._derived = (secret_key, day), key
        return self._derived
