"""Tokens of AWS IAM for the shared spool: those that AWS's own SDK makes."""

from urllib.parse import parse_qs, urlsplit

import aioboto3
import boto3
import pytest

from relay.core.errors import SpoolError
from relay.sink.personalize.account import Account
from relay.sink.personalize.database_token import DatabaseTokens

HOST = "spool.abc123.eu-west-1.rds.amazonaws.com"
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s/e+c", "aws_session_token": "t/o+k=="}


def tokens(url: str, region: str | None = "us-east-1", **keys: str) -> DatabaseTokens:
    session = aioboto3.Session(region_name=region, **keys)  # type: ignore[arg-type]  # keys by name
    return DatabaseTokens(url, Account(session))


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "region"),
    [
        (f"postgresql://relay@{HOST}/relay?sslmode=verify-full", HOST, 5432, "relay", "eu-west-1"),
        (f"postgresql://re%40lay+x@{HOST.upper()}:6543/relay", HOST, 6543, "re@lay+x", "eu-west-1"),
        ("postgresql://relay@db.internal/relay", "db.internal", 5432, "relay", "us-east-1"),
        (f"postgresql://relay@{HOST}.cn/relay", f"{HOST}.cn", 5432, "relay", "eu-west-1"),
    ],
)
async def test_a_token_is_the_one_that_boto3_makes(url: str, host: str, port: int, user: str, region: str) -> None:
    theirs = boto3.client("rds", region_name=region, **KEYS)  # type: ignore[call-overload]  # keys by name
    make = tokens(url, **KEYS)
    while True:
        token, expected = await make(), theirs.generate_db_auth_token(host, port, user)
        mine, other = (parse_qs(urlsplit(f"https://{one}").query) for one in (token, expected))
        if mine["X-Amz-Date"] == other["X-Amz-Date"]:  # of the same second
            break
    assert token == expected


async def test_without_credentials_or_region_it_is_said_what_is_missing() -> None:
    with pytest.raises(SpoolError, match="credentials"):
        await tokens(f"postgresql://relay@{HOST}/relay")()
    with pytest.raises(SpoolError, match="region"):
        await tokens("postgresql://relay@db.internal/relay", None, **KEYS)()
