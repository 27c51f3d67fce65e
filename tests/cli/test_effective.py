"""What `check` shows of the settings."""

import pytest

from relay.cli.check.effective import effective
from tests.support.relay import make_settings


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql://relay:s3cret@db.internal/relay?sslmode=require",
            "relay:********@db.internal/relay?sslmode=require",
        ),
        ("postgresql://db/relay?user=relay&password=s3cret&sslmode=require", "password=********&sslmode=require"),
        ("postgresql://relay@db/relay", "postgresql://relay@db/relay"),
    ],
)
def test_a_password_in_the_url_of_the_spool_is_masked(url: str, shown: str) -> None:
    (line,) = [line for line in effective(make_settings(spool_url=url)) if line.startswith("RELAY_SPOOL_URL=")]
    assert line.endswith(shown)
    assert "s3cret" not in line
