"""Our signer against botocore's own, which is the reference."""

from datetime import UTC, datetime
from unittest import mock

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from relay.sink.signing import SIGNING_NAME, Credentials, Signer

HOST = "personalize-events.eu-west-1.amazonaws.com"
secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
tokens = st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200)
moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 1, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC, microsecond=0)
)


def authorization_of_botocore(path: str, body: bytes, credentials: Credentials, at: datetime) -> str:
    request = AWSRequest("POST", f"https://{HOST}{path}", headers={"Content-Type": "application/json"}, data=body)
    with mock.patch("botocore.auth.get_current_datetime", return_value=at.replace(tzinfo=None)):
        SigV4Auth(BotoCredentials(*credentials), SIGNING_NAME, "eu-west-1").add_auth(request)
    return str(request.headers["Authorization"])


@given(bodies=st.lists(st.tuples(st.binary(max_size=300), moments, secrets, tokens), min_size=1, max_size=6))
def test_signatures_are_botocores_while_bodies_days_and_credentials_change(
    bodies: list[tuple[bytes, datetime, str, str | None]],
) -> None:
    signer = Signer(host=HOST, region="eu-west-1")
    for body, at, secret, token in bodies:
        credentials = Credentials("AKIDEXAMPLE", secret, token)
        ours = signer.headers("/events", body, credentials=credentials, now_ms=int(at.timestamp() * 1000))
        assert ours["Authorization"] == authorization_of_botocore("/events", body, credentials, at)
        assert ours.get("X-Amz-Security-Token") == token
