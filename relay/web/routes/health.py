"""`GET /healthz` and `GET /readyz`."""

import re
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from relay.web.readiness import Report
from relay.web.routes.edge import edge_of

_NO_STORE = {"cache-control": "no-store"}
_TARGET: Final = re.compile(r"(?<=^no delivery to ).+(?= for \d+ s \()")
"""In a line of `Circuit.problem`: a tracking id, or an ARN, which names the account."""


async def healthz(_request: Request) -> Response:
    """The process is up."""
    return Response(b'{"up":true}', media_type="application/json", headers=_NO_STORE)


async def readyz(request: Request) -> Response:
    """May take traffic: 200, or 503 with the reasons. Says everything: for the admin listener."""
    return _answer(edge_of(request.scope).readiness.report())


async def public_readyz(request: Request) -> Response:
    """The same for everybody: sites by name, for a tracking id never leaves the server, and no message of AWS's."""
    edge = edge_of(request.scope)
    report = edge.readiness.report()
    names = {site.destination.tracking_id: name for name, site in edge.sites.items()}
    lines = [line.partition("): ")[0] + ")" if "): " in line else line for line in report.problems]
    lines = [_TARGET.sub(lambda found: names.get(found[0], "a dataset"), line) for line in lines]
    return _answer(msgspec.structs.replace(report, problems=lines))


def _answer(report: Report) -> Response:
    return Response(
        msgspec.json.encode(report),
        status_code=200 if report.ready else 503,
        media_type="application/json",
        headers=_NO_STORE if report.ready else {**_NO_STORE, "retry-after": "5"},
    )
