"""Snippets that pages may have pinned, beside the spool in `SPOOL.snippets/HASH/s.js`."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from relay.spool.contract import MOST_SNIPPETS

_log = logging.getLogger("relay")


def keep_snippet(spool: Path, hash_: str, source: bytes) -> dict[str, bytes]:
    """Keep this one, let the oldest go; what is kept, by hash. Never raises: what cannot be kept or read is logged."""
    kept = folder_of_snippets(spool)
    try:
        _keep(kept, hash_, source)
    except OSError as error:
        _log.warning("the snippet cannot be kept for later versions: %s", error.strerror)
    try:
        return {folder.name: (folder / "s.js").read_bytes() for folder in _folders(kept)}
    except OSError as error:
        _log.warning("snippets of earlier versions cannot be read: %s", error.strerror)
        return {}


def folder_of_snippets(spool: Path) -> Path:
    """Where they are."""
    return spool.with_name(spool.name + ".snippets")


def _keep(kept: Path, hash_: str, source: bytes) -> None:
    """Write it, whole or not at all."""
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = kept / hash_
    if not (folder / "s.js").is_file():
        folder.mkdir(mode=0o700, exist_ok=True)
        draft = folder / ".s.js"
        draft.write_bytes(source)
        draft.replace(folder / "s.js")
    os.utime(folder)
    by_age = sorted(_folders(kept), key=lambda one: one.stat().st_mtime_ns)
    for old in by_age[:-MOST_SNIPPETS]:
        for file in old.iterdir():
            file.unlink()
        old.rmdir()


def _folders(kept: Path) -> Iterator[Path]:
    if kept.is_dir():
        yield from (folder for folder in sorted(kept.iterdir()) if (folder / "s.js").is_file())
