"""`GET {prefix}/s.js`, `{prefix}/s.HASH.js` and `{prefix}/inspect.js`. Every answer may be read by every page."""

import logging
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from relay.insight.told import RefusedBeacon
from relay.web.routes.answer import Problem, encode
from relay.web.routes.edge import Edge, edge_of
from relay.web.routes.snippet_file import SnippetFile

_HOUR: Final = "public, max-age=3600"
_FOREVER: Final = "public, max-age=31536000, immutable"
_EVERY_PAGE: Final = {"access-control-allow-origin": "*"}
"""A script with `integrity` is fetched with CORS; without this a page could not even learn that it is not there."""

_log = logging.getLogger("relay")


class SnippetEndpoint:
    """Answers all methods itself, so that no answer is without CORS."""

    def __init__(self, *, inspector: bool = False) -> None:
        """Serve the snippet, or what shows on a page what the snippet does."""
        self._inspector = inspector

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope)
        edge = edge_of(scope)
        wanted = request.path_params.get("hash")
        if request.method not in ("GET", "HEAD"):
            answer = _problem(405, "method_not_allowed", "send a GET")
            answer.headers["allow"] = "GET, HEAD"
        elif wanted is None:
            snippets = edge.snippets
            answer = _file(request, snippets.inspector if self._inspector else snippets.current, _HOUR)
        elif (found := edge.snippets.find(str(wanted))) is not None:
            answer = _file(request, found, _FOREVER)
        else:
            _not_here(edge, request, str(wanted))
            answer = _problem(404, "not_found", "no snippet of this hash was ever installed here")
        await answer(scope, receive, send)


def _not_here(edge: Edge, request: Request, wanted: str) -> None:
    edge.metrics.snippets_unknown.inc()
    origin = request.headers.get("origin") or "/".join(request.headers.get("referer", "").split("/")[:3])
    refused = RefusedBeacon("snippet", 404, "unknown_snippet", "", origin, "", "", trusted=origin in edge.origins)
    edge.insight.refused(refused)
    if origin in edge.origins and edge.unknown_snippets.asked(wanted):
        _log.warning("pages of %s ask for a snippet that is not here: s.%s.js", origin, wanted[:32])


def _problem(status: int, error: str, detail: str) -> Response:
    headers = {**_EVERY_PAGE, "cache-control": "no-store"}
    return Response(encode(Problem(error, detail)), status, headers, media_type="application/json")


def _file(request: Request, file: SnippetFile, cache_control: str) -> Response:
    encoding = file.best(request.headers.get("accept-encoding", ""))
    etag = f'"{file.hash}-{encoding}"'
    headers = {
        **_EVERY_PAGE,
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
