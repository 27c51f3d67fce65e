"""Limits of Amazon Personalize, each with its source.

Sources: [M] botocore's service model `personalize-events` 2018-03-22, [Q] the quotas page of the developer
guide. botocore checks minimum lengths only, so every maximum here is ours to enforce. Lengths of strings are
counted in characters; the sizes named `_BYTES` in bytes of UTF-8 JSON.
"""

import re
from typing import Final

MAX_EVENTS_PER_CALL: Final = 10
"""Events in one PutEvents, records in one PutUsers, PutItems, PutActions, PutActionInteractions [M]."""

MAX_ID_CHARS: Final = 256
"""trackingId, sessionId, userId, itemId, actionId, eventId, eventType, and each id of an impression [M]."""

MAX_RECOMMENDATION_ID_CHARS: Final = 40
"""recommendationId [M]."""

MAX_IMPRESSION_ITEMS: Final = 25
"""Items in one impression list; at least one [M]."""

MAX_EVENT_PROPERTIES_CHARS: Final = 1024
"""`properties` of an event, as the serialised string, escapes and all [M]."""

MAX_ITEM_PROPERTIES_CHARS: Final = 32_000
"""`properties` of an item or an action [M]."""

MAX_USER_PROPERTIES_CHARS: Final = 24_000
"""`properties` of a user [M]."""

MAX_ATTRIBUTION_SOURCE_CHARS: Final = 1024
"""`metricAttribution.eventAttributionSource` [M]."""

ATTRIBUTION_SOURCE_PATTERN: Final = re.compile(r"[\x20-\x7E]*[\x21-\x7E]+[\x20-\x7E]*")
"""Printable ASCII with at least one that is not a space [M]; use with `fullmatch`."""

MAX_EVENT_BYTES: Final = 10 * 1024
"""One event as JSON [Q]. The service's unit is not documented beyond "10 KB"."""

MAX_EVENT_VALUE: Final = 3.4028234663852886e38
"""Largest finite float32: eventValue is a `float` in the model [M]."""

RESERVED_PROPERTY_KEYS: Final = frozenset(
    {"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"}
)
"""Keys forbidden in the properties of an event, compared in lower case [M]."""

MAX_DATASET_ARN_CHARS: Final = 256
"""datasetArn [M]."""

ARN_PATTERN: Final = re.compile(r"arn:([a-z\d-]+):personalize:.*:.*:.+")
"""Every ARN of the service [M]; use with `fullmatch`."""

RESOURCE_NAME_PATTERN: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}")
"""Names of event trackers, dataset groups, schemas, datasets: 1 to 63 characters [M]; use with `fullmatch`."""

MAX_TAGS: Final = 200
"""Tags of one resource [M]."""

PUT_EVENTS_PER_S: Final = 1000
"""PutEvents calls a second and dataset group; adjustable [Q]."""

PUT_RECORDS_CALLS_PER_S: Final = 10
"""PutItems and PutUsers calls a second and dataset group, each; not adjustable [Q]."""

MAX_EVENT_TYPES_AND_METADATA: Final = 10
"""Distinct event types plus optional metadata columns of an interactions dataset [Q]."""

MAX_CATEGORICAL_CHARS: Final = 1000
"""A categorical value, all its categories and `|` together; the ids of an impression in the same way [Q]."""

MAX_ITEM_STRING_CHARS: Final = 1000
"""A string of an item that is not textual [Q: "categorical and non-categorical string data values"]. For users and
actions only categorical ones have a limit there."""

MAX_TEXTUAL_CHARS: Final = 20_000
"""A textual value of an item [Q]. In Chinese and Japanese it is 7,000 there; how the language is found is not said."""
