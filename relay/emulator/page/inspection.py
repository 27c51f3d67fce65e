"""Looking into the emulator over HTTP: `/_emulator/...`. No page of another origin may read it, unless it was named."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from relay.emulator.control.views import described
from relay.emulator.jobs.attribution import streamed_metrics
from relay.emulator.jobs.work import settle
from relay.emulator.page.wanted import Wanted
from relay.emulator.runtime.training import training_csv
from relay.emulator.state import Emulator
from relay.emulator.store.calls import call_line
from relay.emulator.store.dataset_records import RecordKind
from relay.emulator.wire.faults import FaultSpec

_LINES_A_TURN: Final = 200
_JSON_LINES: Final = "application/jsonl"

Endpoint = Callable[[Request], Awaitable[Response]]


class Inspection:
    """The endpoints under `/_emulator` of one emulator."""

    def __init__(self, emulator: Emulator, *, readers: Iterable[str] = ()) -> None:
        self._emulator = emulator
        self._readers = frozenset(readers)

    def routes(self) -> list[Route]:
        """All of them."""
        pages: dict[str, Endpoint] = {
            "calls": self.calls,
            "stats": self.stats,
            "resources": self.resources,
            "metrics": self.metrics,
            "interactions.csv": self.interactions,
            "users": self.users,
            "items": self.items,
            "actions": self.actions,
            "faults": self.faults,
        }
        return [
            *(Route(f"/_emulator/{name}", self._readable(page), methods=["GET"]) for name, page in pages.items()),
            Route("/_emulator/calls", self.forget, methods=["DELETE"]),
            Route("/_emulator/faults", self.set_faults, methods=["PUT"]),
        ]

    async def calls(self, request: Request) -> Response:
        """Calls as JSON Lines, oldest first.

        Query: `after` (number of a call), `operation`, `session`, `user`, `item` (whole ids), `limit`, and `tail`:
        only the last so many.
        """
        try:
            after, limit, tail = (_count(request, name) for name in ("after", "limit", "tail"))
        except ValueError as error:
            return PlainTextResponse(f"{error}\n", 400)
        chosen = list(self._emulator.calls.after(after or 0, operation=request.query_params.get("operation")))
        wanted = Wanted(*(request.query_params.get(name) for name in ("session", "user", "item")))
        chosen = [call for call in chosen if wanted.fits(call)]
        if tail is not None:
            chosen = chosen[max(0, len(chosen) - tail) :]
        return StreamingResponse(_in_turns(map(call_line, islice(chosen, limit))), media_type=_JSON_LINES)

    async def forget(self, _: Request) -> Response:
        """Forget every call and what came with them."""
        self._emulator.forget_calls()
        return Response(status_code=204)

    async def stats(self, _: Request) -> Response:
        """Figures, as one JSON object."""
        emulator = self._emulator
        figures = emulator.caught_up().statistics.as_json() | {
            "last_call": emulator.calls.last_n,
            "calls_kept": len(emulator.calls),
            "calls_forgotten": emulator.calls.forgotten,
            "records": {kind: len(emulator.records.of(kind)) for kind in ("users", "items", "actions")},
            "imported": len(emulator.bulk),
            "last_minute": _last_minute(emulator),
            "time": emulator.clock.now_ms(),
        }
        return _json(figures)

    async def resources(self, _: Request) -> Response:
        """Every resource as Describe shows it, with its `kind`, as JSON Lines, oldest first of each kind."""
        shown = (
            msgspec.json.encode({"kind": resource.kind} | described(self._emulator, resource))
            for resource in list(self._emulator.registry.everything())
        )
        return StreamingResponse(_in_turns(shown), media_type=_JSON_LINES)

    async def metrics(self, _: Request) -> Response:
        """What metric attributions tell CloudWatch, as JSON Lines: a metric of a source in a quarter of an hour."""
        lines = map(msgspec.json.encode, streamed_metrics(self._emulator))
        return StreamingResponse(_in_turns(lines), media_type=_JSON_LINES)

    async def interactions(self, request: Request) -> Response:
        """`interactions.csv`: with `?anonymous=1` also sessions of nobody, with `?trackingId=` of one tracker only."""
        pieces = training_csv(
            self._emulator,
            tracking_id=request.query_params.get("trackingId"),
            anonymous=request.query_params.get("anonymous") == "1",
        )

        async def in_turns() -> AsyncGenerator[str]:
            for piece in pieces:
                yield piece
                await asyncio.sleep(0)

        return StreamingResponse(in_turns(), media_type="text/csv")

    async def users(self, _: Request) -> Response:
        """Users as they stand, as JSON Lines."""
        return self._records("users")

    async def items(self, _: Request) -> Response:
        """Items as they stand, as JSON Lines."""
        return self._records("items")

    async def actions(self, _: Request) -> Response:
        """Actions as they stand, as JSON Lines."""
        return self._records("actions")

    async def faults(self, _: Request) -> Response:
        """The faults as they were set, and how often each struck since."""
        return self._faults()

    async def set_faults(self, request: Request) -> Response:
        """Replace the faults; 400 says what is wrong with them."""
        try:
            spec = msgspec.json.decode(await request.body(), type=FaultSpec)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return PlainTextResponse(f"{error}\n", 400)
        self._emulator.faults.apply(spec)
        return self._faults()

    def _readable(self, endpoint: Endpoint) -> Endpoint:
        """Let pages of the named origins read what it answers; and do first what is due."""

        async def answer(request: Request) -> Response:
            settle(self._emulator)
            response = await endpoint(request)
            origin = request.headers.get("origin", "")
            if origin in self._readers:
                response.headers["access-control-allow-origin"] = origin
            response.headers["vary"] = "Origin"
            response.headers["cache-control"] = "no-store"
            return response

        return answer

    def _records(self, kind: RecordKind) -> Response:
        return StreamingResponse(_in_turns(_record_lines(self._emulator, kind)), media_type=_JSON_LINES)

    def _faults(self) -> Response:
        faults = self._emulator.faults
        return _json({"faults": faults.spec, "struck": faults.struck()})


def _count(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise ValueError(f"{name} must be a whole number")
    return int(text)


def _last_minute(emulator: Emulator) -> list[int]:
    """Calls of each of the last sixty whole seconds, the oldest first."""
    now_s = emulator.clock.now_ms() // 1000
    counts = [0] * 60
    for call in emulator.calls.latest():
        age_s = now_s - call.time_ms // 1000
        if age_s > 60:
            break
        if 1 <= age_s <= 60:
            counts[60 - age_s] += 1
    return counts


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _record_lines(emulator: Emulator, kind: RecordKind) -> Iterable[bytes]:
    id_field = {"users": "userId", "items": "itemId", "actions": "actionId"}[kind]
    for (dataset_arn, record_id), properties in list(emulator.records.of(kind).items()):
        shown = _on_one_line(properties) if properties else None
        yield msgspec.json.encode({"datasetArn": dataset_arn, id_field: record_id, "properties": shown})


def _on_one_line(json: str) -> msgspec.Raw:
    raw = json.encode()
    return msgspec.Raw(msgspec.json.encode(msgspec.json.decode(raw)) if b"\n" in raw or b"\r" in raw else raw)


async def _in_turns(lines: Iterable[bytes]) -> AsyncGenerator[bytes]:
    """Lines in pieces, giving way to other requests after each."""
    remaining = iter(lines)
    while piece := list(islice(remaining, _LINES_A_TURN)):
        yield b"\n".join([*piece, b""])
        await asyncio.sleep(0)
