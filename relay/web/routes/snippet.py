"""`GET {prefix}/s.js` and `GET {prefix}/s.HASH.js`."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from relay.web.routes.edge import edge_of

_HOUR: Final = "public, max-age=3600"
_FOREVER: Final = "public, max-age=31536000, immutable"


async def snippet(request: Request) -> Response:
    """The newest snippet; browsers ask again after an hour."""
    return _file(request, _HOUR)


async def snippet_by_hash(request: Request) -> Response:
    """The snippet of this very hash, for good; 404 when another version is installed."""
    if request.path_params["hash"] != edge_of(request.scope).snippet.hash:
        raise HTTPException(404)
    return _file(request, _FOREVER)


def _file(request: Request, cache_control: str) -> Response:
    file = edge_of(request.scope).snippet
    encoding = file.best(request.headers.get("accept-encoding", ""))
    etag = f'"{file.hash}-{encoding}"'
    headers = {
        # A script with `integrity` is fetched with CORS.
        "access-control-allow-origin": "*",
        "cache-control": cache_control,
        "cross-origin-resource-policy": "cross-origin",
        "etag": etag,
        "vary": "Accept-Encoding",
        "x-content-type-options": "nosniff",
    }
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "")[:1024].split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if encoding != "identity":
        headers["content-encoding"] = encoding
    return Response(file.bodies[encoding], headers=headers, media_type="text/javascript; charset=utf-8")
