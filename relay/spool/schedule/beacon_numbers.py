"""What became of numbered beacons, where one relay gets all of a session: known at once."""

from collections.abc import Callable

from relay.core.model import SessionKey
from relay.spool.contract import Numbered
from relay.spool.schedule.session_gaps import SessionGaps


class BeaconNumbers:
    """See `relay.spool.contract.Numbers`."""

    def __init__(self) -> None:
        self._gaps = SessionGaps()
        self._told: Callable[[str, Numbered], None] = _nobody

    def tell(self, told: Callable[[str, Numbered], None]) -> None:
        """See `Numbers.tell`."""
        self._told = told

    def took(self, key: SessionKey, page_session: str, number: int, browser: str, *, stored: bool) -> None:
        """See `Numbers.took`."""
        self._told(browser, self._gaps.saw((key.target, page_session), number))


def _nobody(_browser: str, _numbered: Numbered) -> None:
    """Until somebody wants to be told."""
