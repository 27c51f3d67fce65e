"""A Flask site beside a relay: the tag on every page, who is signed in, and a sign-out that the page tells once.

export RELAY_SITE_TOKEN=$(personalize-relay token site)
RELAY_SECRET_KEYS=… RELAY_URL=https://events.shop.example APP_SECRET=… flask --app flask_site run
"""

import os

from flask import Flask, redirect, render_template_string, session
from flask.typing import ResponseReturnValue

from relay.tokens import mint_identity

KEY = os.environ["RELAY_SECRET_KEYS"].split(",")[0].strip()
"""The first signs."""
PAGE = """<!doctype html>
<title>A shop</title>
<script async src="{{ relay }}/r/s.js" data-token="{{ site_token }}" data-identity-url="/relay-identity"></script>
<script src="/static/relay.js" data-identity="{{ identity }}" data-signed-out="{{ signed_out }}"></script>
<main data-relay-view="p1"><h1>A mug</h1></main>
<form method="post" action="{{ action }}"><button>{{ action }}</button></form>
"""

app = Flask(__name__)
app.secret_key = os.environ["APP_SECRET"]


def identity() -> str:
    """A token for whoever is signed in, or nothing."""
    user = session.get("user_id")
    return mint_identity(user, secret_key=KEY, ttl_s=3600) if user else ""


@app.get("/")
def page() -> str:
    """Any page."""
    return render_template_string(
        PAGE,
        relay=os.environ["RELAY_URL"],
        site_token=os.environ["RELAY_SITE_TOKEN"],
        identity=identity(),
        signed_out="yes" if session.pop("signed_out", False) else "",
        action="/logout" if "user_id" in session else "/login",
    )


@app.get("/relay-identity")
def relay_identity() -> ResponseReturnValue:
    """The snippet asks when a token has expired."""
    token = identity()
    return ({"identity": token}, 200, {"Cache-Control": "no-store"}) if token else ("", 204)


@app.post("/login")
def login() -> ResponseReturnValue:
    """Stands for yours, which asks for a password."""
    session["user_id"] = "user-42"
    return redirect("/", 303)


@app.post("/logout")
def logout() -> ResponseReturnValue:
    """The next page tells the snippet, which begins a new session."""
    session.clear()
    session["signed_out"] = True
    return redirect("/", 303)
