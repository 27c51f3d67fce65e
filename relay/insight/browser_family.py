"""Which family of browsers a `User-Agent` names: enough to see that one of them loses more than the others."""

import re
from functools import lru_cache
from typing import Final

FAMILIES: Final = ("Edge", "Opera", "Samsung", "Firefox", "Chrome", "Safari", "none", "other")
"""Closed: they are a metric label. `none` said nothing, as a backend does."""
_MARKS: Final = re.compile(
    r"(?P<Edge>Edg(?:e|A|iOS)?/)|(?P<Opera>OPR/|Opera)|(?P<Samsung>SamsungBrowser/)|(?P<Firefox>Firefox/|FxiOS/)"
)
_LATER: Final = re.compile(r"(?P<Chrome>Chrom(?:e|ium)/|CriOS/)|(?P<Safari>Version/[\d.]+ .*Safari/)")


@lru_cache(maxsize=4096)
def browser_family(user_agent: bytes) -> str:
    """One of `FAMILIES`. Others call themselves Chrome and Safari too, so those are asked last."""
    if not user_agent:
        return "none"
    text = user_agent[:512].decode("latin-1")
    found = _MARKS.search(text) or _LATER.search(text)
    return str(found.lastgroup) if found is not None else "other"
