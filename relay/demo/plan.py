"""Which commands make the demo, with which settings and on which ports."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from relay.core.bundled import bundled
from relay.core.errors import RelayError

TRACKING_ID: Final = "3c1d8f52-7a0e-4b6b-9d43-5e0a6c2f9b11"
_REGION: Final = "us-east-1"
_RESOURCES: Final = f"arn:aws:personalize:{_REGION}:123456789012"
"""Region and account of the emulator's own resources."""

_PORTS: Final = ("relay", "relay's admin page", "emulator", "shop")


class Part(msgspec.Struct, frozen=True):
    """One process of the demo."""

    name: str
    argv: tuple[str, ...]
    """What is started."""
    shown: str
    """The same as one would type it."""
    settings: dict[str, str]
    """Environment variables of its own, on top of the neutral ones."""
    ready_url: str
    """Answers 200 when it may be used."""


class Plan(msgspec.Struct, frozen=True):
    """The whole demo."""

    parts: tuple[Part, ...]
    """In the order of starting: each needs those before it."""
    secret_key: str
    relay_url: str
    admin_url: str
    emulator_url: str
    shop_url: str
    logs: Path

    @property
    def ports(self) -> dict[int, str]:
        """Port → what listens there."""
        first = int(self.relay_url.rpartition(":")[2])
        return {first + offset: name for offset, name in enumerate(_PORTS)}


def make_plan(port: int, data: Path, *, keep: bool) -> Plan:
    """The demo on `port` and the next three.

    Args:
        port: Of the relay.
        data: An existing folder for spool, logs and settings.
        keep: Whether the emulator, too, keeps what it gets in that folder.
    """
    relay, admin, emulator, shop = (f"http://127.0.0.1:{port + offset}" for offset in range(4))
    key = _secret_key(data / "secret-key")
    aws = {
        "AWS_REGION": _REGION,
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "emulator",
    }
    command = (sys.executable, "-m", "relay")
    emulator_options: tuple[str, ...] = ("emulator", "--port", str(port + 2), "--tracking-id", TRACKING_ID)
    # The strip of the shop's page shows what came, from an origin of its own.
    for origin in (shop, f"http://localhost:{port + 3}"):
        emulator_options += ("--allow-origin", origin)
    if keep:
        emulator_options += ("--data", str(data / "emulator"))
    shop_folder = bundled("shop")
    shop_options = (
        *("--port", str(port + 3), "--relay", relay, "--emulator", emulator),
        *("--campaign-arn", f"{_RESOURCES}:campaign/demo"),
        *("--items-dataset-arn", f"{_RESOURCES}:dataset/demo/ITEMS"),
        "--debug",  # who drives the demo's browser by a program wants to see something, too
    )
    parts = (
        Part(
            name="emulator",
            argv=(*command, *emulator_options),
            shown=" ".join(("personalize-relay", *emulator_options)),
            settings={},
            ready_url=f"{emulator}/_emulator/stats",
        ),
        Part(
            name="relay",
            argv=(*command, "serve"),
            shown="personalize-relay serve",
            settings={
                "RELAY_SECRET_KEYS": key,
                "RELAY_TRACKING_ID": TRACKING_ID,
                "RELAY_ALLOWED_ORIGINS": f"{shop},http://localhost:{port + 3}",
                "RELAY_PORT": str(port),
                "RELAY_ADMIN_PORT": str(port + 1),
                "RELAY_SPOOL_URL": f"sqlite:///{data / 'spool.db'}",
                "RELAY_DRAIN_S": "5",
                # One call for what a visit does within two seconds: so one sees that calls are filled.
                "RELAY_LINGER_S": "2",
                # A replay comes from one address, and faster than it happened.
                "RELAY_RATE_LIMIT_IP": "off",
                "RELAY_RATE_LIMIT_SESSION": "off",
                # Who tries the demo with a headless browser is no bot.
                "RELAY_BOTS": "keep",
                **aws,
                "AWS_ENDPOINT_URL_PERSONALIZE": emulator,  # its page /properties reads the schema there
                "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": emulator,
            },
            ready_url=f"{relay}/readyz",
        ),
        Part(
            name="shop",
            argv=(sys.executable, str(shop_folder), *shop_options),
            shown=" ".join(("python", str(shop_folder), *shop_options)),
            settings={
                "RELAY_SECRET_KEYS": key,
                **aws,
                "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": emulator,
                "AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME": emulator,
            },
            ready_url=f"{shop}/healthz",
        ),
    )
    return Plan(parts, key, relay, admin, emulator, shop, data)


def environment(part: Part, inherited: Mapping[str, str]) -> dict[str, str]:
    """The part's environment: nobody's relay settings, AWS account or proxy gets into the demo."""
    foreign = ("RELAY_", "AWS_")
    return {
        **{name: value for name, value in inherited.items() if not name.startswith(foreign)},
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        **part.settings,
    }


def _secret_key(path: Path) -> str:
    """The key of this folder, made on first use: pages that are open survive a restart of the demo."""
    try:
        if path.exists():
            return path.read_text(encoding="ascii").strip()
        key = secrets.token_urlsafe(32)
        path.touch(mode=0o600)
        path.write_text(key + "\n", encoding="ascii")
    except OSError as error:
        raise RelayError(f"{path}: {error.strerror}") from None
    return key
