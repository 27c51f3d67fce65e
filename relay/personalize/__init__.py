"""Amazon Personalize besides sending events: event trackers, set-up, and the records of users, items and actions.

- `connection`: the way to the service; `errors`: every way it says no.
- `trackers`: event trackers, made, described, listed, waited for, deleted, found by tracking id.
- `setup`: from nothing to a running event tracker. `schema`: what the columns of a dataset are.
- `fit`: whether events suit the dataset they go to.
- `catalog`: rows of users, items and actions, checked; `rows`: where they are read from; `upload`: how they get there.
"""

from relay.personalize.connection import Connection, connect
from relay.personalize.errors import PersonalizeError
from relay.personalize.fit import Target, misfits, target_of
from relay.personalize.trackers import (
    EventTracker,
    create_tracker,
    delete_tracker,
    describe_tracker,
    find_tracker,
    list_trackers,
    wait_until_active,
    wait_until_gone,
)

__all__ = [
    "Connection",
    "EventTracker",
    "PersonalizeError",
    "Target",
    "connect",
    "create_tracker",
    "delete_tracker",
    "describe_tracker",
    "find_tracker",
    "list_trackers",
    "misfits",
    "target_of",
    "wait_until_active",
    "wait_until_gone",
]
