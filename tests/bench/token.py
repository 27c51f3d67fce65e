"""A site token for the load, minted by the product's own command."""

import os
import subprocess

from tests.bench.contestants import ORIGIN
from tests.bench.processes import ROOT, python


def site_token(secret: str) -> str:
    """The token alone."""
    env = {
        **os.environ,
        "RELAY_SECRET_KEYS": secret,
        "RELAY_TRACKING_ID": "bench",
        "RELAY_ALLOWED_ORIGINS": ORIGIN,
    }
    done = subprocess.run(
        python("-m", "relay", "token", "site"), cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
