"""The pages answer to their own names only, so that no page elsewhere reads them by a name it made point here.

A browser takes `evil.example` for one origin whatever address it leads to (DNS rebinding); the name it asked for is in
`Host`. The AWS operations need no such guard: they are signed.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_OWN_PATHS: Final = "/_emulator"


class OwnHosts:
    """ASGI middleware: 421 for `/` and `/_emulator/...` asked for by a name that is not ours."""

    def __init__(self, app: ASGIApp, *, allowed: Iterable[str] = ()) -> None:
        self._app = app
        self._allowed = _LOOPBACK | {name.lower() for name in allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and _is_own(scope) and not self._knows(scope):
            refusal = PlainTextResponse("Not one of the emulator's own names; --allow-host adds some.\n", 421)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return False
        name = _name(hosts[0].decode("latin-1"))
        own_address = (scope.get("server") or ("", 0))[0]
        return name in self._allowed or name == own_address or name.endswith(".localhost")


def _is_own(scope: Scope) -> bool:
    path: str = scope["path"]
    if path == "/":
        return scope["method"] in {"GET", "HEAD"}
    return path == _OWN_PATHS or path.startswith(_OWN_PATHS + "/")


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty for one that is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
