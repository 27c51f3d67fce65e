"""AWS Signature Version 4 for one fixed kind of request: POST, no query, JSON body.

Botocore's signer does the same from a general request object, at several times the cost; a test compares the two
for random bodies, times and credentials. The key derived for a day is kept until day or credentials change.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final, NamedTuple

SIGNING_NAME: Final = "personalize"
"""The service's name in the scope, for personalize-events too (service model)."""


class Credentials(NamedTuple):
    """What a request is signed with, as of one moment."""

    access_key: str
    secret_key: str
    session_token: str | None = None


class Signer:
    """Signs requests to one host in one region."""

    def __init__(self, *, host: str, region: str) -> None:
        self._host = host
        self._region = region
        self._derived: tuple[str, str, bytes] | None = None

    def headers(self, path: str, body: bytes, *, credentials: Credentials, now_ms: int) -> dict[str, str]:
        """Every header the request needs, `Host` and `Content-Length` excepted: those the HTTP client sets itself.

        Args:
            path: Of the URL, in plain ASCII letters and slashes.
            body: As it will be sent.
            credentials: Taken anew for each request, since they rotate.
            now_ms: Wall-clock time; the service refuses what is more than 15 minutes off.
        """
        stamp = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        day = stamp[:8]
        scope = f"{day}/{self._region}/{SIGNING_NAME}/aws4_request"
        names = "content-type;host;x-amz-date"
        lines = f"content-type:application/json\nhost:{self._host}\nx-amz-date:{stamp}\n"
        headers = {"Content-Type": "application/json", "X-Amz-Date": stamp}
        if credentials.session_token:
            names += ";x-amz-security-token"
            lines += f"x-amz-security-token:{credentials.session_token}\n"
            headers["X-Amz-Security-Token"] = credentials.session_token
        canonical = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key(credentials.secret_key, day), text.encode(), "sha256").hex()
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={names}, "
            f"Signature={signature}"
        )
        return headers

    def _key(self, secret: str, day: str) -> bytes:
        if self._derived is None or self._derived[:2] != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, SIGNING_NAME, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = (secret, day, key)
        return self._derived[2]
