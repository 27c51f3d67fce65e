"""Reads what the code says of itself: the texts under the members of an enumeration or the fields of a class."""

import ast
import inspect
from typing import Any


def member_texts(kind: type[Any]) -> dict[str, str]:
    """Name of each member or field → the text right under it, in the order of the class."""
    found: dict[str, str] = {}
    (definition,) = (node for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef))
    for node, after in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        else:
            continue
        found[name] = text_of(after)
    return found


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def text_of(node: ast.stmt | None) -> str:
    """The text that stands where a statement could; empty where there is none."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""
