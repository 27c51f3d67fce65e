"""For the tests of your own site: a local Amazon Personalize, started, filled and asked what came.

    from relay.testing import PersonalizeEmulator

    with PersonalizeEmulator() as personalize:
        client = boto3.client("personalize-events", **personalize.client_options)
        client.put_events(trackingId=personalize.tracking_id, sessionId="s", eventList=[...])
        assert personalize.events()[0]["itemId"] == "p1"

With pytest, `pytest_plugins = ["relay.testing.fixtures"]` in the root conftest.py gives the fixture
`personalize_emulator`. docs/emulator-api.md has more.
"""

from relay.testing.emulator import PersonalizeEmulator
from relay.testing.recorded import RecordedCall

__all__ = ["PersonalizeEmulator", "RecordedCall"]
