"""Who has to go when a listener's room runs out: nobody's connections cost another his."""

from collections.abc import Callable, Sequence
from itertools import chain

from relay.web.listener.exchange import Client

_LOOK_AT = 64


class FairShares:
    """Open connections by the network they come from.

    While less than half of the room is used, nobody is asked. Past that a network that has more than its share (the
    room by the number of networks) has to give up its slowest connection for each new one. When there is no room at
    all, the network with most connections gives one up, whoever it is that comes. Proxies that are trusted speak for
    many, and are exempt.
    """

    def __init__(self, *, room: Callable[[], int], key: Callable[[str | None], str | None]) -> None:
        """Take the bounds.

        Args:
            room: Connections that may be open.
            key: The network of an address; None for one that is exempt.
        """
        self._room = room
        self._key = key
        self._by_network: dict[str | None, dict[Client, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Connections open."""
        return self._count

    def add(self, one: Client) -> Client | None:
        """A new one; who has to go for it: another, itself, or nobody."""
        network = self._key(one.peer)
        mine = self._by_network.setdefault(network, {})
        mine[one] = None
        self._count += 1
        room = self._room()
        if self._count * 2 <= room:
            return None
        if network is not None and len(mine) > max(1, room // len(self._by_network)):
            return _slowest(mine) or one
        if self._count <= room:
            return None
        others = (found for key, found in self._by_network.items() if key is not None)
        largest = max(others, key=len, default=mine)
        return _slowest(largest) or one if network is None or len(largest) > len(mine) else one

    def all(self) -> Sequence[Client]:
        """Every connection, as of now."""
        return list(chain.from_iterable(self._by_network.values()))

    def remove(self, one: Client) -> None:
        """It is closed."""
        network = self._key(one.peer)
        mine = self._by_network.get(network)
        if mine is not None and one in mine:
            del mine[one]
            self._count -= 1
            if not mine:
                del self._by_network[network]


def _slowest(connections: dict[Client, None]) -> Client | None:
    """Of the oldest, the one that owes a request for longest, else the one that is idle for longest."""
    oldest = [one for one, _ in zip(connections, range(_LOOK_AT), strict=False)]
    candidates = [one for one in oldest if one.patience() < 2]
    return min(candidates, key=lambda one: (one.patience(), one.since_s), default=None)
