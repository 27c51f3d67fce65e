"""Every snippet a page may have pinned: the installed one, those of earlier releases, and those that ran here."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from relay.web.routes.snippet_file import SnippetFile

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


def make_shelf(
    current: SnippetFile,
    inspector: SnippetFile,
    *,
    releases: Path | None = None,
    kept: Mapping[str, bytes] | None = None,
) -> SnippetShelf:
    """Put them all together.

    Args:
        current: The installed one.
        inspector: That came with it.
        releases: A folder for each earlier release, and `withdrawn.txt`.
        kept: What ran here, by hash, as the spool kept it.
    """
    withdrawn = _withdrawn(releases)
    earlier: dict[str, SnippetFile] = {}
    for folder in _folders(releases):
        file = SnippetFile.read(folder)
        earlier[file.hash] = file
    for hash_, source in (kept or {}).items():
        file = SnippetFile(source)
        if file.hash == hash_:
            earlier.setdefault(hash_, file)
        else:
            _log.warning("a kept snippet is not what it was: %s", hash_)
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
