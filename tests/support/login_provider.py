"""A site's login that makes JWTs, as far as the relay sees it: keys in a file, and what is signed with them."""

import base64
import json
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from relay.core.clock import SystemClock

ISSUER: Final = "https://login.example"
AUDIENCE: Final = "relay"
_HOUR_S: Final = 3600


class LoginProvider:
    """One EdDSA key, named `k1`."""

    def __init__(self, folder: Path) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.public: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(self.key.public_key()))
        self._file = folder / "jwks.json"
        self._keys = [self.public | {"kid": "k1"}]
        self._write()

    def add_key(self, name: str, key: Ed25519PrivateKey) -> None:
        """Publish a further key."""
        self._keys.append(json.loads(OKPAlgorithm.to_jwk(key.public_key())) | {"kid": name})
        self._write()

    def _write(self) -> None:
        self._file.write_text(json.dumps({"keys": self._keys}))

    @property
    def settings(self) -> dict[str, Any]:
        """Of a relay that trusts this login."""
        return {"jwt_jwks": str(self._file), "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}

    def token(self, user: str, *, key: Ed25519PrivateKey | None = None, lives_s: int = 600, **claims: object) -> str:
        """A JWT made an hour ago that has `lives_s` to go."""
        headers = {"kid": "k1"}
        return jwt.encode(self._claims(user, lives_s) | claims, key or self.key, algorithm="EdDSA", headers=headers)

    def unsigned(self, user: str) -> str:
        """One that claims to need no signature."""
        parts = [{"alg": "none", "kid": "k1"}, self._claims(user, 600)]
        return (
            ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
        )

    def signed_with_the_public_key(self, user: str) -> str:
        """One whose shared secret is the public key everybody can read."""
        secret = base64.urlsafe_b64decode(str(self.public["x"]) + "=")
        return jwt.encode(self._claims(user, 600), secret, algorithm="HS256", headers={"kid": "k1"})

    def _claims(self, user: str, lives_s: int) -> dict[str, object]:
        now_s = SystemClock().now_ms() // 1000
        return {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now_s - _HOUR_S, "exp": now_s + lives_s}
