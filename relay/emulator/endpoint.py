"""The AWS wire: a request in, its operation done, the answer out, the call remembered. Pure ASGI, for speed."""

import asyncio
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from relay.emulator.jobs.work import settle
from relay.emulator.operations import Operation, find_operation
from relay.emulator.state import Emulator
from relay.emulator.store.calls import Call
from relay.emulator.wire.cors import PREFLIGHT_HEADERS, cors_headers
from relay.emulator.wire.errors import AwsError, error_type_header, invalid, status_of
from relay.emulator.wire.faults import Fault
from relay.emulator.wire.lenient import Overlooked
from relay.emulator.wire.misbehave import misbehave, status_seen
from relay.emulator.wire.sigv4 import Credential, joined_headers

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""Ten items of 32,000 characters, each escaped to six bytes, fit."""

_REST_JSON: Final = b"application/json"
_JSON_1_1: Final = b"application/x-amz-json-1.1"


class _Answer(msgspec.Struct, gc=False):
    """What a call comes to, before a fault that strikes afterwards."""

    status: int
    body: bytes
    error: AwsError | None = None
    credential: Credential | None = None
    overlooked: Overlooked = ()


class AwsEndpoint:
    """ASGI application for every request of an AWS client."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        emulator = self._emulator
        body = await _read(receive)
        if body is None:
            return
        headers = joined_headers(scope["headers"])
        if scope["method"] == "OPTIONS":
            await _send_preflight(send)
            return
        operation = find_operation(scope["method"], scope["path"], headers)
        name = operation.name if operation else None
        fault = emulator.faults.pick(name)
        if emulator.faults.delay_s:
            await asyncio.sleep(emulator.faults.delay_s)
        request_id = emulator.request_ids.next()
        if fault is not None and not fault.rule.taken:
            answer = _Answer(status=200, body=b"", error=fault.error)
        else:
            answer = self._do(operation, scope, headers, body)
        taken = answer.error is None and (fault is None or fault.rule.taken)
        if not taken and fault is not None and fault.rule.taken:
            fault = None  # what was refused anyway is not spoilt on top
        if taken and fault is not None:
            answer.error = fault.error
        spoils = fault is not None and answer.error is None
        control_plane = b"x-amz-target" in headers if operation is None else operation.control_plane
        if answer.error is not None:
            answer.status = status_of(answer.error, control_plane=control_plane)
        self._keep(name, body, request_id, answer, taken=taken, fault=fault, spoils=spoils)
        if fault is not None and spoils:
            await misbehave(fault, receive, send, closing=emulator.closing, request_id=request_id)
        else:
            more = cors_headers(headers)
            await _send(send, answer, [(b"x-amzn-requestid", request_id.encode()), *more], control_plane=control_plane)

    def _do(self, operation: Operation | None, scope: Scope, headers: dict[bytes, bytes], body: bytes) -> _Answer:
        emulator = self._emulator
        answer = _Answer(status=200, body=b"")
        try:
            if len(body) > MAX_BODY_BYTES:
                raise AwsError("RequestEntityTooLargeException", f"The body has more than {MAX_BODY_BYTES} bytes.")
            answer.credential = emulator.verifier.verify(
                method=scope["method"],
                raw_path=scope["raw_path"],
                query=scope["query_string"],
                headers=headers,
                body=body,
                now_s=emulator.clock.now_ms() / 1000,
            )
            if operation is None:
                raise _unknown(scope, headers)
            settle(emulator)
            emulator.signed_region = answer.credential.region
            call, answer.overlooked = operation.decoder.read(body)
            answer.body = operation.handler(emulator, call)
        except AwsError as error:
            answer.error = error
        return answer

    def _keep(
        self,
        operation: str | None,
        body: bytes,
        request_id: str,
        answer: _Answer,
        *,
        taken: bool,
        fault: Fault | None,
        spoils: bool,
    ) -> None:
        emulator, error, credential = self._emulator, answer.error, answer.credential
        emulator.keep_call(
            Call(
                n=emulator.calls.last_n + 1,
                time_ms=emulator.clock.now_ms(),
                operation=operation,
                status=status_seen(fault) if fault is not None and spoils else answer.status,
                taken=taken,
                body=body,
                request_id=request_id,
                error=error.code if error else None,
                message=error.message if error else None,
                fault=fault.kind if fault else None,
                access_key_id=credential.access_key_id if credential else None,
                region=credential.region if credential else None,
                overlooked=answer.overlooked,
            )
        )


def _unknown(scope: Scope, headers: dict[bytes, bytes]) -> AwsError:
    """InvalidInputException: the one error that all three services model, so that every client can read it."""
    target = headers.get(b"x-amz-target", b"").decode("latin-1")
    asked = target or f"{scope['method']} {scope['path']}"
    return invalid(f"There is no operation {asked[:200]}.")


async def _read(receive: Receive) -> bytes | None:
    """The body, no more than one byte over the limit; None when the client went away."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        if size <= MAX_BODY_BYTES:
            parts.append(part)
            size += len(part)
    return b"".join(parts)[: MAX_BODY_BYTES + 1]


async def _send_preflight(send: Send) -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [*PREFLIGHT_HEADERS, (b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})


async def _send(send: Send, answer: _Answer, headers: list[tuple[bytes, bytes]], *, control_plane: bool) -> None:
    headers.append((b"content-type", _JSON_1_1 if control_plane else _REST_JSON))
    body, error = answer.body, answer.error
    if error is not None:
        headers.append((b"x-amzn-errortype", error_type_header(error.code)))
        body = msgspec.json.encode({"__type": error.code, "message": error.message})
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
