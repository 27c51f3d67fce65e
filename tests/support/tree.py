"""The files of the project: what a person writes, not what tools leave behind."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_LEFT_BEHIND: Final = {"node_modules", "__pycache__", "build", "dist"}
_HIDDEN_BUT_OURS: Final = {".ci", ".github"}


def files(*suffixes: str) -> Iterator[Path]:
    """Every file, or those that end in one of these; relative to `ROOT`, in order."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if _is_ours(name))
        for name in sorted(names):
            if not suffixes or name.endswith(suffixes):
                yield (Path(folder) / name).relative_to(ROOT)


def _is_ours(folder: str) -> bool:
    if folder.endswith(".egg-info") or folder in _LEFT_BEHIND:
        return False
    return not folder.startswith(".") or folder in _HIDDEN_BUT_OURS
