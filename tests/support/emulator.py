"""A running emulator for tests: the real one, over HTTP, on a free port."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from relay.emulator import SECRET, Emulator, create_app
from tests.support.http_server import serving

TRACKING_ID: Final = "11111111-2222-4333-8444-555555555555"
REGION: Final = "us-east-1"


@dataclass(frozen=True)
class RunningEmulator:
    """An emulator that takes calls at `url`."""

    url: str
    emulator: Emulator
    """Its state; looked at and changed directly."""
    tracking_id: str
    """Of the ACTIVE event tracker made at the start."""

    @property
    def client_options(self) -> dict[str, Any]:
        """For `client("personalize-events", **options)` of boto3 and aioboto3."""
        return {
            "endpoint_url": self.url,
            "region_name": REGION,
            "aws_access_key_id": "AKIDTEST",
            "aws_secret_access_key": SECRET,
        }

    @property
    def env(self) -> dict[str, str]:
        """AWS variables for a process that is to call it."""
        return {
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "AKIDTEST",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL_PERSONALIZE": self.url,
            "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": self.url,
            "AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def bodies(self, operation: str = "PutEvents", *, taken: bool = True) -> list[Any]:
        """Decoded bodies of the calls of an operation that were taken (or of those that were not), in order."""
        calls = self.emulator.calls.after(0, operation=operation)
        return [msgspec.json.decode(call.body) for call in calls if call.taken is taken]

    def events(self) -> list[dict[str, Any]]:
        """Every event of every PutEvents that was taken, in order, each with its call's sessionId and userId."""
        return [
            {"sessionId": body["sessionId"], **({"userId": body["userId"]} if "userId" in body else {}), **event}
            for body in self.bodies()
            for event in body["eventList"]
        ]


@asynccontextmanager
async def running_emulator(
    *,
    tracking_id: str = TRACKING_ID,
    allow_hosts: Iterable[str] = (),
    allow_origins: Iterable[str] = (),
    **options: Any,
) -> AsyncGenerator[RunningEmulator]:
    """An emulator with an ACTIVE event tracker.

    Args:
        tracking_id: The tracker's.
        allow_hosts: See `relay.emulator.create_app`.
        allow_origins: The same.
        options: Of `relay.emulator.Emulator`: `clock`, `rng`, `state_seconds`, `quotas`, `data_dir`, ...
    """
    emulator = Emulator(seed_tracking_id=tracking_id, **options)
    app = create_app(emulator, allow_hosts=allow_hosts, allow_origins=allow_origins)
    async with serving(app, stopping=emulator.closing.set) as url:
        yield RunningEmulator(url, emulator, tracking_id)
