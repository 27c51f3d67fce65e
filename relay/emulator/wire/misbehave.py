"""Answers that are no answers: what a client meets when the network or something in it goes wrong."""

import asyncio
import contextlib
import socket
import struct
from typing import Any, Final

from starlette.types import Receive, Send

from relay.emulator.wire.faults import Fault

_LINGER_ZERO: Final = struct.pack("ii", 1, 0)
_HTML: Final = b"<!doctype html><title>Sign in</title><h1>Please sign in to use this network</h1>"
_STEPS: Final = 20


class ConnectionSpoiled(Exception):  # noqa: N818  # not an error of ours: the fault that was asked for
    """Ends a request without an answer where the server gives no way to reset the connection."""


async def misbehave(fault: Fault, receive: Receive, send: Send, *, closing: asyncio.Event, request_id: str) -> None:
    """Treat the client as the fault says.

    Args:
        fault: One without an `error`.
        receive: ASGI; the body has been read.
        send: ASGI; nothing has been sent.
        closing: Set when the server stops; ends a wait.
        request_id: For the answers that look genuine.
    """
    match fault.kind:
        case "hang":
            await _wait_for_anything(fault.rule.seconds, closing, receive)
            await _reset(receive)
        case "html":
            await _answer(send, 200, _HTML, [(b"content-type", b"text/html; charset=utf-8")])
        case "redirect":
            status = fault.rule.status or 307
            await _answer(send, status, b"", [(b"location", fault.rule.location.encode())])
        case "slow_body":
            await _drip(send, fault.rule.seconds, closing, request_id)
        case _:
            await _reset(receive)


def status_seen(fault: Fault) -> int | None:
    """The HTTP status the client gets to see; None when it sees none."""
    return {"html": 200, "redirect": fault.rule.status or 307, "slow_body": 200}.get(fault.kind)


async def _reset(receive: Receive) -> None:
    """Close so that the peer gets a TCP reset. ASGI has no word for it; uvicorn's `receive` knows the transport."""
    transport: Any = getattr(getattr(receive, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport) and not hasattr(transport, "abort"):
        raise ConnectionSpoiled
    if transport.is_closing():
        return
    peer = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    transport.abort()
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _wait_for_anything(seconds: float, closing: asyncio.Event, receive: Receive) -> None:
    """Until the time is over, the server stops or the client goes away."""
    waits: list[asyncio.Task[Any]] = [asyncio.create_task(_until_gone(receive)), asyncio.create_task(closing.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _wait(seconds: float, closing: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await closing.wait()


async def _drip(send: Send, seconds: float, closing: asyncio.Event, request_id: str) -> None:
    head = [
        (b"content-type", b"application/json"),
        (b"content-length", str(_STEPS).encode()),
        (b"x-amzn-requestid", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    body = b"{" + b" " * (_STEPS - 2) + b"}"
    for step in range(_STEPS):
        await _wait(seconds / _STEPS, closing)
        last = step == _STEPS - 1
        await send({"type": "http.response.body", "body": body[step : step + 1], "more_body": not last})


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    head = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
