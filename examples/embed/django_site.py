"""A Django site beside a relay: the tag on every page, who is signed in, and a sign-out that the page tells once.

    export RELAY_SITE_TOKEN=$(personalize-relay token site)
    RELAY_SECRET_KEYS=… RELAY_URL=https://events.shop.example APP_SECRET=… uvicorn django_site:app

A whole project in one file, so that it runs as it is; in yours take the context, the three views and static/relay.js.
"""

import os
from pathlib import Path

from django.conf import settings  # type: ignore[import-untyped]  # Django ships no types
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]  # the same
from django.http import (  # type: ignore[import-untyped]  # the same
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template import engines  # type: ignore[import-untyped]  # the same
from django.urls import path  # type: ignore[import-untyped]  # the same

from relay.tokens import mint_identity

settings.configure(
    SECRET_KEY=os.environ["APP_SECRET"],
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)

KEY = os.environ["RELAY_SECRET_KEYS"].split(",")[0].strip()
"""The first signs."""
PAGE = """<!doctype html>
<title>A shop</title>
<script async src="{{ relay }}/r/s.js" data-token="{{ site_token }}" data-identity-url="/relay-identity"></script>
<script src="/static/relay.js" data-identity="{{ identity }}" data-signed-out="{{ signed_out }}"></script>
<main data-relay-view="p1"><h1>A mug</h1></main>
<form method="post" action="{{ action }}">{% csrf_token %}<button>{{ action }}</button></form>
"""


def identity(request: HttpRequest) -> str:
    """A token for whoever is signed in, or nothing; in yours `str(request.user.pk)` if `is_authenticated`."""
    user = request.session.get("user_id")
    return mint_identity(user, secret_key=KEY, ttl_s=3600) if user else ""


def page(request: HttpRequest) -> HttpResponse:
    """Any page."""
    context = {
        "relay": os.environ["RELAY_URL"],
        "site_token": os.environ["RELAY_SITE_TOKEN"],
        "identity": identity(request),
        "signed_out": "yes" if request.session.pop("signed_out", False) else "",
        "action": "/logout" if "user_id" in request.session else "/login",
    }
    return HttpResponse(engines["django"].from_string(PAGE).render(context, request))


def relay_identity(request: HttpRequest) -> HttpResponse:
    """The snippet asks when a token has expired."""
    token = identity(request)
    return (
        JsonResponse({"identity": token}, headers={"Cache-Control": "no-store"}) if token else HttpResponse(status=204)
    )


def login(request: HttpRequest) -> HttpResponse:
    """Stands for yours, which asks for a password."""
    request.session["user_id"] = "user-42"
    return HttpResponseRedirect("/")


def logout(request: HttpRequest) -> HttpResponse:
    """The next page tells the snippet, which begins a new session."""
    request.session.flush()
    request.session["signed_out"] = True
    return HttpResponseRedirect("/")


def script(_: HttpRequest) -> HttpResponse:
    """In yours `django.contrib.staticfiles` serves it."""
    return HttpResponse((Path(__file__).parent / "static/relay.js").read_text(), content_type="text/javascript")


urlpatterns = [
    path("", page),
    path("relay-identity", relay_identity),
    path("login", login),
    path("logout", logout),
    path("static/relay.js", script),
]
app = get_asgi_application()
