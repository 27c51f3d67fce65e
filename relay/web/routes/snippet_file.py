"""The built snippet in memory: its bytes, its encodings, its names."""

import base64
import gzip
import hashlib
from pathlib import Path
from typing import Final, Literal, Self

from relay.core.errors import RelayError

Encoding = Literal["br", "gzip", "identity"]

_HASH_CHARS: Final = 16


class SnippetFile:
    """The snippet and what HTTP needs of it. Read once; 64 bits of its hash name it."""

    def __init__(self, source: bytes, *, packed: bytes | None = None) -> None:
        """Take the source and, where it is, what brotli made of it."""
        self.hash = hashlib.sha256(source).hexdigest()[:_HASH_CHARS]
        self.integrity = "sha384-" + base64.b64encode(hashlib.sha384(source).digest()).decode("ascii")
        self.bodies: dict[Encoding, bytes] = {"identity": source, "gzip": gzip.compress(source, 9, mtime=0)}
        if packed is not None:
            self.bodies["br"] = packed

    @classmethod
    def read(cls, folder: Path, name: str = "s.js") -> Self:
        """Read the file and, where it is, its `.br`.

        Raises:
            RelayError: the file is not there.
        """
        path = folder / name
        try:
            source = path.read_bytes()
        except OSError as error:
            raise RelayError(f"the snippet cannot be read: {path}: {error.strerror}; `make build` makes it") from None
        packed = folder / f"{name}.br"
        return cls(source, packed=packed.read_bytes() if packed.is_file() else None)

    @property
    def name(self) -> str:
        """The immutable name, good for SRI."""
        return f"s.{self.hash}.js"

    def best(self, accept_encoding: str) -> Encoding:
        """The smallest form the client takes."""
        for encoding in ("br", "gzip"):
            if encoding in self.bodies and _takes(accept_encoding, encoding):
                return encoding
        return "identity"


def _takes(accept_encoding: str, encoding: str) -> bool:
    wanted: dict[str, bool] = {}
    for part in accept_encoding[:512].split(","):
        name, _, parameters = part.partition(";")
        quality = parameters.replace(" ", "").lower()
        wanted[name.strip().lower()] = quality not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return wanted.get(encoding, wanted.get("*", False))
