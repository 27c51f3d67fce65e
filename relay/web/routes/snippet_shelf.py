"""Every snippet a page may have pinned: the installed one, those of earlier releases, and those that ran here."""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from relay.web.routes.snippet_file import SnippetFile

MOST_KEPT: Final = 20
"""Of those that ran here, the last so many."""

_log = logging.getLogger("relay")


class SnippetShelf:
    """The snippets by their hashes, in memory; the current one apart."""

    def __init__(self, current: SnippetFile, inspector: SnippetFile, earlier: Mapping[str, SnippetFile]) -> None:
        self.current = current
        self.inspector = inspector
        """What shows on a page what the snippet sees and sends: `data-debug="overlay"`."""
        self._by_hash = {**earlier, current.hash: current}

    def find(self, hash_: str) -> SnippetFile | None:
        """The snippet with this hash."""
        return self._by_hash.get(hash_)


def open_shelf(installed: Path, *, releases: Path | None = None, kept: Path | None = None) -> SnippetShelf:
    """Read them all, and keep the installed one for whatever version runs here next.

    Args:
        installed: The folder of the installed snippet.
        releases: A folder for each earlier release, and `withdrawn.txt`.
        kept: Where what ran here is kept; beside the spool.

    Raises:
        RelayError: the installed snippet is not there.
    """
    current = SnippetFile(installed)
    withdrawn = _withdrawn(releases)
    earlier: dict[str, SnippetFile] = {}
    for folder in _folders(releases):
        file = SnippetFile(folder)
        earlier[file.hash] = file
    if kept is not None:
        try:
            _keep(current, kept)
        except OSError as error:
            _log.warning("the snippet cannot be kept for later versions: %s", error.strerror)
        for folder in _folders(kept):
            file = SnippetFile(folder)
            if file.hash == folder.name:
                earlier.setdefault(file.hash, file)
            else:
                _log.warning("a kept snippet is not what it was: %s", folder.name)
    inspector = SnippetFile(installed, "inspect.js")
    return SnippetShelf(current, inspector, {hash_: file for hash_, file in earlier.items() if hash_ not in withdrawn})


def _folders(parent: Path | None) -> Iterator[Path]:
    if parent is not None and parent.is_dir():
        yield from (folder for folder in sorted(parent.iterdir()) if (folder / "s.js").is_file())


def _withdrawn(releases: Path | None) -> frozenset[str]:
    try:
        lines = (releases / "withdrawn.txt").read_text("utf-8").splitlines() if releases is not None else []
    except FileNotFoundError:
        lines = []
    return frozenset(line.split()[0] for line in lines if line.strip() and not line.startswith("#"))


def _keep(current: SnippetFile, kept: Path) -> None:
    """Write it, whole or not at all, and let the oldest go."""
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = kept / current.hash
    if not (folder / "s.js").is_file():
        folder.mkdir(mode=0o700, exist_ok=True)
        draft = folder / ".s.js"  # only the source: what it is packed into has no hash of its own to be checked by
        draft.write_bytes(current.bodies["identity"])
        draft.replace(folder / "s.js")
    os.utime(folder)
    by_age = sorted(_folders(kept), key=lambda one: one.stat().st_mtime_ns)
    for old in by_age[:-MOST_KEPT]:
        for file in old.iterdir():
            file.unlink()
        old.rmdir()


def shelf_beside(spool_url: str) -> Path | None:
    """Where what ran here is kept: beside the file of a spool; nowhere for one in memory."""
    prefix = "sqlite:///"
    return Path(f"{spool_url.removeprefix(prefix)}.snippets") if spool_url.startswith(prefix) else None
