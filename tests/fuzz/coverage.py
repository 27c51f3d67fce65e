"""Which lines of the edge's rooms ran: for a replay of the corpus, since it costs every line a call."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
ROOMS = ("relay/web/listener", "relay/web/routes", "relay/web/api", "relay/wire", "relay/intake")


class Lines:
    """Lines that ran, by file."""

    def __init__(self) -> None:
        self.ran: dict[str, set[int]] = {}

    def share(self) -> dict[str, float]:
        """Of the statements inside functions, what ran, by room."""
        shares: dict[str, float] = {}
        for room in ROOMS:
            there: set[tuple[str, int]] = set()
            for path in (ROOT / room).rglob("*.py"):
                there |= {(str(path), line) for line in _statements(path)}
            ran = {(name, line) for name, lines in self.ran.items() for line in lines}
            shares[room] = len(there & ran) / max(1, len(there))
        return shares


@contextmanager
def traced() -> Iterator[Lines]:
    """Note every line of the rooms that runs inside."""
    found = Lines()
    wanted: dict[CodeType, bool] = {}

    def local(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            found.ran.setdefault(frame.f_code.co_filename, set()).add(frame.f_lineno)
        return local

    def call(frame: FrameType, _event: str, _argument: Any) -> Any:
        code = frame.f_code
        if code not in wanted:
            wanted[code] = any(f"/{room}/" in code.co_filename for room in ROOMS)
        return local if wanted[code] else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield found
    finally:
        sys.settrace(before)


def _statements(path: Path) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                is_text = isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
                if isinstance(inner, ast.stmt) and inner is not node and not is_text:
                    lines.add(inner.lineno)
    return lines
