"""Inputs for the edge: requests that are nearly right, changed where their structure says that it matters."""

import copy
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.fuzz.calls import Call, CallMaker

TEXTS: Final = [
    *("", " ", "\0", "a", "null", "undefined", "0", "-1", "1e999", "NaN", "é" * 300, "😀" * 257, "a" * 256, "a" * 257),
    *(
        "\ud800",
        "\u2028",
        "__proto__",
        "constructor",
        "<img onerror=1>",
        "\x1b[2J",
        "../../etc",
        "x" * 5000,
        "second~x",
    ),
]
NUMBERS: Final = [
    *(0, -0.0, 1, -1, 0.1, 1e-400, 1e38, 3.5e38, 1e308, 2**31, 2**53, 2**63, 2**64, 10**30, -(10**30)),
    *(1_795_312_345_678, 1_795_312_345, 1e15, 1e16),
]
OTHERS: Final[list[Any]] = [None, True, False, [], {}, [[]], [None], {"a": {"b": []}}, [1] * 30, ["p"] * 26]
FIELDS: Final = [
    *("v", "token", "sessionId", "identity", "sentAt", "seq", "lost", "eventList", "userId", "eventId", "eventType"),
    *("itemId", "eventValue", "properties", "recommendationId", "impression", "metricAttribution", "unknown"),
    *("eventAttributionSource", "timestamp", "session_id", "V", "__proto__"),
    *("datasetArn", "users", "items", "actions", "actionInteractions", "actionId", "trackingId", "ttl"),
]
HEADERS: Final = [
    *(
        "Origin: null",
        "Origin: https://evil.example",
        "Origin: https://shop.example.evil",
        "Origin:",
        "Host: x",
        "Host:",
    ),
    *("Content-Type: application/json", "Content-Type: text/plain;charset=utf-16", "Content-Type: multipart/form-data"),
    *("Content-Type: application/x-www-form-urlencoded", "Content-Encoding: gzip", "Content-Encoding: identity"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: xchunked"),
    *(
        "Content-Length: 0",
        "Content-Length: 5",
        "Content-Length: -1",
        "Content-Length: 99999999999",
        "Connection: close",
    ),
    *(
        "Connection: close",
        "Connection: keep-alive",
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "Upgrade: websocket",
    ),
    *("Expect: 100-continue", "Expect: a-pony", "Sec-Fetch-Site: cross-site", "Sec-GPC: 1", "Cookie: a=b; id=x"),
    *(
        "X-Forwarded-For: 203.0.113.7, <script>",
        "Forwarded: for=_x",
        "User-Agent: Googlebot/2.1",
        "Authorization: Bearer x",
    ),
    *("Range: bytes=0-0,1-1", "If-None-Match: *", "Accept-Encoding: br;q=0, gzip", "TE: trailers", "Trailer: Origin"),
]
TARGETS: Final = [
    *("/r/e", "/r/e?x=1", "/r/e/", "//r/e", "/r/%65", "/r/e%00", "http://x/r/e", "*", "/r/s.js", "/r/s.0.js"),
    *(
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/events",
        "/api/v1/identity",
        "/api/v1/openapi.json",
        "/r/../e",
        "/" * 99,
    ),
]
TOKENS: Final = ["1", '"x"', "[]", "1e999", "NaN", "-"]
TRAILERS: Final = [
    *(b"", b"", b"Origin: https://evil.example\r\n", b"X-Forwarded-For: 1.2.3.4\r\n", b"X: " + b"y" * 9000),
]
METHODS: Final = ["POST", "OPTIONS", "GET", "HEAD", "PUT", "BREW", "CONNECT", "post", "PRI"]
ORIGIN: Final = "https://shop.example"


@dataclass
class Input:
    """One input as it will be said: pieces that are written one after the other."""

    pieces: list[bytes]
    notes: list[str] = field(default_factory=list[str])

    @property
    def raw(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)

    @property
    def is_call(self) -> bool:
        """Whether a backend's call is in it, whose body is no beacon to start from."""
        return any(note.startswith("/api/v1/") for note in self.notes)


class Maker:
    """Makes inputs from a seed; the same again from the same."""

    def __init__(
        self,
        rng: random.Random,
        *,
        token: str,
        identities: Sequence[str],
        server_token: str,
        other_tokens: Sequence[str],
        now_ms: int,
    ) -> None:
        """Take what inputs are made of.

        Args:
            rng: Where chance comes from.
            token: A site token.
            identities: Identity tokens, good and bad.
            server_token: One with every scope.
            other_tokens: What does not do for one.
            now_ms: The relays' time.
        """
        self._rng = rng
        self._calls = CallMaker(rng, allowing=server_token, others=other_tokens, event=self._event)
        self._token = token
        self._identities = identities
        self._now_ms = now_ms
        self._count = 0
        self.grown: list[bytes] = []
        """Bodies that did something new: a part of the inputs starts from them."""

    def next(self) -> Input:
        """An input. Two in three are whole requests with few changes, so that many get far."""
        self._count += 1
        rng = self._rng
        notes: list[str] = []
        made = Input([self._one(notes)], notes)
        if rng.random() < 0.08:
            notes.append("pipelined")
            made.pieces = [b"".join([made.raw, self._one(notes)])]
        if rng.random() < 0.08:
            notes.append("bytes")
            made.pieces = [_flipped(made.raw, rng)]
        if rng.random() < 0.1:
            notes.append("cut")
            made.pieces = _cut(made.raw, rng)
        return made

    def _one(self, notes: list[str]) -> bytes:
        """A request: of a page, or one in five of a backend."""
        if self._rng.random() < 0.8:
            return self._request(self._body(notes), notes)
        call = self._calls.next()
        notes.append(call.path)
        return self._request(self._changed(call.body, notes), notes, call)

    def _body(self, notes: list[str]) -> bytes:
        rng = self._rng
        if self.grown and rng.random() < 0.25:
            notes.append("grown")
            body = rng.choice(self.grown)
            return _flipped(body, rng) if rng.random() < 0.5 else body
        return self._changed(self._beacon(), notes)

    def _changed(self, body: dict[str, Any], notes: list[str]) -> bytes:
        rng = self._rng
        notes += [_change(body, rng) for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 4)))]
        text = json.dumps(body, ensure_ascii=rng.random() < 0.5)
        if rng.random() < 0.05:
            name = rng.choice(FIELDS)
            text = text.replace("{", "{" + f'"{name}":{rng.choice(TOKENS)},', 1)
            notes.append(f"twice {name}")
        if rng.random() < 0.02:
            text = text.replace('"properties": {', '"properties": {"deep":' + "[" * 500 + "]" * 500 + ",", 1)
            notes.append("deep")
        return text.encode("utf-8", "surrogatepass")

    def _beacon(self) -> dict[str, Any]:
        rng = self._rng
        beacon: dict[str, Any] = {
            "v": 1,
            "token": self._token,
            "sessionId": f"{self._count:08x}0123456789abcdef",
            "sentAt": self._now_ms + rng.choice((0, 0, 5, -3000, 86_400_000, -90 * 86_400_000)),
            "eventList": [self._event(number) for number in range(rng.choice((1, 1, 1, 2, 3, 11)))],
        }
        if rng.random() < 0.2:  # of few sessions: each that is bound is remembered for days
            beacon["sessionId"] = f"{self._count % 2000:08x}-of-a-known-user"
            beacon["identity"] = rng.choice(self._identities)
        if rng.random() < 0.2:
            beacon |= {"seq": rng.randrange(100), "lost": {"outbox_full": 2, "other": 1}}
        return beacon

    def _event(self, number: int) -> dict[str, Any]:
        rng = self._rng
        event: dict[str, Any] = {"eventType": rng.choice(("View", "Click", "Purchase")), "itemId": f"p{number}"}
        if rng.random() < 0.5:
            event |= {"eventId": f"{self._count:x}-{number}", "sentAt": self._now_ms - rng.randrange(10_000)}
        if rng.random() < 0.3:
            event |= {"eventValue": 19.9, "properties": {"price": 19.9, "colour": "blü"}, "impression": ["p1", "p2"]}
        if rng.random() < 0.2:
            event |= {"recommendationId": "RID-1", "metricAttribution": {"eventAttributionSource": "home"}}
        return event

    def _request(self, body: bytes, notes: list[str], call: Call | None = None) -> bytes:
        rng = self._rng
        method, target, version = "POST", "/r/e", "HTTP/1.1"
        headers = ["Host: x", f"Origin: {ORIGIN}", "Content-Type: text/plain;charset=UTF-8"]
        if call is not None:
            target, headers = call.path, ["Host: x", *call.headers]
        if rng.random() < 0.06:
            method = rng.choice(METHODS)
            notes.append(method)
        if rng.random() < 0.06:
            target = rng.choice(TARGETS)
            notes.append(target[:20])
        if rng.random() < 0.02:
            version = rng.choice(("HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTPS/1.1"))
            notes.append(version)
        if rng.random() < 0.15:
            for _ in range(rng.randrange(1, 3)):
                header = rng.choice(HEADERS)
                notes.append(header[:24])
                if rng.random() < 0.4:
                    name = header.partition(":")[0]
                    headers = [one for one in headers if one.partition(":")[0] != name]
                headers.insert(rng.randrange(len(headers) + 1), header)
        if rng.random() < 0.08:
            notes.append("chunks")
            headers.append("Transfer-Encoding: chunked")
            body = _chunked(body, rng)
        elif rng.random() < 0.97:
            headers.append(f"Content-Length: {len(body) + rng.choice((0,) * 60 + (1, -1, 40))}")
        return "\r\n".join([f"{method} {target} {version}", *headers, "", ""]).encode("latin-1", "replace") + body


def _change(body: dict[str, Any], rng: random.Random) -> str:
    """Change one place of a beacon or a call."""
    lists = [value for value in body.values() if isinstance(value, list) and value]
    where: dict[str, Any] = body
    if lists and rng.random() < 0.75:
        entry = rng.choice(rng.choice(lists))
        if isinstance(entry, dict):
            where = entry
            inner = [value for value in entry.values() if isinstance(value, dict)]
            if inner and rng.random() < 0.3:
                where = rng.choice(inner)
    name = rng.choice(FIELDS) if rng.random() < 0.4 or not where else rng.choice(list(where))
    kinds: list[Callable[[], Any]] = [
        lambda: rng.choice(TEXTS),
        lambda: rng.choice(NUMBERS),
        lambda: rng.choice(OTHERS),
        lambda: {text: rng.choice(NUMBERS) for text in rng.sample(TEXTS, 3)},
        lambda: json.dumps({"a": rng.choice(OTHERS)}),
        lambda: {f"k{number}": number for number in range(40)},
    ]
    if rng.random() < 0.15:
        where.pop(name, None)
        return f"without {name}"
    where[name] = copy.deepcopy(rng.choice(kinds)())
    return f"other {name}"


def _flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place = rng.randrange(len(changed) + 1)
        junk = rng.choice(
            (b"\0", b"\r\n", b"\n", b" ", b"{", b'"', b"\\", b"\xff", b"\\u0000", b"\\ud800", b":", b"9" * 40)
        )
        match rng.randrange(3):
            case 0:
                changed[place:place] = junk
            case 1:
                del changed[place : place + rng.randrange(1, 20)]
            case _:
                changed[place : place + 1] = bytes([rng.randrange(256)])
    return bytes(changed)


def _cut(data: bytes, rng: random.Random) -> list[bytes]:
    places = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 4)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True) if start < end]


def _chunked(body: bytes, rng: random.Random) -> bytes:
    parts: list[bytes] = []
    while body:
        size = rng.choice((1, 7, 100, 5000))
        part, body = body[:size], body[size:]
        extension = rng.choice((b"", b"", b"", b";a=b", b";" + b"x" * 300))
        parts.append(b"%x%b\r\n%b\r\n" % (len(part) + rng.choice((0,) * 80 + (1,)), extension, part))
    trailers = rng.choice(
        (b"", b"", b"Origin: https://evil.example\r\n", b"X-Forwarded-For: 1.2.3.4\r\n", b"X: " + b"y" * 9000)
    )
    return b"".join(parts) + b"0\r\n" + trailers + b"\r\n"
