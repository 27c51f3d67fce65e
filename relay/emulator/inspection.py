"""Looking into the emulator over HTTP: `/_emulator/...`."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from relay.emulator.calls import Call, call_line
from relay.emulator.state import Emulator

_LINES_A_TURN = 200


def inspection_routes(emulator: Emulator) -> list[Route]:
    """Everything under `/_emulator`."""

    async def calls(request: Request) -> Response:
        if request.method == "DELETE":
            emulator.forget_calls()
            return Response(status_code=204)
        try:
            after = int(request.query_params.get("after", 0))
            limit = int(request.query_params.get("limit", 10**9))
        except ValueError:
            return PlainTextResponse("after and limit must be whole numbers\n", 400)
        chosen = emulator.calls.after(after, operation=request.query_params.get("operation"))
        return StreamingResponse(_lines(chosen, limit), media_type="application/jsonl")

    return [Route("/_emulator/calls", calls, methods=["GET", "DELETE"])]


async def _lines(calls: Iterable[Call], limit: int) -> AsyncIterator[bytes]:
    lines: list[bytes] = []
    for count, call in enumerate(calls):
        if count >= limit:
            break
        lines.append(call_line(call))
        if len(lines) == _LINES_A_TURN:
            yield b"\n".join([*lines, b""])
            lines.clear()
            await asyncio.sleep(0)
    if lines:
        yield b"\n".join([*lines, b""])
