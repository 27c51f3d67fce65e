"""Records of sessions as chains of numbers, in flat arrays the garbage collector does not walk: 20 bytes a record."""

from array import array
from collections.abc import Collection, Iterator
from typing import Final

END: Final = -1


class Chains:
    """Nodes, each a record: its seq, when it arrived (monotonic seconds), and the next of the same session."""

    def __init__(self) -> None:
        self.seq, self.next, self.arrived_s = array("q"), array("i"), array("d")
        self._free = END

    def new(self, seq: int, arrived_s: float) -> int:
        """A node at the end of a chain."""
        node = self._free
        if node == END:
            self.seq.append(seq)
            self.next.append(END)
            self.arrived_s.append(arrived_s)
            return len(self.seq) - 1
        self._free = self.next[node]
        self.seq[node], self.next[node], self.arrived_s[node] = seq, END, arrived_s
        return node

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
