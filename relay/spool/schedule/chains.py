"""Records of sessions as chains of numbers, in flat arrays the garbage collector does not walk: 20 bytes a record."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

END: Final = -1


class Columns(NamedTuple):
    """Of some records, in order of seq."""

    seq: list[int]
    session: list[int]
    flow: list[int]
    """Its number."""
    accepted_at_ms: list[int]


class Loaded(NamedTuple):
    """Chains by session, in the order of their first records."""

    chains: "Chains"
    position: dict[int, int]
    """Of a session in the arrays."""
    session: "array[int]"
    flow: "array[int]"
    head: "array[int]"
    tail: "array[int]"
    length: "array[int]"


class Chains:
    """Nodes, each a record: its seq, when it arrived (monotonic seconds), and the next of the same session."""

    def __init__(self) -> None:
        self.seq, self.next, self.arrived_s = array("q"), array("i"), array("d")
        self._free = END

    def new(self, seqs: Sequence[int], arrived_s: float) -> tuple[int, int]:
        """A chain of records that arrived together, at least one: its first node and its last."""
        first = last = END
        for seq in seqs:
            node = self._free
            if node == END:
                node = len(self.seq)
                self.seq.append(seq)
                self.next.append(END)
                self.arrived_s.append(arrived_s)
            else:
                self._free = self.next[node]
                self.seq[node], self.next[node], self.arrived_s[node] = seq, END, arrived_s
            if last == END:
                first = node
            else:
                self.next[last] = node
            last = node
        return first, last

    def first(self, node: int, count: int) -> Iterator[int]:
        """The first `count` nodes of a chain that is at least as long."""
        for _ in range(count):
            yield node
            node = self.next[node]

    def cut(self, head: int, tail: int, gone: Collection[int], reach: int) -> tuple[int, int, list[tuple[int, int]]]:
        """Remove the seqs `gone` from the first `reach` nodes.

        Returns:
            Head and tail of what is left, meaningless if that is nothing; position and seq of what was removed.
        """
        removed: list[tuple[int, int]] = []
        before, node = END, head
        for position in range(reach):
            after = self.next[node]
            if self.seq[node] in gone:
                removed.append((position, self.seq[node]))
                if before == END:
                    head = after
                else:
                    self.next[before] = after
                if node == tail:
                    tail = before
                self.next[node], self._free = self._free, node
            else:
                before = node
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
    for seqs, of_session, of_flow, times_ms in pieces:
        chains.seq.fromlist(seqs)
        chains.arrived_s.fromlist([epoch_s + at_ms / 1000 if at_ms < now_ms else now_s for at_ms in times_ms])
        nexts.extend(array("i", [END]) * len(seqs))
        for node, session in enumerate(of_session, first):
            at = position(session)
            if at is None:
                position_of[session] = len(sessions)
                sessions.append(session)
                flows.append(of_flow[node - first])
                heads.append(node)
                tails.append(node)
                counts.append(1)
            else:
                nexts[tails[at]] = node
                tails[at] = node
                counts[at] += 1
        first += len(seqs)
    return loaded
