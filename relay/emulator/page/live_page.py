"""The live page at `/` and its files: own origin only, nothing inline, nothing from elsewhere."""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER: Final = Path(__file__).parent / "static"
_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/_emulator/page/page.css": ("page.css", "text/css; charset=utf-8"),
    "/_emulator/page/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/_emulator/page/elements.js": ("elements.js", "text/javascript; charset=utf-8"),
    "/_emulator/page/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def live_page_routes() -> list[Route]:
    """`/` and the files it needs; they are read once, now."""
    return [_route(path, name, media_type) for path, (name, media_type) in _FILES.items()]


def _route(path: str, name: str, media_type: str) -> Route:
    content = (_FOLDER / name).read_bytes()

    async def file(_: Request) -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return Route(path, file, methods=["GET"])
