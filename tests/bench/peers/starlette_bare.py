"""Peer (a): the least a Starlette route can do with a beacon - read the body, answer 204. Keeps nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def collect(request: Request) -> Response:
    await request.body()
    return Response(status_code=204)


app = Starlette(routes=[Route("/r/e", collect, methods=["POST"])])
