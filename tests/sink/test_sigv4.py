"""Our signatures are botocore's."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from relay.sink.personalize.sigv4 import Keys, Signer

_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


class _SigV4AtTime(SigV4Auth):
    """botocore's signer with the time and headers of the test."""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = request.headers["X-Amz-Date"]
        canonical = self.canonical_request(request)
        to_sign = self.string_to_sign(request, canonical)
        self._inject_signature_to_request(request, self.signature(to_sign, request))  # type: ignore[attr-defined]


@given(
    body=st.binary(max_size=300),
    now_ms=st.integers(min_value=0, max_value=4_000_000_000_000),
    keys=st.builds(Keys, _TEXT, _TEXT, st.none() | _TEXT),
    path=st.sampled_from(
        ["/events", "/users", "/a b/events", "/ü/items", "/~x/action-interactions", "/a//b/../c/events"]
    ),
)
def test_a_signature_is_the_one_botocore_makes(body: bytes, now_ms: int, keys: Keys, path: str) -> None:
    host = "personalize-events.eu-west-1.amazonaws.com:8443"
    signer = Signer(host=host, region="eu-west-1", service="personalize")
    ours = dict(line.split(": ", 1) for line in signer.lines(path, body, keys, now_ms).splitlines())
    stamp = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    request = AWSRequest("POST", f"https://{host}{path}", data=body, headers={"Content-Type": "application/json"})
    request.headers["X-Amz-Date"] = stamp
    if keys.token is not None:
        request.headers["X-Amz-Security-Token"] = keys.token
    _SigV4AtTime(Credentials(*keys), "personalize", "eu-west-1").add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]


def test_a_new_day_and_new_credentials_get_a_new_key() -> None:
    signer, day_ms = Signer(host="h", region="r", service="personalize"), 86_400_000
    made = [
        signer.lines("/events", b"", keys, now_ms)
        for keys in (Keys("a", "one", None), Keys("a", "two", None), Keys("a", "one", None))
        for now_ms in (0, day_ms, 0)
    ]
    assert made[0] == made[2] == made[6] == made[8]
    assert len(set(made)) == 4


@pytest.mark.parametrize(
    "keys", [Keys("a\r\nevil: 1", "s", None), Keys("a", "s", "t\nevil: 1"), Keys("a", "s\r", None)]
)
def test_a_line_break_in_credentials_is_never_sent(keys: Keys) -> None:
    with pytest.raises(ValueError, match="line break"):
        Signer(host="h", region="r", service="personalize").lines("/events", b"", keys, 0)
