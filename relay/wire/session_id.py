"""What a session id may look like."""

import re
from typing import Final

_SHAPE: Final = re.compile(r"[A-Za-z0-9._~-]{16,256}")
_NO_VALUE: Final = re.compile(r"(?:null|undefined|nan|none|nil|object|true|false|0)+", re.IGNORECASE)
_PUNCTUATION: Final = str.maketrans("", "", "._~-")
_IN_NONE_OF_THEM: Final = re.compile(r"[1-9ghkmpqv-zGHKMPQV-Z]")
"""Characters of no such word: nearly every id has one, which settles it for a fifth of the time."""


def is_session_id(text: str) -> bool:
    """16 to 256 characters of `A-Z a-z 0-9 . _ ~ -`, and not what a variable without a value turns into.

    `undefinedundefined` or a UUID of zeros would put all visitors into one session.
    """
    if not _SHAPE.fullmatch(text):
        return False
    if _IN_NONE_OF_THEM.search(text):
        return True
    letters = text.translate(_PUNCTUATION)
    return bool(letters) and not _NO_VALUE.fullmatch(letters)
