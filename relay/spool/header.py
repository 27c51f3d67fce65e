"""What a stored row says of its events beside what SQL asks for: the same in every backend that keeps rows."""

from typing import Final

import msgspec

from relay.core.model import Provenance


class Header(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """As it is stored, in MessagePack. Fields are only ever added, at the end."""

    ends: tuple[int, ...]
    without_item: int = 0
    came: Provenance | None = None


encode_header: Final = msgspec.msgpack.Encoder().encode
"""Takes a plain tuple of the fields, too: that is a `Header` as it is written."""
decode_header: Final = msgspec.msgpack.Decoder(Header).decode
