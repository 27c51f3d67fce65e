"""Amazon Personalize: the client that sends, and whatever else one needs of the service.

- `events_client`: botocore's client of `personalize-events`, async, at a tenth of its cost; the relay's sink sends
  with what it is made of.
- `connection`: the way to the service; `errors`: every way it says no.
- `trackers`: event trackers, made, described, listed, waited for, deleted, found by tracking id.
- `setup`: from nothing to a running event tracker. `schema`: what the columns of a dataset are.
- `fit`: whether events suit the dataset they go to.
- `put_file`: a file of users, items or actions into its dataset: `rows` reads, `catalog` checks, `chunks` packs,
  `upload` sends, `journal` remembers. `history`: rows of past interactions made into events.
"""

from relay.personalize.connection import Connection, connect
from relay.personalize.errors import PersonalizeError
from relay.personalize.put.put_file import FileToPut, PutResult, put_file, schema_for
from relay.personalize.schema.fit import Judged, Target, judged_property, judged_type, misfits, target_of
from relay.personalize.schema.learners import Learner, learners_of
from relay.personalize.setup import SetupPlan, SetupReport, set_up
from relay.personalize.trackers.event_trackers import (
    EventTracker,
    create_tracker,
    delete_tracker,
    describe_tracker,
    find_tracker,
    list_trackers,
    wait_until_active,
    wait_until_gone,
)
from relay.sink.personalize.events_client import EventsClient, events_client

__all__ = [
    "Connection",
    "EventTracker",
    "EventsClient",
    "FileToPut",
    "Judged",
    "Learner",
    "PersonalizeError",
    "PutResult",
    "SetupPlan",
    "SetupReport",
    "Target",
    "connect",
    "create_tracker",
    "delete_tracker",
    "describe_tracker",
    "events_client",
    "find_tracker",
    "judged_property",
    "judged_type",
    "learners_of",
    "list_trackers",
    "misfits",
    "put_file",
    "schema_for",
    "set_up",
    "target_of",
    "wait_until_active",
    "wait_until_gone",
]
