"""Personalize Relay: what people see and click on a website, into Amazon Personalize.

The map of the package, in the order an event travels::

    page ─ snippet ─ POST ─► routes.beacons ─► beacon ─► identity ─► intake ─► spool ─► batching ─► dispatcher ─► sink

`settings` says how, `wiring` puts it together, `app` is the ASGI application, `cli` the command.
`personalize` is the rest of the service (trackers, users, items, actions), `emulator` the service on a laptop.
"""

__version__ = "0.1.0"
