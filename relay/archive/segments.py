"""The archive's files: JSON Lines beside the spool, in `SPOOL.archive/`, one segment after the other.

A line is `{"at": milliseconds, "trackingId", "sessionId", "userId"?, "event": {…}}`; the event is what the service got.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from relay.core.model import Batch, event_id_of

_SUFFIX: Final = ".jsonl"
_UNFINISHED: Final = ".tmp"
_BLOCK_BYTES: Final = 1 << 20
_encode: Final = msgspec.json.Encoder().encode


class _ArchivedLine(msgspec.Struct):
    trackingId: str  # noqa: N815 - as in the file
    sessionId: str  # noqa: N815
    event: msgspec.Raw
    userId: str | None = None  # noqa: N815


_decode: Final = msgspec.json.Decoder(_ArchivedLine).decode


class ToForget(NamedTuple):
    """Whose events are forgotten, or looked for: one of these is given."""

    user_id: str | None = None
    session_id: str | None = None


class Archived(msgspec.Struct, frozen=True):
    """A delivered event."""

    target: str
    session_id: str
    user_id: str | None
    event_id: str
    body: bytes


class Forgotten(NamedTuple):
    """What an erasure found."""

    events: int
    sessions: frozenset[str]
    """Whose events went."""


def folder_of(spool: Path) -> Path:
    """Where the archive of a spool is."""
    return spool.with_name(spool.name + ".archive")


def segments(folder: Path) -> list[Path]:
    """The files, oldest first; none where there is no archive."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == _SUFFIX)
    except FileNotFoundError:
        return []


def segment(folder: Path, number: int) -> Path:
    """The file with a number, which grows."""
    return folder / f"{number:012}{_SUFFIX}"


def number_of(path: Path) -> int:
    """Of a segment."""
    return int(path.stem) if path.stem.isdigit() else 0


def lines_of(batch: Batch, now_ms: int) -> bytes:
    """A delivered batch as it stands in a segment."""
    user = b"" if batch.user_id is None else b'"userId":%s,' % _encode(batch.user_id)
    target, session = _encode(batch.key.target), _encode(batch.key.session_id)
    head = b'{"at":%d,"trackingId":%s,"sessionId":%s,%s"event":' % (now_ms, target, session, user)
    # A line break in JSON can only be white space.
    return b"".join([head + entry.replace(b"\n", b" ") + b"}\n" for entry in batch.entries()])


def events(folder: Path, target: str) -> Iterator[Archived]:
    """What was delivered to one tracking id, oldest first. Broken lines are left out; segments may go meanwhile."""
    for line in _lines(folder):
        if line.trackingId == target:
            yield Archived(target, line.sessionId, line.userId, event_id_of(bytes(line.event)), bytes(line.event))


def events_of(path: Path, whom: ToForget) -> list[Archived]:
    """What one segment has of a session, or of a user, oldest first; nothing if it is gone meanwhile.

    Lines are cut out only where the id stands in them: a segment of other people's events costs little more than
    reading it, and Python's lock is free in between.
    """
    name, value = (b"userId", whom.user_id) if whom.session_id is None else (b"sessionId", whom.session_id)
    needle = b'"%b":%b,' % (name, _encode(value))
    found: list[Archived] = []
    for lines in _blocks(path):
        at = lines.find(needle)
        while at >= 0:
            end = lines.find(b"\n", at)
            one = _parsed(lines[lines.rfind(b"\n", 0, at) + 1 : end])
            if one is not None and value == (one.userId if whom.session_id is None else one.sessionId):
                body = bytes(one.event)
                found.append(Archived(one.trackingId, one.sessionId, one.userId, event_id_of(body), body))
            at = lines.find(needle, end)
    return found


def _blocks(path: Path) -> Iterator[bytes]:
    """Whole lines, about a megabyte at a time; half a line at the end is still being written."""
    rest = b""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                whole, newline, rest = (rest + block).rpartition(b"\n")
                if newline:
                    yield whole + newline
    except FileNotFoundError:
        return


def targets(folder: Path) -> set[str]:
    """Tracking ids that have events here."""
    return {line.trackingId for line in _lines(folder)}


def forget(folder: Path, whom: ToForget, sessions: frozenset[str] = frozenset()) -> Forgotten:
    """Remove every event of a user or a session, for good once this returns.

    The events a user's sessions had before the login are the user's, too: they went out without a name, and got one by
    what followed. Nobody else may write to the segments meanwhile.

    Args:
        folder: The archive.
        whom: Who is forgotten.
        sessions: Of the user, as far as they are known already.

    Raises:
        OSError: not all of it could be removed.
    """
    for path in folder.glob(f"*{_UNFINISHED}") if folder.is_dir() else ():
        path.unlink()
    files = segments(folder)
    if whom.session_id is not None:
        sessions = frozenset({whom.session_id})
    else:
        needle = b'"userId":%s,' % _encode(whom.user_id)
        named = (_parsed(line) for path in files for line in _raw(path) if needle in line)
        sessions |= {line.sessionId for line in named if line is not None and line.userId == whom.user_id}
    gone = sum([_without(path, whom, sessions) for path in files])
    if gone:
        _sync(folder)
    return Forgotten(gone, sessions)


def _without(path: Path, whom: ToForget, sessions: frozenset[str]) -> int:
    """Rewrite a segment; how many lines went."""
    needles = [b'"sessionId":%s,' % _encode(session) for session in sessions]
    if whom.user_id is not None:
        needles.append(b'"userId":%s,' % _encode(whom.user_id))
    if not any(_names(line, needles) for line in _raw(path)):
        return 0
    kept = [line for line in _raw(path) if not (_names(line, needles) and _is_theirs(line, whom, sessions))]
    gone = sum(1 for _ in _raw(path)) - len(kept)
    if kept:
        try:
            _rewrite(path, kept)
        except OSError:
            path.unlink()  # no space for a copy: forgetting is owed, keeping is not
    else:
        path.unlink()
    return gone


def _rewrite(path: Path, lines: list[bytes]) -> None:
    unfinished = path.with_suffix(_UNFINISHED)
    try:
        with open(unfinished, "wb", opener=private) as out:
            out.writelines(lines)
            out.flush()
            os.fsync(out.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _names(line: bytes, needles: list[bytes]) -> bool:
    return any(needle in line for needle in needles)


def _is_theirs(line: bytes, whom: ToForget, sessions: frozenset[str]) -> bool:
    parsed = _parsed(line)
    if parsed is None:
        return True  # broken, and it names them
    if whom.session_id is not None:
        return parsed.sessionId == whom.session_id
    return parsed.userId == whom.user_id or (parsed.userId is None and parsed.sessionId in sessions)


def private(name: str, flags: int) -> int:
    """Opens for the relay's user only: who did what is in it."""
    return os.open(name, flags | os.O_CLOEXEC, 0o600)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _lines(folder: Path) -> Iterator[_ArchivedLine]:
    for path in segments(folder):
        for line in _raw(path):
            parsed = _parsed(line)
            if parsed is not None:
                yield parsed


def _raw(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return  # the oldest makes room for the newest


def _parsed(line: bytes) -> _ArchivedLine | None:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
