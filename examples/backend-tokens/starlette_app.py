"""Identity tokens from a Starlette application, for the snippet's `data-identity-url="/relay-identity"`.

RELAY_SECRET_KEYS=… APP_SECRET=… uvicorn starlette_app:app
"""

import hashlib
import os

from itsdangerous import URLSafeTimedSerializer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

RELAY_KEY = os.environ["RELAY_SECRET_KEYS"].split(",")[0].strip()
if len(RELAY_KEY) < 32:  # with an empty one anybody could sign
    raise SystemExit(f"RELAY_SECRET_KEYS: the first key has {len(RELAY_KEY)} characters, at least 32")
identity_tokens = URLSafeTimedSerializer(
    RELAY_KEY, salt="relay.identity.v1", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
)


async def relay_identity(request: Request) -> Response:
    """A token for whoever is logged in. The one line is `identity_tokens.dumps({"sub": ...})`."""
    user_id = request.session.get("user_id")
    if user_id is None:
        return Response(status_code=204)
    return JSONResponse({"identity": identity_tokens.dumps({"sub": user_id})}, headers={"Cache-Control": "no-store"})


async def login(request: Request) -> Response:
    """Stands for your login: it believes anybody, and only on your own machine should it run."""
    request.session["user_id"] = (await request.json())["user"]
    return Response(status_code=204)


app = Starlette(
    routes=[Route("/relay-identity", relay_identity), Route("/login", login, methods=["POST"])],
    middleware=[Middleware(SessionMiddleware, secret_key=os.environ["APP_SECRET"])],
)
