"""Personalize Relay: what people see and click on a website, into Amazon Personalize.

The rooms, in the order an event travels; each imports only from those below it in docs/architecture.md::

    page ─ snippet ─ POST ─► web ─► wire ─► identity ─► intake ─► spool ─► delivery ─► sink ─► PutEvents ─► archive

- `web`: the only room that knows HTTP: listeners, routes, rate limits, the pages for people.
- `wire`: bytes to typed events; what is wrong with one costs its neighbours nothing.
- `identity`: who sent it: tokens, JWTs, the decision from them and from the session's binding, session stitching.
- `intake`: checked events to records, from browsers and from backends.
- `spool`: the durable queue: its `contract`, the `schedule` of who is next, and the backends.
- `delivery`: from the spool to the sink: batches, pace, lingering, a circuit breaker.
- `sink`: where batches go: the service, a file, memory; with sender processes.
- `archive`: what was delivered, kept on request.
- `insight`: what happened and why, for the pages of the admin listener.

Beside the way of an event:

- `core`: what every room may use: the model, limits, settings, clock, metrics, logs.
- `compose`: settings in, a running relay out.
- `personalize`: the rest of the service: trackers, set-up, users, items, actions, past events.
- `emulator`: a local Amazon Personalize. `demo`: it, a relay and a shop together, and the replay of a click stream.
- `testing`: the emulator for the tests of your own site, with a fixture for pytest.
- `cli`: the command `personalize-relay`. `tokens`: the public face of `identity.tokens`.

Public are the names here, `relay.tokens`, `relay.personalize`, `relay.testing` and the command. They are imported when
first used, so that `import relay` stays cheap.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

from relay.core.version import VERSION

if TYPE_CHECKING:
    from relay.compose.relay import open_edge
    from relay.core.errors import RelayError, SettingsError, SpoolError
    from relay.core.settings import Settings
    from relay.core.settings_loading import load_settings
    from relay.web.app import create_app, public_routes
    from relay.web.routes.edge import Edge

__all__ = [
    "Edge",
    "RelayError",
    "Settings",
    "SettingsError",
    "SpoolError",
    "__version__",
    "create_app",
    "load_settings",
    "open_edge",
    "public_routes",
]

__version__: Final = VERSION

_ROOMS: Final = {
    "Edge": "relay.web.routes.edge",
    "RelayError": "relay.core.errors",
    "Settings": "relay.core.settings",
    "SettingsError": "relay.core.errors",
    "SpoolError": "relay.core.errors",
    "create_app": "relay.web.app",
    "load_settings": "relay.core.settings_loading",
    "open_edge": "relay.compose.relay",
    "public_routes": "relay.web.app",
}
"""Public name → where it is made."""


def __getattr__(name: str) -> Any:
    """Bring a public name in when it is asked for."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'relay' has no attribute {name!r}")
    found = getattr(importlib.import_module(_ROOMS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
