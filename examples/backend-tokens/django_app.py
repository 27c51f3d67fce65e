"""Identity tokens from a Django project, for the snippet's `data-identity-url="/relay-identity"`.

RELAY_SECRET_KEYS=… APP_SECRET=… uvicorn django_app:app

A whole project in one file, so that it runs as it is; in yours take the view and the serializer.
"""

import hashlib
import json
import os

from django.conf import settings  # type: ignore[import-untyped]  # Django ships no types
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]  # the same
from django.http import HttpRequest, HttpResponse, JsonResponse  # type: ignore[import-untyped]  # the same
from django.urls import path  # type: ignore[import-untyped]  # the same
from itsdangerous import URLSafeTimedSerializer

settings.configure(
    SECRET_KEY=os.environ["APP_SECRET"],
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)

RELAY_KEY = os.environ["RELAY_SECRET_KEYS"].split(",")[0].strip()
if len(RELAY_KEY) < 32:  # with an empty one anybody could sign
    raise SystemExit(f"RELAY_SECRET_KEYS: the first key has {len(RELAY_KEY)} characters, at least 32")
# Not `django.core.signing`: it signs in a format of its own.
identity_tokens = URLSafeTimedSerializer(
    RELAY_KEY, salt="relay.identity.v1", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
)


def relay_identity(request: HttpRequest) -> HttpResponse:
    """A token for whoever is logged in; in yours `request.user.is_authenticated` and `str(request.user.pk)`.

    The one line is `identity_tokens.dumps({"sub": ...})`.
    """
    user_id = request.session.get("user_id")
    if user_id is None:
        return HttpResponse(status=204)
    return JsonResponse({"identity": identity_tokens.dumps({"sub": user_id})}, headers={"Cache-Control": "no-store"})


def login(request: HttpRequest) -> HttpResponse:
    """Stands for your login: it believes anybody, and only on your own machine should it run."""
    request.session["user_id"] = json.loads(request.body)["user"]
    return HttpResponse(status=204)


urlpatterns = [path("relay-identity", relay_identity), path("login", login)]
app = get_asgi_application()
