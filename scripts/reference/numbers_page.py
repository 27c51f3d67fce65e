"""docs/reference/numbers.md."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.reference.documented import table, text_of

ROOT: Final = Path(__file__).parents[2]
APART: Final = {"emulator", "demo"}
"""Rooms that stand for somebody else."""

HEAD: Final = """# Numbers: every bound that is written into the code, and why it is that

What people set is in [settings](settings.md). These are not settings: nobody should have to know them, or they are the
service's own.
"""


def page() -> str:
    """The whole page: a table a room."""
    rooms = sorted(path.parent for path in (ROOT / "relay").glob("*/__init__.py") if path.parent.name not in APART)
    sections = [section for room in rooms if (section := _section(room))]
    return "\n".join([HEAD, *sections]).rstrip() + "\n"


def _section(room: Path) -> str:
    rows = list(_rows(room))
    return f"## {room.name}\n\n{table(['Number', 'Is', 'Why', 'Where'], rows)}\n" if rows else ""


def _rows(room: Path) -> Iterator[list[str]]:
    for file in sorted(room.rglob("*.py")):
        body = ast.parse(file.read_text()).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
                continue
            why = text_of(after)
            if why and node.target.id.isupper() and _is_number(node.value):
                where = file.relative_to(ROOT)
                link = f"[{file.relative_to(room)}](../../{where})"
                yield [f"`{node.target.id}`", f"`{ast.unparse(node.value)}`", why, link]


def _is_number(node: ast.expr) -> bool:
    """A number, or a sum worked out of numbers."""
    match node:
        case ast.Constant(value=int() | float()):
            return not isinstance(node.value, bool)
        case ast.BinOp(left=left, right=right):
            return _is_number(left) and _is_number(right)
        case ast.UnaryOp(operand=operand):
            return _is_number(operand)
        case _:
            return False
