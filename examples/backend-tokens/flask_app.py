"""Identity tokens from a Flask application, for the snippet's `data-identity-url="/relay-identity"`.

RELAY_SECRET_KEYS=… APP_SECRET=… flask --app flask_app run
"""

import hashlib
import os

from flask import Flask, jsonify, request, session
from flask.typing import ResponseReturnValue
from itsdangerous import URLSafeTimedSerializer

RELAY_KEY = os.environ["RELAY_SECRET_KEYS"].split(",")[0].strip()
if len(RELAY_KEY) < 32:  # with an empty one anybody could sign
    raise SystemExit(f"RELAY_SECRET_KEYS: the first key has {len(RELAY_KEY)} characters, at least 32")
identity_tokens = URLSafeTimedSerializer(
    RELAY_KEY, salt="relay.identity.v1", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
)

app = Flask(__name__)
app.secret_key = os.environ["APP_SECRET"]


@app.get("/relay-identity")
def relay_identity() -> ResponseReturnValue:
    """A token for whoever is logged in. The one line is `identity_tokens.dumps({"sub": ...})`."""
    if "user_id" not in session:
        return "", 204
    return jsonify(identity=identity_tokens.dumps({"sub": session["user_id"]})), 200, {"Cache-Control": "no-store"}


@app.post("/login")
def login() -> ResponseReturnValue:
    """Stands for your login: it believes anybody, and only on your own machine should it run."""
    session["user_id"] = request.get_json()["user"]
    return "", 204
