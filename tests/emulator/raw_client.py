"""A client that sends what botocore would not: any bytes, signed by botocore's own signer and then spoilt at will."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aioboto3
import httpx2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from relay.emulator import SECRET
from tests.support.emulator import REGION, RunningEmulator

SESSION: Final = aioboto3.Session()
"""Keeps the service models it has read, which take longer than most tests."""

SENT_AT: Final = 1_719_511_760


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        """The error code, cut the way AWS clients cut it."""
        value = self.headers.get("x-amzn-errortype")
        return value.partition(":")[0] if value else None

    @property
    def message(self) -> str:
        return str(json.loads(self.body)["message"])


class RawClient:
    """Sends bodies to one emulator."""

    def __init__(self, running: RunningEmulator, http: httpx2.AsyncClient) -> None:
        self.running = running
        self._http = http

    async def call(
        self,
        path: str,
        body: Any,
        *,
        target: str | None = None,
        secret: str = SECRET,
        service: str = "personalize",
        sign: bool = True,
        spoil: Callable[[AWSRequest], None] = lambda _: None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a body (bytes as they are, anything else as JSON), signed, then changed by `spoil`."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = AWSRequest("POST", self.running.url + path, data=data, headers=headers or {})
        if target is not None:
            request.headers["X-Amz-Target"] = f"AmazonPersonalize.{target}"
        if sign:
            SigV4Auth(Credentials("AKIDRAW", secret), service, REGION).add_auth(request)
        spoil(request)
        answer = await self._http.request("POST", str(request.url), content=request.data, headers=dict(request.headers))
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    async def put_event(self, *, call: dict[str, Any] | None = None, **event: Any) -> Answer:
        """PutEvents with one event: a good one, but for what is given; `call` changes what is around it."""
        return await self.call("/events", self.put_events_body(call=call, **event))

    def put_events_body(self, *, call: dict[str, Any] | None = None, **event: Any) -> dict[str, Any]:
        """Its body; a value of None leaves a member out."""
        whole = {"eventType": "View", "sentAt": SENT_AT, "itemId": "p1"} | event
        body = {"trackingId": self.running.tracking_id, "sessionId": "s" * 16, "eventList": [_without_none(whole)]}
        return _without_none(body | (call or {}))

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """An inspection page."""
        return await self._http.get(self.running.url + path, headers=headers)

    async def options(self, path: str, **headers: str) -> httpx2.Response:
        """What a browser asks before it calls from a page of another origin."""
        return await self._http.request("OPTIONS", self.running.url + path, headers=headers)

    async def set_faults(self, faults: Any) -> httpx2.Response:
        """Set faults over HTTP."""
        content = faults if isinstance(faults, bytes) else json.dumps(faults).encode()
        return await self._http.put(self.running.url + "/_emulator/faults", content=content)

    async def forget(self) -> httpx2.Response:
        """Forget all calls over HTTP."""
        return await self._http.delete(self.running.url + "/_emulator/calls")

    def arn(self, path: str) -> str:
        """An ARN of the emulator's account."""
        return self.running.emulator.arn(path)


@asynccontextmanager
async def raw_client(running: RunningEmulator, *, timeout_s: float = 10) -> AsyncGenerator[RawClient]:
    """A client of one emulator."""
    async with httpx2.AsyncClient(timeout=timeout_s, trust_env=False) as http:
        yield RawClient(running, http)


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
