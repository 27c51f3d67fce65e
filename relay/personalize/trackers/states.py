"""Resources of the service change slowly; this is how one waits for them.

States: CREATE PENDING > CREATE IN_PROGRESS > ACTIVE or CREATE FAILED, and DELETE PENDING > DELETE IN_PROGRESS,
after which the resource is not found. The service has no waiters and no events, so it is asked again and again.
"""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from relay.personalize.connection import Connection
from relay.personalize.errors import PersonalizeError, ResourceNotFoundError

ACTIVE: Final = "ACTIVE"
GONE: Final = "GONE"
"""Not a state of the service: what `wait_until_gone` reports at its end."""

DEFAULT_TIMEOUT_S: Final = 900.0
"""An event tracker takes about a minute, a dataset group a few."""

_FIRST_POLL_S: Final = 0.25
_MAX_POLL_S: Final = 5.0

OnStatus = Callable[[str, float], None]
"""Told each status as it is read, and the seconds waited so far."""


class TrackerState(NamedTuple):
    """What a describe call says about how far a resource is."""

    status: str
    failure_reason: str = ""


class CreationFailedError(PersonalizeError):
    """The service could not make or delete the resource."""

    hint = "Delete it and make it again"


class WaitTimeoutError(PersonalizeError):
    """It took longer than one wanted to wait; the service goes on with it."""

    hint = "The service is still at it; wait again"


class BeingDeletedError(PersonalizeError):
    """The resource is on its way out and will never be ACTIVE."""

    hint = "Wait until it is gone, then make a new one"


def ignore_status(status: str, waited_s: float) -> None:
    """An `OnStatus` for who does not want to know."""
    del status, waited_s


async def wait_for_active(
    connection: Connection,
    describe: Callable[[], Awaitable[TrackerState]],
    *,
    what: str,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_status: OnStatus = ignore_status,
) -> None:
    """Ask until the resource is ACTIVE.

    Args:
        connection: Whose clock and sleep are used.
        describe: Reads the state.
        what: Name of the resource, for messages.
        timeout_s: How long to wait at most.
        on_status: Told every status read.

    Raises:
        CreationFailedError: the service gave up, with its reason where it names one.
        BeingDeletedError: it is being deleted.
        WaitTimeoutError: not ACTIVE in time.
        PersonalizeError: describing failed.
    """
    started_s = connection.clock.monotonic_s()
    pause_s = _FIRST_POLL_S
    while True:
        state = await describe()
        waited_s = connection.clock.monotonic_s() - started_s
        on_status(state.status, waited_s)
        if state.status == ACTIVE:
            return
        if state.status.endswith("FAILED"):
            reason = f": {state.failure_reason}" if state.failure_reason else ""
            raise CreationFailedError(f"{what} is {state.status}{reason}")
        if state.status.startswith("DELETE"):
            raise BeingDeletedError(f"{what} is {state.status}")
        if waited_s >= timeout_s:
            raise WaitTimeoutError(f"{what} is still {state.status} after {waited_s:.0f} s")
        await connection.sleep(min(pause_s, timeout_s - waited_s))
        pause_s = min(_MAX_POLL_S, pause_s * 1.5)


async def wait_for_gone(
    connection: Connection,
    describe: Callable[[], Awaitable[TrackerState]],
    *,
    what: str,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_status: OnStatus = ignore_status,
) -> None:
    """Ask until the service does not find the resource any more. Arguments as in `wait_for_active`.

    Raises:
        CreationFailedError: the deletion failed.
        WaitTimeoutError: not gone in time.
        PersonalizeError: describing failed.
    """
    started_s = connection.clock.monotonic_s()
    pause_s = _FIRST_POLL_S
    while True:
        try:
            state = await describe()
        except ResourceNotFoundError:
            on_status(GONE, connection.clock.monotonic_s() - started_s)
            return
        waited_s = connection.clock.monotonic_s() - started_s
        on_status(state.status, waited_s)
        if state.status.endswith("FAILED"):
            raise CreationFailedError(f"{what} is {state.status}")
        if waited_s >= timeout_s:
            raise WaitTimeoutError(f"{what} is still {state.status} after {waited_s:.0f} s")
        await connection.sleep(min(pause_s, timeout_s - waited_s))
        pause_s = min(_MAX_POLL_S, pause_s * 1.5)
