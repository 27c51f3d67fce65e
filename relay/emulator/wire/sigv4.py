"""Signature Version 4, verified over the request as it came: written from the specification, without botocore.

Any access key is known; its secret is `emulator`. Any region is served; the service in the scope is `personalize`
for all three APIs. Session tokens are taken as they are. A signature stands in the `Authorization` header, or in the
query of a presigned URL.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote

from relay.emulator.wire.errors import AwsError

SECRET: Final = "emulator"  # noqa: S105  # published on purpose: it guards nothing
SERVICE: Final = "personalize"
MAX_SKEW_S: Final = 15 * 60
"""How far a signature's time may be off, in either direction (the service's list of common errors)."""

_AUTHORIZATION: Final = re.compile(
    rb"AWS4-HMAC-SHA256\s+Credential=(?P<key>[\w-]{1,128})/(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,32})/"
    rb"(?P<service>[a-z0-9-]{1,64})/aws4_request\s*,\s*"
    rb"SignedHeaders=(?P<signed>[a-z0-9;._-]{1,1024})\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_CREDENTIAL: Final = re.compile(
    rb"(?P<key>[\w-]{1,128})/(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,32})/(?P<service>[a-z0-9-]{1,64})/aws4_request"
)
_SIGNED_HEADERS: Final = re.compile(rb"[a-z0-9;._-]{1,1024}")
_SIGNATURE: Final = re.compile(rb"[0-9a-f]{64}")
_MAX_EXPIRES_S: Final = 7 * 24 * 3600
_AMZ_DATE: Final = re.compile(rb"\d{8}T\d{6}Z")
_MAX_CACHED_KEYS: Final = 64


class _Claim(NamedTuple):
    """What a signature says of itself."""

    key: bytes
    date: bytes
    region: bytes
    service: bytes
    signed: bytes
    signature: bytes
    amz_date: bytes
    expires_s: int | None = None
    """Of a presigned URL."""


class Credential(NamedTuple):
    """Who signed a call, and for which region."""

    access_key_id: str
    region: str


class Verifier:
    """Checks signatures. Keys derived for a day and region are kept: a client uses the same for a day."""

    def __init__(self, secret: str = SECRET) -> None:
        self._secret = b"AWS4" + secret.encode()
        self._keys: dict[tuple[bytes, bytes], bytes] = {}
        self._second: tuple[bytes, float] = (b"", 0.0)

    def verify(
        self,
        *,
        method: str,
        raw_path: bytes,
        query: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
        now_s: float,
    ) -> Credential:
        """Who signed the request.

        Args:
            method: As on the request line.
            raw_path: Path as on the request line, still percent-encoded.
            query: What follows the question mark, still percent-encoded.
            headers: Lower-case name to value; values of a repeated header joined by a comma.
            body: The whole body.
            now_s: Wall-clock time in seconds since the Unix epoch.

        Raises:
            AwsError: There is no signature, it is not well formed, too old, or not the one of this request.
        """
        presigned = b"X-Amz-Signature=" in query
        claim = _presigned(query) if presigned else _in_header(headers)
        key, date, region, service, signed, signature, amz_date, _ = claim
        if service != SERVICE.encode():
            raise AwsError("InvalidSignatureException", f"Credential should be scoped to correct service: '{SERVICE}'.")
        self._check_time(claim, now_s)
        body_hash = hashlib.sha256(body).hexdigest().encode()
        if headers.get(b"x-amz-content-sha256", body_hash) != body_hash:
            raise _mismatch()
        names = signed.split(b";")
        _check_signed_headers(names, headers)
        canonical = b"\n".join(
            (
                method.encode(),
                _canonical_path(raw_path),
                _canonical_query(query),
                *(name + b":" + _canonical_value(headers[name]) for name in names),
                b"",
                signed,
                body_hash,
            )
        )
        scope = b"/".join((date, region, service, b"aws4_request"))
        to_sign = b"\n".join((b"AWS4-HMAC-SHA256", amz_date, scope, hashlib.sha256(canonical).hexdigest().encode()))
        expected = hmac.digest(self._signing_key(date, region), to_sign, "sha256").hex().encode()
        if not hmac.compare_digest(expected, signature):
            raise _mismatch()
        return Credential(key.decode(), region.decode())

    def _check_time(self, claim: _Claim, now_s: float) -> None:
        amz_date = claim.amz_date
        if amz_date != self._second[0]:
            self._second = (amz_date, _seconds(amz_date))
        if not amz_date.startswith(claim.date):
            raise AwsError("InvalidSignatureException", "Date in Credential scope does not match x-amz-date.")
        age_s = now_s - self._second[1]
        if claim.expires_s is None and abs(age_s) > MAX_SKEW_S:
            raise AwsError("RequestExpired", f"Signature of {amz_date.decode()} is more than 15 minutes off our clock.")
        if claim.expires_s is not None and not -MAX_SKEW_S <= age_s <= claim.expires_s:
            raise AwsError("RequestExpired", f"The URL signed at {amz_date.decode()} is no longer, or not yet, valid.")

    def _signing_key(self, date: bytes, region: bytes) -> bytes:
        cached = self._keys.get((date, region))
        if cached is not None:
            return cached
        key = self._secret
        for part in (date, region, SERVICE.encode(), b"aws4_request"):
            key = hmac.digest(key, part, "sha256")
        if len(self._keys) >= _MAX_CACHED_KEYS:
            self._keys.clear()
        self._keys[date, region] = key
        return key


def _in_header(headers: Mapping[bytes, bytes]) -> _Claim:
    value = headers.get(b"authorization")
    if value is None:
        raise AwsError("MissingAuthenticationToken", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(value)
    if match is None:
        raise AwsError("IncompleteSignature", "Authorization header is not a complete AWS4-HMAC-SHA256 signature.")
    key, date, region, service, signed, signature = match.groups()
    return _Claim(key, date, region, service, signed, signature, headers.get(b"x-amz-date", b""))


def _presigned(query: bytes) -> _Claim:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    found = {name.encode("latin-1"): value.encode("latin-1") for name, value in pairs}
    credential = _CREDENTIAL.fullmatch(found.get(b"X-Amz-Credential", b""))
    signed, signature = found.get(b"X-Amz-SignedHeaders", b""), found.get(b"X-Amz-Signature", b"")
    expires = found.get(b"X-Amz-Expires", b"")
    if (
        credential is None
        or found.get(b"X-Amz-Algorithm") != b"AWS4-HMAC-SHA256"
        or _SIGNED_HEADERS.fullmatch(signed) is None
        or _SIGNATURE.fullmatch(signature) is None
        or not (expires.isdigit() and len(expires) <= 6 and int(expires) <= _MAX_EXPIRES_S)
    ):
        raise AwsError("IncompleteSignature", "The query is not a complete AWS4-HMAC-SHA256 signature.")
    key, date, region, service = credential.groups()
    return _Claim(key, date, region, service, signed, signature, found.get(b"X-Amz-Date", b""), int(expires))


def _seconds(amz_date: bytes) -> float:
    if _AMZ_DATE.fullmatch(amz_date) is None:
        raise AwsError("IncompleteSignature", "x-amz-date must be given as YYYYMMDDTHHMMSSZ.")
    try:
        return datetime.strptime(amz_date.decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise AwsError("IncompleteSignature", "x-amz-date is not a date.") from None


def _check_signed_headers(names: list[bytes], headers: Mapping[bytes, bytes]) -> None:
    """The host and every `x-amz-*` header must be signed, each signed header must be there, in order, once."""
    if names != sorted(set(names)):
        raise AwsError("IncompleteSignature", "SignedHeaders must be sorted and name each header once.")
    if b"host" not in names:
        raise AwsError("InvalidSignatureException", "'Host' must be a SignedHeader in the AWS Authorization.")
    for name in names:
        if name not in headers:
            raise AwsError("InvalidSignatureException", f"Signed header '{name.decode()}' is not in the request.")
    for name in headers:
        if name.startswith(b"x-amz-") and name not in names:
            raise AwsError("InvalidSignatureException", f"'{name.decode('latin-1')}' must be a SignedHeader.")


@lru_cache(maxsize=64)
def _canonical_path(raw_path: bytes) -> bytes:
    """Encoded once more, as every service but S3 has it."""
    return quote(raw_path, safe="/~").encode()


def _canonical_query(query: bytes) -> bytes:
    if not query:
        return b""
    parts = (part.partition(b"=")[::2] for part in query.split(b"&"))
    pairs = sorted(pair for pair in parts if pair[0] != b"X-Amz-Signature")
    return b"&".join(name + b"=" + value for name, value in pairs)


def _canonical_value(value: bytes) -> bytes:
    return b" ".join(value.split()) if b"  " in value or value[:1].isspace() or value[-1:].isspace() else value


def _mismatch() -> AwsError:
    return AwsError(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    )


def joined_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name, values of a repeated one joined by a comma, as the canonical request wants them."""
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        headers[name] = headers[name] + b"," + value if name in headers else value
    return headers
