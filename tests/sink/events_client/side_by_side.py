"""boto3 and our client against one recording server, at the same moment of time."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config

from relay.sink.personalize.events_client import EventsClient, events_client
from tests.sink.events_client.generated_calls import Call
from tests.support.clock import FakeClock
from tests.support.raw_server import http_answer, raw_server

NOW_MS: Final = 1_795_312_345_678
KEYS: Final[dict[str, Any]] = {
    "aws_access_key_id": "AKIDTEST",
    "aws_secret_access_key": "secret/+=",
    "aws_session_token": "tok en==",
}
_MATTER: Final = {
    "host", "accept-encoding", "content-type", "content-length", "x-amz-date", "x-amz-security-token", "authorization",
    "amz-sdk-request",
}  # fmt: skip
ANSWERS: Final = tuple(
    http_answer(status, body, headers)
    for status, body, headers in (
        ("200 OK", "", "x-amzn-RequestId: r-1\r\n"),
        ("200 OK", '{"any": 1}', "x-amzn-RequestId: r-2\r\nX-Two: 1\r\nx-two: 2\r\n"),
        ("201 Created", "", ""),
        ("204 No Content", "", "x-amz-request-id: r-3\r\nx-amz-id-2: host\r\n"),
        ("300 Multiple", "{}", "x-amzn-RequestId: r-4\r\n"),
        ("302 Found", "", "Location: http://127.0.0.1:1/\r\n"),
        ("400 Bad Request", '{"message":"no such item"}', "x-amzn-ErrorType: InvalidInputException:http://x/\r\n"),
        ("400 Bad Request", '{"__type":"com.x#InvalidInputException","message":"m"}', "x-amzn-RequestId: r-5\r\n"),
        ("400 Bad Request", '{"code":"ThrottlingException","Message":"slow"}', "x-amzn-RequestId: r-6\r\n"),
        ("400 Bad Request", '{"__type":"AccessDeniedException","Message":"User: x"}', ""),
        ("400 Bad Request", '{"__type":null}', ""),
        ("400 Bad Request", "not json", ""),
        ("403 Forbidden", '{"message":null,"__type":"InvalidClientTokenId:"}', ""),
        ("404 Not Found", '{"message":"m"}', "x-amzn-ErrorType: ResourceNotFoundException\r\n"),
        ("409 Conflict", '{"message":"m","Code":"ResourceInUseException"}', "x-amzn-RequestId: r-7\r\n"),
        ("413 Too Large", "", ""),
        ("429 Too Many", '{"message":"m"}', "x-amzn-ErrorType: TooManyRequestsException\r\n"),
        ("500 Oops", '{"message":"m","__type":"InternalFailure"}', "x-amzn-RequestId: r-8\r\n"),
        ("502 Bad Gateway", "<html>bad</html>", "x-amzn-RequestId: r-9\r\n"),
        ("503 Busy", "", ""),
        ("509 Odd", "  ", ""),
    )
)


@dataclass
class Seen:
    """What became of one call."""

    request: tuple[Any, ...] | None = None
    """Method and path, headers that matter, body; None when nothing was sent."""
    answer: Any = None
    error: tuple[Any, ...] | None = None
    """Name of the class, text, `response`."""


@dataclass
class SideBySide:
    """Both clients."""

    ours: EventsClient
    theirs: Any
    requests: list[bytes] = field(default_factory=list[bytes])

    async def make(self, calls: Sequence[Call]) -> tuple[list[Seen], list[Seen]]:
        """Every call by both; ours, theirs."""
        ours = [await self._ours(call) for call in calls]
        theirs = await asyncio.to_thread(lambda: [self._theirs(call) for call in calls])
        return ours, theirs

    async def _ours(self, call: Call) -> Seen:
        before, seen = len(self.requests), Seen()
        try:
            seen.answer = await getattr(self.ours, call.method)(**call.arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be theirs as well
            seen.error = _error(error)
        seen.request = _request(self.requests[before:])
        return seen

    def _theirs(self, call: Call) -> Seen:
        before, seen = len(self.requests), Seen()
        try:
            seen.answer = getattr(self.theirs, call.method)(**call.arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be ours as well
            seen.error = _error(error)
        seen.request = _request(self.requests[before:])
        return seen


@asynccontextmanager
async def side_by_side(
    monkeypatch: pytest.MonkeyPatch,
    *,
    path: str = "",
    answers: Sequence[bytes] = ANSWERS,
    check_limits: bool = False,
) -> AsyncIterator[SideBySide]:
    """A server that answers by what it is sent, so that both get the same answer to the same call."""
    moment = datetime.fromtimestamp(NOW_MS / 1000, UTC).replace(tzinfo=None)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
    requests: list[bytes] = []

    async def handler(writer: asyncio.StreamWriter) -> None:
        requests.append(server.requests[-1])
        writer.write(answers[zlib.crc32(requests[-1].partition(b"\r\n\r\n")[2]) % len(answers)])

    async with raw_server(handler) as server:
        url = server.url + path
        once = Config(retries={"total_max_attempts": 1})
        theirs = boto3.client("personalize-events", region_name="eu-west-1", endpoint_url=url, config=once, **KEYS)
        clock = FakeClock(now_ms=NOW_MS)
        async with events_client(
            region_name="eu-west-1", endpoint_url=url, check_limits=check_limits, clock=clock, **KEYS
        ) as ours:
            yield SideBySide(ours, theirs, requests)
        theirs.close()


def _request(sent: list[bytes]) -> tuple[Any, ...] | None:
    if not sent:
        return None
    (request,) = sent
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    pairs = (header.split(": ", 1) for header in lines)
    return line, {name.lower(): value for name, value in pairs if name.lower() in _MATTER}, body


def _error(error: Exception) -> tuple[Any, ...]:
    return type(error).__name__, str(error), getattr(error, "response", None)
