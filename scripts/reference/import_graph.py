"""Who imports whom in `relay`, read from the code; type-checking imports and those inside functions count."""

from collections import defaultdict
from collections.abc import Mapping
from graphlib import TopologicalSorter

import grimp

Graph = Mapping[str, frozenset[str]]
"""Module → the modules of the relay it imports, by their full names."""


def read_graph() -> Graph:
    """The graph of the package as it is installed here."""
    found = grimp.build_graph("relay", cache_dir=None)
    return {name: frozenset(found.find_modules_directly_imported_by(name)) for name in sorted(found.modules)}


def circles(graph: Graph) -> list[list[str]]:
    """Modules that import each other round about, each knot sorted; tangled ones are one knot."""
    reached = {name: _reach(graph, name) for name in graph}
    knots = {tuple(sorted({name} | {other for other in reached[name] if name in reached[other]})) for name in graph}
    return sorted(list(knot) for knot in knots if len(knot) > 1)


def rooms(graph: Graph) -> Graph:
    """The graph of the folders and files right under `relay`; what the root itself imports is left out."""
    between: defaultdict[str, set[str]] = defaultdict(set)
    for name, imported in graph.items():
        if (room := room_of(name)) is None:
            continue
        between[room] |= {other for module in imported if (other := room_of(module)) not in (None, room)}
    return {room: frozenset(others) for room, others in sorted(between.items())}


def room_of(module: str) -> str | None:
    """`relay.spool.memory` is in `spool`; None for the root."""
    return module.split(".")[1] if "." in module else None


def floors(graph: Graph) -> list[list[str]]:
    """Rooms by height, the highest first: each imports from lower floors only.

    Raises:
        graphlib.CycleError: there is a circle.
    """
    height: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        height[name] = 1 + max((height[other] for other in graph[name]), default=-1)
    return [sorted(name for name in height if height[name] == floor) for floor in sorted({*height.values()})[::-1]]


def drawing() -> str:
    """The rooms as a mermaid diagram: an arrow from who imports to what is imported."""
    between = rooms(read_graph())
    lines = ["```mermaid", "flowchart TD", *(f"  {room}" for floor in floors(between) for room in floor)]
    for room, others in between.items():
        lines += [f"  {room} --> {other}" for other in _needed(between, room, others)]
    return "\n".join([*lines, "```"])


def _needed(graph: Graph, room: str, others: frozenset[str]) -> list[str]:
    """Without the arrows that a longer way says already, else nobody could read the drawing."""
    return sorted(other for other in others if not any(other in _reach(graph, by) for by in others if by != other))


def _reach(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += graph[name]
    return seen
