"""Every page of the admin listener, and the files they are made of."""

from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from relay.web.admin.access import FORM_HEADERS, login_form
from relay.web.admin.live_page import live, status_json
from relay.web.admin.views import buried, events, holdings, sessions
from relay.web.admin.views.answering import HEADERS, viewed
from relay.web.admin.views.lists import lists
from relay.web.admin.views.losses import losses
from relay.web.admin.views.properties import properties
from relay.web.admin.views.refusals import refusals
from relay.web.admin.views.words import words

_FOLDER: Final = Path(__file__).parent / "page"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}


def page_routes() -> list[BaseRoute]:
    """The pages, their parts, and their data."""
    return [
        Route("/", viewed("/", live)),
        Route("/status.json", status_json),
        Route("/events", viewed("/events", events.events)),
        Route("/events/stream", events.stream),
        Route("/sessions", viewed("/sessions", sessions.sessions)),
        Route("/sessions/{session:path}", viewed("/sessions", sessions.session)),
        Route("/refusals", viewed("/refusals", refusals)),
        Route("/lists", viewed("/lists", lists)),
        Route("/losses", viewed("/losses", losses)),
        Route("/properties", viewed("/properties", properties)),
        Route("/buried", viewed("/buried", buried.buried)),
        Route("/buried", buried.change, methods=["POST"]),
        Route("/held", viewed("/held", holdings.held), methods=["POST"]),
        Route("/words", viewed("/words", words)),
        Route("/login", _login),
        *(Route(f"/{name}", _file(name)) for name in ("relay.css", "age.js", "refresh.js", "tail.js")),
    ]


def _file(name: str) -> Any:
    body = (_FOLDER / name).read_bytes()

    async def file(_request: Request) -> Response:
        return Response(body, headers=HEADERS, media_type=f"{_TYPES[Path(name).suffix]}; charset=utf-8")

    return file


async def _login(_request: Request) -> Response:
    answer = Response(login_form())
    for name, value in FORM_HEADERS:
        answer.headers[name.decode()] = value.decode()
    answer.headers["cache-control"] = "no-store"
    return answer
