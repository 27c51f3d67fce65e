"""Records of sessions as chains of numbers, in flat arrays the garbage collector does not walk: 20 bytes a record."""

from array import array
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

END: Final = -1
_AT_ONCE: Final = 256
"""Rows held while they are loaded: few enough for the processor's cache."""


class Loaded(NamedTuple):
    """Chains by session, in the order of their first records."""

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

    def load(self, rows: Iterator[tuple[int, int, int, int]], *, now_s: float, now_ms: int) -> Loaded:
        """Make the chains of (seq, session, flow, accepted_at_ms) in order of seq, when there are none yet.

        What comes from the future, because the wall clock was set back, has arrived now. Column by column: this is
        most of the time a relay takes to start with a million records.
        """
        epoch_s = now_s - now_ms / 1000
        loaded = Loaded({}, array("q"), array("q"), array("i"), array("i"), array("I"))
        position_of, sessions, flows, heads, tails, counts = loaded
        position, nexts, node = position_of.get, self.next, 0
        while some := list(islice(rows, _AT_ONCE)):
            seqs, of_session, of_flow, times_ms = zip(*some, strict=True)
            self.seq.extend(seqs)
            self.arrived_s.extend([epoch_s + at_ms / 1000 if at_ms < now_ms else now_s for at_ms in times_ms])
            nexts.extend([END] * len(some))
            for session, flow in zip(of_session, of_flow, strict=True):
                at = position(session)
                if at is None:
                    position_of[session] = len(sessions)
                    sessions.append(session)
                    flows.append(flow)
                    heads.append(node)
                    tails.append(node)
                    counts.append(1)
                else:
                    nexts[tails[at]] = node
                    tails[at] = node
                    counts[at] += 1
                node += 1
        return loaded

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
