"""Records of sessions as chains of numbers, in flat arrays the garbage collector does not walk: 22 bytes a record."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from relay.spool.schedule.claims import Removed

END: Final = -1


class Columns(NamedTuple):
    """Of some records, in order of seq."""

    seq: list[int]
    session: list[int]
    flow: list[int]
    """Its number."""
    accepted_at_ms: list[int]
    waiting: list[int]
    """A bit for each event that waits."""


class Loaded(NamedTuple):
    """Chains by session, in the order of their first records."""

    chains: "Chains"
    position: dict[int, int]
    """Of a session in the arrays."""
    session: "array[int]"
    flow: "array[int]"
    head: "array[int]"
    tail: "array[int]"
    events: "array[int]"
    """How many wait."""


class Chains:
    """Nodes, each a record: its seq, which of its events wait, when it arrived, and the next of the same session."""

    def __init__(self) -> None:
        self.seq, self.next, self.arrived_s, self.waiting = array("q"), array("i"), array("d"), array("H")
        self._free = END

    def new(self, seq: int, waiting: int, arrived_s: float) -> int:
        """A chain of one record: its node. `arrived_s` is monotonic."""
        node = self._free
        if node == END:
            node = len(self.seq)
            self.seq.append(seq)
            self.next.append(END)
            self.arrived_s.append(arrived_s)
            self.waiting.append(waiting)
        else:
            self._free = self.next[node]
            self.seq[node], self.next[node], self.arrived_s[node] = seq, END, arrived_s
            self.waiting[node] = waiting
        return node

    def nodes(self, node: int) -> Iterator[int]:
        """The nodes of a chain from this one on."""
        while node != END:
            yield node
            node = self.next[node]

    def cut(self, head: int, tail: int, gone: Mapping[int, int], reach: int) -> tuple[int, int, list[Removed]]:
        """Remove events from the first `reach` nodes, or from all if there are fewer.

        Args:
            head: First node of the chain.
            tail: Its last.
            gone: By seq: a bit for each event.
            reach: How far to look.

        Returns:
            Head and tail of what is left, `END` if that is nothing; and what was removed.
        """
        removed: list[Removed] = []
        before, node = END, head
        while node != END and reach:
            after, reach = self.next[node], reach - 1
            places = gone.get(self.seq[node], 0) & self.waiting[node]
            left = self.waiting[node] ^ places
            if places:
                removed.append(Removed(self.seq[node], places, left))
                self.waiting[node] = left
            if left:
                before = node
            else:
                if before == END:
                    head = after
                else:
                    self.next[before] = after
                if node == tail:
                    tail = before
                self.next[node], self._free = self._free, node
            node = after
        return head, tail, removed


def load_chains(pieces: Iterable[Columns], *, now_s: float, now_ms: int) -> Loaded:
    """Make the chains of all records, which come in pieces, in order of seq.

    What comes from the future, because the wall clock was set back, has arrived now. Column by column: this is
    most of the time a relay takes to start with a million records.
    """
    epoch_s = now_s - now_ms / 1000
    chains = Chains()
    loaded = Loaded(chains, {}, array("q"), array("q"), array("i"), array("i"), array("I"))
    _, position_of, sessions, flows, heads, tails, counts = loaded
    position, nexts, first = position_of.get, chains.next, 0
    for seqs, of_session, of_flow, times_ms, waiting in pieces:
        chains.seq.fromlist(seqs)
        chains.arrived_s.fromlist([epoch_s + at_ms / 1000 if at_ms < now_ms else now_s for at_ms in times_ms])
        chains.waiting.fromlist(waiting)
        nexts.extend(array("i", [END]) * len(seqs))
        sizes = [mask.bit_count() for mask in waiting]
        for node, (session, size) in enumerate(zip(of_session, sizes, strict=True), first):
            at = position(session)
            if at is None:
                position_of[session] = len(sessions)
                sessions.append(session)
                flows.append(of_flow[node - first])
                heads.append(node)
                tails.append(node)
                counts.append(size)
            else:
                nexts[tails[at]] = node
                tails[at] = node
                counts[at] += size
        first += len(seqs)
    return loaded
