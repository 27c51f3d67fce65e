"""A local Amazon Personalize over HTTP: strict, inspectable, and able to misbehave on purpose.

    app = create_app(Emulator(seed_tracking_id="demo"))

speaks `personalize-events`, `personalize` (dataset groups, schemas, datasets, event trackers) and
`personalize-runtime` (GetRecommendations) on one port, to any unmodified AWS client whose secret access key is
`emulator`. It stands apart from the relay: it takes nothing from it but the limits of the service.
"""

from relay.emulator.app import create_app
from relay.emulator.clock import Clock, SystemClock
from relay.emulator.state import DEFAULT_REGION, Emulator
from relay.emulator.store.journal import JournalError
from relay.emulator.wire.quotas import DEFAULT_QUOTAS
from relay.emulator.wire.sigv4 import SECRET

__all__ = [
    "DEFAULT_QUOTAS",
    "DEFAULT_REGION",
    "SECRET",
    "Clock",
    "Emulator",
    "JournalError",
    "SystemClock",
    "create_app",
]
