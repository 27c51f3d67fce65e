"""Which certificates are trusted, and what is said when aioboto3 no longer tells."""

from types import SimpleNamespace
from typing import Any, cast

import aioboto3
import pytest

from relay.core.errors import RelayError
from relay.sink.personalize.ca_bundle import ca_bundle_of


def test_the_variable_every_aws_program_knows_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ca_bundle_of(aioboto3.Session()) is None
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/bundle.pem")
    assert ca_bundle_of(aioboto3.Session()) == "/etc/bundle.pem"


def test_a_release_that_has_it_elsewhere_is_named_with_its_remedy() -> None:
    changed = cast("Any", SimpleNamespace(_inner=None))
    with pytest.raises(RelayError, match=r"aioboto3 \d+\..* does not say .*pip install 'aioboto3>=15"):
        ca_bundle_of(changed)
