"""The datasets behind the event trackers, read when somebody looks: whether the service has a use for what is sent.

Reading takes some ten calls to the control plane, so that it is done in the background, by a thread of its own (the
SDK takes its time on whatever thread it runs), and what was read is good for a while. Who may only put events may not
read; then it is said so, and `check`, which runs with rights of its own, is asked instead.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from relay.core.clock import Clock

if TYPE_CHECKING:  # the SDK is read when it is needed
    from relay.personalize import Judged, Learner, Target

GOOD_FOR_MS: Final = 600_000
"""How long what was read is not read again."""
AGAIN_AFTER_MS: Final = 60_000
"""After it could not be read."""
DEADLINE_S: Final = 60.0
"""Of reading, a region."""
MOST_READ: Final = 100
"""Trackers of a region that are looked at."""
PATIENCE_S: Final = 2.0
"""How long who looks waits for it."""


class Behind(NamedTuple):
    """What stands behind a tracking id."""

    problem: str = ""
    """Why it is not known; empty if it is."""
    target: "Target | None" = None
    learners: "tuple[Learner, ...] | None" = None
    unread: str = ""
    """Why those are not known where the rest is."""

    def judged_property(self, name: str) -> "Judged | None":
        """Whether a column takes it; None where that is not known."""
        if self.target is None:
            return None
        from relay.personalize import judged_property  # noqa: PLC0415 - it has been read, or there were no target

        return judged_property(self.target, name)

    def judged_type(self, event_type: str) -> "Judged | None":
        """Whether anything is trained on it; None where that is not known."""
        if self.learners is None:
            return None
        from relay.personalize import judged_type  # noqa: PLC0415 - the same

        return judged_type(self.learners, event_type)


class Datasets:
    """What was read, by tracking id."""

    def __init__(
        self,
        regions: Mapping[str, str | None],
        *,
        clock: Clock,
        read: "Callable[[Mapping[str, str | None]], dict[str, Behind]] | None" = None,
    ) -> None:
        """Take what is to be read.

        Args:
            regions: Of each tracking id; None for the ordinary one.
            clock: Says how old it is.
            read: Instead of asking Amazon Personalize; called on a thread of its own.
        """
        self._regions = regions
        self._clock = clock
        self._read = read or _read
        self._known: dict[str, Behind] = {}
        self._next_ms = 0
        self._reading: asyncio.Future[dict[str, Behind]] | None = None
        self.read_at_ms: int | None = None
        """When it was read the last time."""

    async def known(self) -> dict[str, Behind]:
        """What is known by now; begins to read where that is too old, and waits a moment for it."""
        if self._reading is None and self._clock.now_ms() >= self._next_ms:
            self._reading = self._begun()
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=PATIENCE_S)
        return self._known

    @property
    def is_reading(self) -> bool:
        """Whether it is being read now."""
        return self._reading is not None

    def _begun(self) -> asyncio.Future[dict[str, Behind]]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[dict[str, Behind]] = loop.create_future()

        def finish(known: dict[str, Behind]) -> None:
            self._reading = None
            now_ms = self._clock.now_ms()
            is_whole = all(not one.problem and not one.unread for one in known.values())
            self._next_ms = now_ms + (GOOD_FOR_MS if is_whole else AGAIN_AFTER_MS)
            # What was read once is better than that it cannot be read now.
            self._known = {
                one: self._known.get(one, behind) if behind.problem else behind for one, behind in known.items()
            }
            if any(not one.problem for one in known.values()):
                self.read_at_ms = now_ms
            if not found.done():
                found.set_result(self._known)

        def run() -> None:
            try:
                known = self._read(self._regions)
            except Exception as error:  # noqa: BLE001 - of the SDK, of its files: it is told where one looks
                problem = " ".join(f"{type(error).__name__}: {error}".split())
                known = {one: Behind(problem) for one in self._regions}
            try:
                loop.call_soon_threadsafe(finish, known)
            except RuntimeError:
                return  # the relay has ended meanwhile

        threading.Thread(target=run, name="relay-datasets", daemon=True).start()  # holds up no exit
        return found


def _read(regions: Mapping[str, str | None]) -> dict[str, Behind]:
    return asyncio.run(_all(regions))


async def _all(regions: Mapping[str, str | None]) -> dict[str, Behind]:
    from relay.personalize import PersonalizeError  # noqa: PLC0415 - large

    found: dict[str, Behind] = {}
    for region in sorted(set(regions.values()), key=str):
        ids = [one for one, its in regions.items() if its == region][:MOST_READ]
        try:
            async with asyncio.timeout(DEADLINE_S):
                found |= await _of_region(region, ids)
        except PersonalizeError as error:
            found |= dict.fromkeys(ids, Behind(" ".join(str(error).split())))
        except TimeoutError:
            found |= dict.fromkeys(ids, Behind("Amazon Personalize does not answer"))
    return found


async def _of_region(region: str | None, ids: Sequence[str]) -> dict[str, Behind]:
    from relay.personalize import PersonalizeError, connect, learners_of, list_trackers, target_of  # noqa: PLC0415 - large

    found = dict.fromkeys(ids, Behind("this account and region have no such event tracker"))
    async with connect(region=region) as connection:
        for tracker in await list_trackers(connection):
            if tracker.tracking_id not in found:
                continue
            target = await target_of(connection, tracker)
            if target.interactions is None:
                found[tracker.tracking_id] = Behind(f"{target.dataset_group.name!r} has no interactions dataset")
                continue
            try:
                learners = await learners_of(connection, tracker.dataset_group_arn)
            except PersonalizeError as error:
                found[tracker.tracking_id] = Behind(target=target, unread=" ".join(str(error).split()))
            else:
                found[tracker.tracking_id] = Behind(target=target, learners=learners)
    return found
