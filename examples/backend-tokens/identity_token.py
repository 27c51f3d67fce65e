"""An identity token with itsdangerous alone, for any Python backend: `pip install itsdangerous`.

RELAY_SECRET_KEYS=… python identity_token.py [--session ID] [--ttl SECONDS] USER_ID
"""

import argparse
import hashlib
import os
import sys
import time

from itsdangerous import URLSafeTimedSerializer


def identity_token(key: str, user_id: str, *, session_id: str | None = None, ttl_s: int | None = None) -> str:
    """The token for a user who has just logged in.

    Args:
        key: The first of the relay's `RELAY_SECRET_KEYS`.
        user_id: The same text as in Personalize, 1 to 256 characters.
        session_id: If given, the token is good for this session only.
        ttl_s: If given, it ends after that many seconds.

    Raises:
        ValueError: the key is not one a relay takes: with an empty one anybody could sign.
    """
    if len(key) < 32:
        raise ValueError(f"RELAY_SECRET_KEYS: the first key has {len(key)} characters, at least 32")
    claims: dict[str, str | int] = {"sub": user_id}
    if session_id is not None:
        claims["sid"] = session_id
    if ttl_s is not None:
        claims["exp"] = int(time.time()) + ttl_s
    hmac_sha256 = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(key, salt="relay.identity.v1", signer_kwargs=hmac_sha256).dumps(claims)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("user_id")
    arguments.add_argument("--session")
    arguments.add_argument("--ttl", type=int)
    given = arguments.parse_args()
    signing_key = os.environ.get("RELAY_SECRET_KEYS", "").split(",")[0].strip()
    try:
        token = identity_token(signing_key, given.user_id, session_id=given.session, ttl_s=given.ttl)
    except ValueError as error:
        sys.exit(str(error))
    print(token)  # noqa: T201 - its job
