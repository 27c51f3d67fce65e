"""Identity tokens in Python, three ways; run it with a user id.

Starlette   return JSONResponse({"identity": mint_identity(request.user.identity, secret_key=KEY)})
Django      return JsonResponse({"identity": mint_identity(str(request.user.pk), secret_key=settings.RELAY_KEY)})
Flask       return {"identity": mint_identity(str(current_user.id), secret_key=app.config["RELAY_KEY"])}
"""

import hashlib
import os
import sys

from itsdangerous import URLSafeTimedSerializer

KEY = os.environ["RELAY_SECRET_KEYS"].split(",")[0].strip()


def with_the_relay(user_id: str) -> str:
    """Where `personalize-relay` is installed."""
    from relay.tokens import mint_identity  # noqa: PLC0415 - the other way does without

    return mint_identity(user_id, secret_key=KEY)


def with_itsdangerous(user_id: str) -> str:
    """Where only itsdangerous is."""
    serializer = URLSafeTimedSerializer(
        KEY,
        salt="relay.identity.v1",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
    return serializer.dumps({"sub": user_id})


if __name__ == "__main__":
    mint = with_the_relay if sys.argv[2:] == ["--with-the-relay"] else with_itsdangerous
    print(mint(sys.argv[1]))  # noqa: T201 - it is what the example does
