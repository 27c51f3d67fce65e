"""The certificates a person told AWS programs to trust. The only file that uses what aioboto3 does not make public."""

from importlib.metadata import version
from typing import Any

import aioboto3

from relay.core.errors import RelayError


def ca_bundle_of(session: aioboto3.Session) -> str | None:
    """`AWS_CA_BUNDLE`, or `ca_bundle` of the profile: a path; None for botocore's own list.

    Asked at the start of a sink, so that a release that has it elsewhere ends the start and not the trust.

    Raises:
        RelayError: this release of aioboto3 keeps it elsewhere.
    """
    inner: Any = getattr(session, "_session", None)
    ask = getattr(inner, "get_config_variable", None)
    if ask is None:
        raise RelayError(
            f"aioboto3 {version('aioboto3')} does not say which certificates to trust (ca_bundle) where the relay "
            "looks for it; install the release that personalize-relay asks for: pip install 'aioboto3>=15.5,<16'"
        )
    bundle: str | None = ask("ca_bundle")
    return bundle
