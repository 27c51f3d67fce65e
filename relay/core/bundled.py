"""Files that travel inside the wheel: the built snippet, those of earlier releases, and the demo's shop.

In a checkout they are read from where they are made, so that nothing is copied while one works.
"""

from pathlib import Path
from typing import Final, Literal

_IN_CHECKOUT: Final = {
    "snippet": "js-snippet/dist",
    "snippet_releases": "js-snippet/releases",
    "shop": "examples/shop",
}


def bundled(name: Literal["snippet", "snippet_releases", "shop"]) -> Path:
    """The folder of that name: in the wheel `relay/data/NAME`, in a checkout its source."""
    package = Path(__file__).parent.parent
    in_wheel = package / "data" / name
    return in_wheel if in_wheel.is_dir() else package.parent / _IN_CHECKOUT[name]
