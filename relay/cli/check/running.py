"""What the relay that runs with these settings says of itself, if one does."""

import http.client
from typing import Final

import msgspec

from relay.cli.screen import harmless
from relay.core.settings import Settings
from relay.web.readiness import Report

_PATIENCE_S: Final = 2.0
_MOST_BYTES: Final = 1 << 20


def running_warnings(settings: Settings) -> list[str]:
    """Reasons and problems of its `/readyz`, one line each; nothing where nobody answers."""
    if not settings.admin_port:
        return []
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.admin_host, settings.admin_host)  # noqa: S104  any: here
    connection = http.client.HTTPConnection(host, settings.admin_port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/readyz", headers={"Host": f"localhost:{settings.admin_port}"})
        report = msgspec.json.decode(connection.getresponse().read(_MOST_BYTES), type=Report)
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return []  # it does not run, or something else does
    finally:
        connection.close()
    return [f"the running relay: {harmless(line)}" for line in (*report.reasons, *report.problems)]
