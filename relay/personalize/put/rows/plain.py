"""What is taken as it comes out of other programs: gzip, and UTF-16 with a byte order mark. The rest is named."""

import codecs
import gzip
import io
import os
import zlib
from typing import BinaryIO, Final, cast

from relay.personalize.errors import BadFileError

_PEEKED_BYTES: Final = 512
_READ_BYTES: Final = 65_536
_GZIP: Final = b"\x1f\x8b"
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_TEXT: Final = {
    b"PK\x03\x04": "it is a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "it is an Excel workbook; save the sheet as CSV",
    b"PAR1": "it is Parquet; write it as CSV or JSON Lines",
    b"Obj\x01": "it is Avro; write it as CSV or JSON Lines",
    b"BZh": "it is packed with bzip2; `bunzip2` unpacks it",
    b"\xfd7zXZ": "it is packed with xz; `unxz` unpacks it",
    b"\x28\xb5\x2f\xfd": "it is packed with zstd; `unzstd` unpacks it",
    codecs.BOM_UTF32_LE: "it is UTF-32; save it as UTF-8",
    codecs.BOM_UTF32_BE: "it is UTF-32; save it as UTF-8",
}


DAMAGE: Final = (EOFError, UnicodeError, gzip.BadGzipFile, zlib.error)
"""What reading a stream of `plain` raises where the file is not whole."""


def damage(error: Exception, offset: int = 0) -> BadFileError:
    """One of `DAMAGE` in words; `offset` is where the last whole row ended."""
    what = "UTF-16" if isinstance(error, UnicodeError) else "gzip"
    return BadFileError(f"it is damaged {what} behind byte {offset} of what it unpacks to ({error})")


def peeked(stream: BinaryIO) -> bytes:
    """The beginning of a buffered stream; it stays unread."""
    try:
        return cast("io.BufferedReader", stream).peek(_PEEKED_BYTES)[:_PEEKED_BYTES]
    except DAMAGE as error:
        raise damage(error) from error


def known_size(stream: BinaryIO) -> int | None:
    """Bytes of a file as they will be read; None where that is not known before its end."""
    if peeked(stream).startswith((_GZIP, *_UTF16)):
        return None
    return os.fstat(stream.fileno()).st_size


def plain(stream: BinaryIO) -> BinaryIO:
    """The stream as UTF-8, buffered: itself, where it is that already.

    Raises:
        BadFileError: it is something else, with what to do about it.
    """
    if not hasattr(stream, "peek"):
        stream = cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", stream)))
    beginning = peeked(stream)
    if beginning.startswith(_GZIP):
        return plain(cast("BinaryIO", io.BufferedReader(gzip.GzipFile(fileobj=stream), _READ_BYTES)))
    for magic, message in _NOT_TEXT.items():
        if beginning.startswith(magic):
            raise BadFileError(message)
    if beginning.startswith(_UTF16):
        return cast("BinaryIO", io.BufferedReader(_Utf16(stream), _READ_BYTES))
    if beginning[:4:2] == b"\0\0" or beginning[1:4:2] == b"\0\0":
        message = "it has zero bytes: UTF-16 without its mark? `iconv -f UTF-16LE -t UTF-8` converts"
        raise BadFileError(message)
    return stream


class _Utf16(io.RawIOBase):
    """UTF-8 of a stream of UTF-16, whose byte order its mark says."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = cast("io.BufferedReader", stream)
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # what io.BufferedReader hands over
        while not self._ready:
            data = self._stream.read1(_READ_BYTES)
            self._ready = self._decoder.decode(data, final=not data).encode()
            if not data:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
